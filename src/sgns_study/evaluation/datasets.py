"""The public sets that word vectors are scored on, as they were downloaded."""

from pathlib import Path

from sgns_study.corpora.sources import SIMILARITY_SETS, SOURCES
from sgns_study.evaluation.intrinsic import Pair, Question, read_pairs, read_questions


def standard_sets(
    folder: Path,
) -> tuple[dict[str, list[Pair]], dict[str, dict[str, list[Question]]]]:
    """Thirteen word-similarity sets and the analogies, by name; raises ArtifactError if not there.

    The files are in `folder` as `corpora.sources.fetch` puts them.
    """
    pairs = {
        name: read_pairs(folder / SOURCES[f"similarity/{name}"].file) for name in SIMILARITY_SETS
    }
    questions = folder / SOURCES["analogies"].file
    return pairs, {questions.stem: read_questions(questions)}
