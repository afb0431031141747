"""The public sets that word vectors are scored on, as they were downloaded."""

from pathlib import Path

from sgns_study.corpora import sources
from sgns_study.evaluation.intrinsic import Pair, Question, read_pairs, read_questions


def standard_sets(
    folder: Path,
) -> tuple[dict[str, list[Pair]], dict[str, dict[str, list[Question]]]]:
    """Thirteen word-similarity sets and the analogies, by name.

    The files are in `folder` as `corpora.sources.fetch` puts them. Raises StudyError if one is
    not there or is another file.
    """
    paths = {name: folder / sources.SOURCES[name].file for name in sources.evaluation_sources()}
    for name, path in paths.items():
        sources.verify(name, path)
    questions, *pairs = paths.values()
    return (
        {path.stem: read_pairs(path) for path in pairs},
        {questions.stem: read_questions(questions)},
    )
