"""Intrinsic evaluation of word vectors: similarity, analogies, neighbours, known synonyms.

A table is float32 (V, d); row i is the vector of `vocabulary[i]`. Rows are in order of falling
frequency, so that of words that differ only by case the first, the most frequent, stands for all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sgns_study.artifacts import ArtifactError
from sgns_study.errors import StudyError, brief
from sgns_study.evaluation.tables import PAIRS, SCORES

RESTRICT_VOCAB = 300_000  # only the first rows take part in similarity and analogies, as in gensim
EPSILON = 1e-3  # keeps 3CosMul from dividing by 0 (Levy & Goldberg, 2014)
PRECISION_AT = 5  # below the size of the smallest synonym set of the planted corpus, 8
LONGEST = 10_000  # characters of a line of pairs or questions
COSINES = 1 << 22  # cosines of question words with table rows held at a time: 16 MiB
COMBINED = 1 << 18  # of them, added up for questions at a time: 1 MiB, which stays in cache

Table = NDArray[np.float32]
Integers = NDArray[np.int64]
Pair = tuple[str, str, float]
Question = tuple[str, str, str, str]
Method = Literal["3cosadd", "3cosmul"]


def intrinsic_scores(
    table: Table,
    vocabulary: Sequence[str],
    pairs: Mapping[str, Sequence[Pair]],
    questions: Mapping[str, Mapping[str, Sequence[Question]]],
    synonym_sets: Mapping[str, Mapping[str, Collection[str]]],
) -> pd.DataFrame:
    """Every score of one model as rows of dataset, metric, value and coverage.

    Pairs, questions and synonym sets are by the name of their dataset. A section of questions is
    the dataset `name/section`, the total of all sections is `name`.
    """
    rows: list[tuple[str, str, float, float]] = []
    first, words = table[:RESTRICT_VOCAB], vocabulary[:RESTRICT_VOCAB]
    for name, judged in pairs.items():
        rows.append((name, "spearman", *similarity(first, words, judged)))
    for name, asked in questions.items():
        names = [name, *(f"{name}/{section}" for section in asked)]
        for method in get_args(Method):
            whole, covered, correct = analogies(first, words, asked, method)
            with np.errstate(invalid="ignore"):  # a section without questions has no shares
                rows += zip(names, repeat(method), correct / covered, covered / whole)
    for name, sets in synonym_sets.items():
        precision, chance, coverage = recovery(table, vocabulary, sets, PRECISION_AT)
        rows.append((name, f"precision_at_{PRECISION_AT}", precision, coverage))
        rows.append((name, f"chance_at_{PRECISION_AT}", chance, coverage))
    return pd.DataFrame(rows, columns=SCORES)


def similarity(
    table: Table, vocabulary: Sequence[str], pairs: Sequence[Pair]
) -> tuple[float, float]:
    """Spearman's ρ of cosines with people's scores, NaN if undefined, and the share of pairs used.

    As gensim's `evaluate_word_pairs`: pairs with a word that has no row are left out, and the case
    of words is ignored.
    """
    cosines = pair_cosines(table, vocabulary, pairs)
    covered = ~np.isnan(cosines)
    coverage, cosines = float(covered.mean()), cosines[covered]
    scores = np.array([pair[2] for pair in pairs])[covered]
    if len(set(cosines)) < 2 or len(set(scores)) < 2:  # no ranks
        return np.nan, coverage
    return float(stats.spearmanr(scores, cosines).statistic), coverage


def pair_cosines(
    table: Table, vocabulary: Sequence[str], pairs: Sequence[Pair]
) -> NDArray[np.float32]:
    """The cosine of each pair of words, (pairs,), in whatever case; NaN if one has no row."""
    words = chain.from_iterable(pair[:2] for pair in pairs)
    rows = first_rows(words, vocabulary, case_insensitive=True).reshape(-1, 2)
    covered = rows.min(axis=1) >= 0
    first, second = (unit(table[column]) for column in rows[covered].T)
    cosines = np.full(len(pairs), np.nan, np.float32)
    cosines[covered] = np.einsum("ij,ij->i", first, second)
    return cosines


def similarities(
    table: Table, vocabulary: Sequence[str], pairs: Mapping[str, Sequence[Pair]]
) -> pd.DataFrame:
    """Every pair of sets by name: dataset, first, second, people's score and cosine, if known."""
    known = table[:RESTRICT_VOCAB], vocabulary[:RESTRICT_VOCAB]
    rows = [(name, *pair) for name, judged in pairs.items() for pair in judged]
    found = pd.DataFrame(rows, columns=PAIRS)
    return found.assign(cosine=pair_cosines(*known, list(chain(*pairs.values()))))


