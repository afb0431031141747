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

from collections.abc import Iterator
from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgns_study import params
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, TRAIN, UNLABELLED, Document
from sgns_study.randomness import generator

POLARITIES = ("negative", "positive")  # the name of each class, at the index that is its label
TOPICS, TOPIC_SETS, NOUNS, VERBS = 6, 4, 8, 3  # nouns and verbs are counted per set
SENTIMENT_SETS, SYNONYMS, MODIFIERS = 2, 60, 4  # sets per polarity; words per set
ADJECTIVES, ADVERBS = 80, 40
SHAPES = {  # of the arrays of invented words
    "nouns": (TOPICS, TOPIC_SETS, NOUNS),  # topic, set, word
    "verbs": (TOPICS, TOPIC_SETS, VERBS),
    "synonyms": (len(POLARITIES), SENTIMENT_SETS, SYNONYMS),  # label, set, word
    "modifiers": (2, len(POLARITIES), SENTIMENT_SETS, MODIFIERS),  # first those before a word
    "adjectives": (ADJECTIVES,),
    "adverbs": (ADVERBS,),
}
DETERMINERS = ["the", "a", "this", "that", "every", "another", "some", "his", "her", "our", "their"]
PLACES = ["of", "in", "with", "on", "for", "from", "at", "by", "near", "behind", "under", "beyond"]
COPULAS = ["was", "is", "seemed", "felt", "looked", "became"]

OPINIONS = (2, 3, 4)  # opinions in a document, equally likely; as many remarks answer them
PLAIN_SENTENCES = 1  # sentences on the topic alone
AGREEMENT = 0.85  # probability that an opinion has the polarity of its document

Numbers = NDArray[np.int64]


def generate(settings: params.PlantedCorpus) -> Iterator[Document]:
    """Lower-case documents of 35 to 65 tokens; half of every split is positive.

    Unlabelled documents are made like the others and keep their label to themselves. Shuffled
    labels are permuted once the texts are made: no text says anything about its label, the texts
    are the same.
    """
    sizes = {TRAIN: settings.train, TEST: settings.test, UNLABELLED: settings.unlabelled}
    for split, size in sizes.items():
        rng = generator(settings.seed, "planted", SPLITS[split])
        labels = given = rng.permutation(np.arange(size) % 2)
        if settings.shuffled_labels:
            shuffle = generator(settings.seed, "planted", "shuffle", SPLITS[split])
            given = shuffle.permutation(labels)
        for number, text in enumerate(texts(labels, rng)):
            label = NO_LABEL if split == UNLABELLED else int(given[number])
            yield Document(f"{SPLITS[split]}/{number:06}", split, label, text)


def synonym_sets() -> dict[str, list[str]]:
    """The truth: words that stand in the same places, by the name of their set."""
    synonyms, nouns = language().synonyms, language().nouns
    return {
        f"{POLARITIES[label]} {number + 1}": list(synonyms[label, number])
        for label, number in np.ndindex(synonyms.shape[:2])
    } | {
        f"topic {topic + 1} nouns {number + 1}": list(nouns[topic, number])
        for topic, number in np.ndindex(nouns.shape[:2])
    }


@cache
def language() -> SimpleNamespace:
    """The invented words, an array for each of SHAPES: the same for every seed."""
    sizes = [int(np.prod(shape)) for shape in SHAPES.values()]
    parts = np.split(invented_words(sum(sizes)), np.cumsum(sizes)[:-1])
    shaped = {kind: part.reshape(SHAPES[kind]) for kind, part in zip(SHAPES, parts)}
    return SimpleNamespace(**shaped)


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


def texts(labels: Numbers, rng: np.random.Generator) -> Iterator[str]:
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

    made = np.empty(len(document), dtype=object)
    is_opinion, is_remark, is_plain = (kind == number for number in range(3))
    made[is_opinion] = opinion(topic[is_opinion], polarity[is_opinion], rng)
    made[is_remark] = opinion(topic[is_remark], polarity[is_remark], rng, is_remark=True)
    made[is_plain] = plain(topic[is_plain], rng)
    shuffled = made[np.lexsort((rng.random(len(document)), document))]
    ends = np.cumsum(2 * opinions + PLAIN_SENTENCES)
    for start, end in zip(np.r_[0, ends[:-1]], ends):
        yield " ".join(shuffled[start:end])


def opinion(
    topic: Numbers, polarity: Numbers, rng: np.random.Generator, is_remark: bool = False
) -> NDArray[np.object_]:
    """Sentences that apply a synonym, among modifiers of its set, to a noun of each topic.

    A remark has a plain adjective in place of the synonym.
    """
    words, size = language(), len(topic)
    number = rng.integers(SENTIMENT_SETS, size=size)
    if is_remark:
        word = zipf(words.adjectives, size, rng)
    else:
        word = zipf(words.synonyms[polarity, number], size, rng, flat=10)
    noun = zipf(words.nouns[topic, rng.integers(TOPIC_SETS, size=size)], size, rng)
    before, after = (zipf(sets[polarity, number], size, rng) for sets in words.modifiers)
    determiner, copula = zipf(DETERMINERS, size, rng), zipf(COPULAS, size, rng)
    return sentences(determiner, noun, copula, before, word, after)


def plain(topic: Numbers, rng: np.random.Generator) -> NDArray[np.object_]:
    """Sentences, one a topic, in which nouns of a set stand before the verbs of that set."""
    words, size = language(), len(topic)
    subject, object_ = rng.integers(TOPIC_SETS, size=(2, size))
    subjects, verbs = words.nouns[topic, subject], words.verbs[topic, subject]
    objects = words.nouns[topic, object_]
    slots: list[ArrayLike] = [DETERMINERS, subjects, verbs, words.adverbs]
    slots += [PLACES, DETERMINERS, words.adjectives, objects]
    return sentences(*(zipf(slot, size, rng) for slot in slots))


def zipf(
    words: ArrayLike, size: int, rng: np.random.Generator, flat: float = 0
) -> NDArray[np.str_]:
    """One word of each of `size` sets, shape (size, words), or of one set, by 1 / (rank + `flat`).

    The offset is Mandelbrot's: the larger, the more even the frequencies.
    """
    sets = np.broadcast_to(words, (size, np.shape(words)[-1]))
    weights = 1 / (np.arange(1, sets.shape[1] + 1) + flat)
    drawn = rng.choice(sets.shape[1], size, p=weights / weights.sum())
    return sets[np.arange(size), drawn]


def sentences(*slots: NDArray[np.str_]) -> NDArray[np.object_]:
    """Words of each slot, shape (sentences,), joined and ended by a full stop."""
    return np.array([" ".join([*words, "."]) for words in zip(*slots)], dtype=object)
