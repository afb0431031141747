"""Which corpora there are, what each downloads, and how its documents are read."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sgns_study import params
from sgns_study.corpora import imdb, planted
from sgns_study.corpora.documents import Document
from sgns_study.corpora.sources import SOURCES

PROBES = 8  # groups shown of the known synonyms, and words of each


def required_sources(corpus: params.Corpus, tokens: params.Tokens) -> list[str]:
    """Names, in `corpora.sources.SOURCES`, of what a study downloads."""
    archive = ["imdb"] if isinstance(corpus, params.ImdbCorpus) else []
    vocabulary = ["bert_vocabulary"] if tokens.tokenizer == "wordpiece" else []
    return archive + vocabulary


def known_synonyms(corpus: params.Corpus) -> dict[str, dict[str, list[str]]]:
    """The sets of synonyms that are known of a corpus, by the name of the corpus."""
    return {corpus.kind: planted.synonym_sets()} if corpus.kind == "planted" else {}


def probe_words(corpus: params.Corpus) -> dict[str, list[str]]:
    """Groups of words to look at where the parameters name none: some of the known synonyms."""
    sets = known_synonyms(corpus).get(corpus.kind, {})
    return {name: words[:PROBES] for name, words in islice(sets.items(), PROBES)}


def read_corpus(corpus: params.Corpus, folder: Path) -> Iterator[Document]:
    """Documents of a corpus: training, test, unlabelled; downloaded files are in `folder`.

    The order is a function of the documents alone. Raises ArtifactError if a file is missing or
    damaged.
    """
    if isinstance(corpus, params.ImdbCorpus):
        return imdb.read(folder / SOURCES["imdb"].file)
    return planted.generate(corpus)