def analogies(
    table: Table,
    vocabulary: Sequence[str],
    questions: Mapping[str, Sequence[Question]],
    method: Method = "3cosadd",
) -> NDArray[np.float64]:
    """Counts of questions "a is to b as c is to what?", (3, 1 + S): of all, then of each section.

    The first row counts the questions, the second those asked, the third those answered right. As
    gensim's `evaluate_word_analogies`: questions with a word that has no row are left out, and the
    three words of a question, in whatever case, are none of its answers.
    """
    words = chain.from_iterable(chain.from_iterable(questions.values()))
    rows = first_rows(words, vocabulary, case_insensitive=True).reshape(-1, 4)
    same_word = first_rows(vocabulary, vocabulary, case_insensitive=True)
    covered = rows.min(axis=1) >= 0
    answers = best_answers(table, same_word, rows[covered, :3], method)
    correct = np.zeros(len(rows), bool)
    correct[covered] = (answers >= 0) & (same_word[answers] == rows[covered, 3])
    section = np.repeat(np.arange(len(questions)), [len(asked) for asked in questions.values()])
    weights = (np.ones(len(rows)), covered, correct)
    counts = np.stack([np.bincount(section, weight, len(questions)) for weight in weights])
    return np.column_stack([counts.sum(axis=1), counts])


def first_rows(
    words: Iterable[str], vocabulary: Sequence[str], case_insensitive: bool = False
) -> Integers:
    """The first row of each word, (n,); −1 if it has none."""
    fold = str.upper if case_insensitive else str
    rows = {fold(word): row for row, word in reversed(list(enumerate(vocabulary)))}
    return np.fromiter((rows.get(fold(word), -1) for word in words), np.int64)


