"""A corpus in which the truth is known: made on the spot from a seed, with no network.

Its language is a small grammar over some 700 words, most of them invented.

- Plain words. Topics have sets of synonymous nouns, each set with its own verbs; adjectives and
  adverbs say nothing of topic or label. All are drawn by Zipf's law.
- Sentiment. Each polarity has sets of many synonyms, each set with its own few modifiers. An
  opinion puts a synonym among modifiers of its set: `the tolvan was BEFORE SYNONYM AFTER .`
- Balance. Each opinion is answered by a remark: a plain adjective among modifiers of the *other*
  polarity. So a modifier says to which set a word belongs and nothing about the label.

Hence only the synonyms tell the label, and in a few hundred labelled documents most of them are
met once, twice or never. Which of them belong together can be learned from text without labels:
here pretraining must help, and synonyms must come out as neighbours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sgns_study import params
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, TRAIN, UNLABELLED, Document
from sgns_study.randomness import generator

POLARITIES = ("negative", "positive")  # the name of each class, at the index that is its label
TOPICS, TOPIC_SETS, NOUNS, VERBS = 6, 4, 8, 3  # nouns and verbs are counted per set
SENTIMENT_SETS, SYNONYMS, MODIFIERS = 2, 60, 4  # sets per polarity; words per set
ADJECTIVES, ADVERBS = 80, 40
DETERMINERS = ["the", "a", "this", "that", "every", "another", "some", "his", "her", "our", "their"]
PLACES = ["of", "in", "with", "on", "for", "from", "at", "by", "near", "behind", "under", "beyond"]
COPULAS = ["was", "is", "seemed", "felt", "looked", "became"]

OPINIONS = (2, 3, 4)  # opinions in a document, equally likely; as many remarks answer them
PLAIN_SENTENCES = 1  # sentences on the topic alone
AGREEMENT = 0.85  # probability that an opinion has the polarity of its document


def class_names() -> tuple[str, ...]:
    """The name of each class, at the index that is its label."""
    return POLARITIES


def generate(settings: params.PlantedCorpus) -> Iterator[Document]:
    """Lower-case documents of 35 to 65 tokens; half of every split is positive.

    Unlabelled documents are made like the others and keep their label to themselves. Shuffled
    labels are permuted once the texts are made: no text says anything about its label, the texts
    are the same.
    """
    sizes = {TRAIN: settings.train, TEST: settings.test, UNLABELLED: settings.unlabelled}
    for split, size in sizes.items():
        rng = generator(settings.seed, "planted", SPLITS[split])
        labels = rng.permutation(np.arange(size) % 2)
        given = labels
        if settings.shuffled_labels:
            shuffle = generator(settings.seed, "planted", "shuffle", SPLITS[split])
            given = shuffle.permutation(labels)
        for number, text in enumerate(texts(labels, rng)):
            label = NO_LABEL if split == UNLABELLED else int(given[number])
            yield Document(f"{SPLITS[split]}/{number:06}", split, label, text)


def synonym_sets() -> dict[str, list[str]]:
    """The truth: words that stand in the same places, by the name of their set."""
    words = language()
    sentiment = product(enumerate(POLARITIES), range(SENTIMENT_SETS))
    topical = product(range(TOPICS), range(TOPIC_SETS))
    return {
        f"{polarity} {number + 1}": list(words.synonyms[label, number])
        for (label, polarity), number in sentiment
    } | {
        f"topic {topic + 1} nouns {number + 1}": list(words.nouns[topic, number])
        for topic, number in topical
    }


@dataclass(frozen=True)
class Language:
    """The words of each kind; the last axis of every array counts the words of one set."""

    nouns: NDArray[np.str_]  # (topic, set, word)
    verbs: NDArray[np.str_]  # (topic, set, word)
    synonyms: NDArray[np.str_]  # (label, set, word)
    modifiers: NDArray[np.str_]  # (place, label, set, word), place 0 before and 1 after
    adjectives: NDArray[np.str_]
    adverbs: NDArray[np.str_]


@cache
def language() -> Language:
    """The invented words: the same for every seed."""
    shapes = {
        "nouns": (TOPICS, TOPIC_SETS, NOUNS),
        "verbs": (TOPICS, TOPIC_SETS, VERBS),
        "synonyms": (len(POLARITIES), SENTIMENT_SETS, SYNONYMS),
        "modifiers": (2, len(POLARITIES), SENTIMENT_SETS, MODIFIERS),
        "adjectives": (ADJECTIVES,),
        "adverbs": (ADVERBS,),
    }
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    parts = np.split(invented_words(sum(sizes)), np.cumsum(sizes)[:-1])
    return Language(
        **{kind: part.reshape(shapes[kind]) for kind, part in zip(shapes, parts, strict=True)}
    )


def invented_words(number: int) -> NDArray[np.str_]:
    """Different pronounceable words of two syllables that are not in the grammar."""
    blends = ["br", "dr", "fl", "gl", "kr", "pl", "qu", "sk", "st", "tr"]
    onsets = sorted([*"bdfghjklmnprstvwz", *blends])
    codas = ["", "l", "m", "n", "r", "s", "t", "nd", "rk", "st"]
    first = ["".join(parts) for parts in product(onsets, "aeiou", ["", "l", "n", "r", "s"])]
    second = ["".join(parts) for parts in product("bdfgklmnprstvz", "aeiou", codas)]
    rng = generator(0, "planted", "words")
    drawn = np.char.add(rng.choice(first, 2 * number), rng.choice(second, 2 * number))
    different = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return different[:number]


def texts(labels: NDArray[np.int64], rng: np.random.Generator) -> Iterator[str]:
    """One document for each label, shape (documents,): its sentences in random order."""
    opinions = rng.choice(OPINIONS, len(labels))
    document = np.repeat(np.arange(len(labels)), 2 * opinions + PLAIN_SENTENCES)
    rank = np.arange(len(document)) - np.searchsorted(document, document)  # within its document
    kind = np.minimum(rank // opinions[document], 2)  # opinions, their remarks, plain sentences
    topic = rng.integers(TOPICS, size=len(labels))[document]
    agrees = rng.random(len(document)) < AGREEMENT
    polarity = np.where(agrees, labels[document], 1 - labels[document])
    answered = np.arange(len(document)) - opinions[document]  # the opinion before each remark
    polarity = np.where(kind == 1, 1 - polarity[answered], polarity)

    sentences = np.empty(len(document), dtype=object)
    for number, make in enumerate((opinion, remark, plain)):
        of_kind = kind == number
        sentences[of_kind] = make(topic[of_kind], polarity[of_kind], rng)
    shuffled = sentences[np.lexsort((rng.random(len(document)), document))]
    ends = np.cumsum(2 * opinions + PLAIN_SENTENCES)
    for start, end in zip(np.r_[0, ends[:-1]], ends):
        yield " ".join(shuffled[start:end])


Numbers = NDArray[np.int64]


def opinion(topic: Numbers, polarity: Numbers, rng: np.random.Generator) -> NDArray[np.object_]:
    """Sentences, one a topic and polarity, in which a synonym stands among its modifiers."""
    which = rng.integers(SENTIMENT_SETS, size=len(topic))
    synonym = zipf(language().synonyms[polarity, which], rng, flat=10)
    return judgement(topic, polarity, which, synonym, rng)


def remark(topic: Numbers, polarity: Numbers, rng: np.random.Generator) -> NDArray[np.object_]:
    """Sentences, one a topic and polarity, in which an adjective stands among the modifiers."""
    which = rng.integers(SENTIMENT_SETS, size=len(topic))
    adjective = repeated(language().adjectives, len(topic), rng)
    return judgement(topic, polarity, which, adjective, rng)


def judgement(
    topic: Numbers,
    polarity: Numbers,
    which: Numbers,
    word: NDArray[np.str_],
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """Sentences that apply each word, between modifiers of a set, to a noun of a topic."""
    words, size = language(), len(topic)
    noun = zipf(words.nouns[topic, rng.integers(TOPIC_SETS, size=size)], rng)
    before, after = (zipf(sets[polarity, which], rng) for sets in words.modifiers)
    determiner, copula = repeated(DETERMINERS, size, rng), repeated(COPULAS, size, rng)
    return sentence(determiner, noun, copula, before, word, after)


def plain(topic: Numbers, _: Numbers, rng: np.random.Generator) -> NDArray[np.object_]:
    """Sentences, one a topic, in which nouns of a set stand before the verbs of that set."""
    words, size = language(), len(topic)
    subject, object_ = rng.integers(TOPIC_SETS, size=(2, size))
    return sentence(
        repeated(DETERMINERS, size, rng),
        zipf(words.nouns[topic, subject], rng),
        zipf(words.verbs[topic, subject], rng),
        repeated(words.adverbs, size, rng),
        repeated(PLACES, size, rng),
        repeated(DETERMINERS, size, rng),
        repeated(words.adjectives, size, rng),
        zipf(words.nouns[topic, object_], rng),
    )


def zipf(sets: NDArray[np.str_], rng: np.random.Generator, flat: float = 0) -> NDArray[np.str_]:
    """One word of each row of `sets`, shape (draws, words), by 1 / (rank + `flat`).

    The offset is Mandelbrot's: the larger, the more even the frequencies.
    """
    weights = 1 / (np.arange(1, sets.shape[1] + 1) + flat)
    drawn = rng.choice(sets.shape[1], len(sets), p=weights / weights.sum())
    return sets[np.arange(len(sets)), drawn]


def repeated(
    words: Sequence[str] | NDArray[np.str_], size: int, rng: np.random.Generator
) -> NDArray[np.str_]:
    """`size` draws from one set of words, by Zipf's law."""
    return zipf(np.broadcast_to(np.asarray(words), (size, len(words))), rng)


def sentence(*slots: NDArray[np.str_]) -> NDArray[np.object_]:
    """Words of each slot, shape (sentences,), joined and ended by a full stop."""
    return np.array([" ".join([*words, "."]) for words in zip(*slots)], dtype=object)
