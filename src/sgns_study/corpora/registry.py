"""Which corpora there are, what each downloads, and how its documents are read."""

from collections.abc import Iterator
from pathlib import Path

from sgns_study import params
from sgns_study.corpora import imdb, planted
from sgns_study.corpora.documents import Document
from sgns_study.corpora.sources import SOURCES


def required_sources(corpus: params.Corpus, tokens: params.Tokens) -> list[str]:
    """Names, in `corpora.sources.SOURCES`, of what a study downloads."""
    archive = ["imdb"] if isinstance(corpus, params.ImdbCorpus) else []
    vocabulary = ["bert_vocabulary"] if tokens.tokenizer == "wordpiece" else []
    return archive + vocabulary


def read_corpus(corpus: params.Corpus, folder: Path) -> Iterator[Document]:
    """Documents of a corpus: training, test, unlabelled; downloaded files are in `folder`.

    The order is a function of the documents alone. Raises ArtifactError if a file is missing or
    damaged.
    """
    if isinstance(corpus, params.ImdbCorpus):
        return imdb.read(folder / SOURCES["imdb"].file)
    return planted.generate(corpus)