def best_answers(
    table: Table, same_word: Integers, questions: Integers, method: Method
) -> Integers:
    """The row that answers each question (n, 3) of rows a, b, c best; −1 if no word is left.

    `same_word` (V,) is equal for rows that are one word in different case. Both methods maximise
    f(x, b) + f(x, c) − g(x, a) over x: with cosines for f and g it is 3CosAdd (Mikolov et al.,
    2013), with logarithms of cosines moved to [0, 1] 3CosMul (Levy & Goldberg, 2014, eq. 4). As
    the questions share few words, f and g are made once for each, for a block of rows at a time.
    """
    words, places = np.unique(questions, return_inverse=True)
    a, b, c = places.reshape(-1, 3).T
    asked = unit(table[words])
    best = np.full(len(questions), -np.inf, np.float32)
    answers = np.full(len(questions), -1)
    block = max(1, COSINES // max(1, len(words)))
    for start in range(0, len(table), block):
        candidates = table[start : start + block]
        f, g = attraction_repulsion(asked @ unit(candidates).T, method)
        excluded = same_word[words][:, None] == same_word[start : start + block]
        f[excluded], g[excluded] = -np.inf, np.inf
        f[:, lengths(candidates) == 0] = -np.inf  # no direction
        chunk = max(1, COMBINED // len(candidates))
        for part in (slice(i, i + chunk) for i in range(0, len(questions), chunk)):
            combined = f[b[part]]
            combined += f[c[part]]
            combined -= g[a[part]]
            row = combined.argmax(axis=1)
            value = combined[np.arange(len(row)), row]
            better = value > best[part]
            best[part][better] = value[better]
            answers[part][better] = start + row[better]
    return answers


def attraction_repulsion(cosines: Table, method: Method) -> tuple[Table, Table]:
    """The terms f and g of `best_answers`."""
    if method == "3cosadd":
        return cosines, cosines.copy()
    shifted = np.maximum((1 + cosines) / 2, 0)
    with np.errstate(divide="ignore"):  # of a word opposite to b or c: −∞, the worst
        return np.log(shifted), np.log(shifted + np.float32(EPSILON))


def unit(table: Table) -> Table:
    """Rows of length 1; rows of zeros stay."""
    length = lengths(table)[:, None]
    length[length == 0] = 1
    return table / length


def lengths(table: Table) -> Table:
    """Euclidean length of each row, (V,)."""
    return np.linalg.norm(table, axis=1)


def neighbours(
    table: Table, vocabulary: Sequence[str], words: Iterable[str], n: int = 10
) -> dict[str, list[tuple[str, float]]]:
    """The `n` words of largest cosine with each word and these cosines, nearest first.

    A word stands for the row spelt the same or, if there is none, the first in another case. Raises
    StudyError if a word has no vector or a zero one.
    """
    rows = {word: directed_row_of(word, table, vocabulary) for word in words}
    nearest = nearest_rows(table, list(rows.values()), n)
    return {
        word: [(vocabulary[row], float(cosine)) for row, cosine in zip(*near)]
        for word, near in zip(rows, nearest)
    }


def directed_row_of(word: str, table: Table, vocabulary: Sequence[str]) -> int:
    """The same as `row_of`; raises StudyError also for a vector of zeros, which is near to none."""
    row = row_of(word, vocabulary)
    if lengths(table[[row]]) == 0:
        raise StudyError(f"{word!r} has no neighbours, for its vector is zero: was it trained?")
    return row


def row_of(word: str, vocabulary: Sequence[str]) -> int:
    """The row spelt like the word, else the first in another case.

    Raises StudyError, which names words like it.
    """
    for case_insensitive in (False, True):
        row = int(first_rows([word], vocabulary, case_insensitive)[0])
        if row >= 0:
            return row
    like = get_close_matches(word, vocabulary) or get_close_matches(word.lower(), vocabulary)
    remedy = f"did you mean {' or '.join(like)}?" if like else "and none is like it"
    raise StudyError(
        f"{word!r} is not among the {len(vocabulary)} words{':' if like else ','} {remedy}"
    )


def nearest_rows(
    table: Table, rows: Sequence[int], n: int
) -> Iterator[tuple[Integers, NDArray[np.float32]]]:
    """For each of `rows`, the `n` rows nearest to it and their cosines, nearest first.

    Of equally near rows the first comes first. The row itself and rows of zeros are left out.
    """
    table, directed = unit(table), lengths(table) > 0
    for row in rows:
        cosine = table @ table[row]
        order = np.argsort(-cosine, kind="stable")
        order = order[directed[order] & (order != row)][:n]
        yield order, cosine[order]


def recovery(
    table: Table, vocabulary: Sequence[str], synonym_sets: Mapping[str, Collection[str]], k: int
) -> tuple[float, float, float]:
    """Precision at k of synonyms, its value for random neighbours, and the share of known words.

    Precision is the share of a word's `k` nearest neighbours that are of its set, the mean over all
    words of sets. A word whose vector is zero counts as unknown. NaN if no word of a set is known.
    """
    directed = lengths(table) > 0
    sets = [first_rows(words, vocabulary) for words in synonym_sets.values()]
    known = [[row for row in rows if row >= 0 and directed[row]] for rows in sets]
    coverage = sum(map(len, known)) / sum(map(len, sets))
    right, chance = [], []
    for rows in known:
        right += [np.isin(near, rows).mean() for near, _ in nearest_rows(table, rows, k)]
        chance += [(len(rows) - 1) / (directed.sum() - 1)] * len(rows)
    if not right:
        return np.nan, np.nan, coverage
    return float(np.mean(right)), float(np.mean(chance)), coverage


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of words and people's score of their similarity: three fields a line.

    Empty lines and those that start with `#` are left out. Raises ArtifactError naming the line.
    """
    pairs = []
    for place, fields in lines(path):
        if fields[0].startswith("#"):
            continue
        try:
            first, second, score = fields
            is_pair = np.isfinite(float(score))
        except ValueError:  # another number of fields, or no number
            is_pair = False
        check_line(is_pair, place, fields, "two words and a number")
        pairs.append((first, second, float(score)))
    if not pairs:
        raise ArtifactError(f"{path}: no pair of words in it: give two words and a number a line")
    return pairs


def read_questions(path: Path) -> dict[str, list[Question]]:
    """Analogy questions by section: `: name` begins one, then four words a line.

    Raises ArtifactError naming the line.
    """
    sections: dict[str, list[Question]] = {}
    name = ""
    for place, fields in lines(path):
        if fields[0].startswith(":"):
            name = " ".join(fields).removeprefix(":").strip()
            check_line(bool(name), place, fields, "the name of a section after the colon")
            sections.setdefault(name, [])
            continue
        check_line(bool(name), place, fields, "a section, `: name`, before the first question")
        check_line(len(fields) == 4, place, fields, "four words")
        a, b, c, d = fields
        sections[name].append((a, b, c, d))
    if not any(sections.values()):
        raise ArtifactError(f"{path}: no analogy question in it: give four words a line")
    return sections


def lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The place, `file:line`, and the fields of each line that is not empty."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(iter(partial(file.readline, LONGEST), ""), 1):
                place, fields = f"{path}:{number}", line.split()
                is_short = len(line) < LONGEST
                check_line(is_short, place, fields, f"a line of fewer than {LONGEST} characters")
                if fields:
                    yield place, fields
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: name another file") from None
    except OSError as error:
        raise ArtifactError(f"{path}: not readable ({error.strerror}): name another file") from None
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: not UTF-8 ({error}): convert it") from None


def check_line(is_right: bool, place: str, fields: Sequence[str], expected: str) -> None:
    """Raise ArtifactError with what was found and expected, if the line is not right."""
    if not is_right:
        found = brief(" ".join(fields), 60)
        raise ArtifactError(
            f"{place}: found `{found}`, expected {expected}: correct the line or remove it"
        )
