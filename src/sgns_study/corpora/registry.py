"""Which corpora there are: a module for each kind, found by its name.

Each has `SOURCES`, the names in `corpora.sources.SOURCES` of what it downloads, and functions of
the settings: `documents(settings, raw)`, `sizes`, `class_names` and `synonyms`.
"""

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType

from sgns_study import params
from sgns_study.corpora.documents import Document

PROBES = 8  # groups shown of the known synonyms, and words of each


def corpus_module(corpus: params.Corpus) -> ModuleType:
    """The module of a corpus of this kind."""
    return import_module(f"sgns_study.corpora.{corpus.kind}")


def required_sources(corpus: params.Corpus, tokens: params.Tokens) -> list[str]:
    """Names, in `corpora.sources.SOURCES`, of what a study downloads."""
    vocabulary = ["bert_vocabulary"] if tokens.tokenizer == "wordpiece" else []
    return [*corpus_module(corpus).SOURCES, *vocabulary]


def own_files(corpus: params.Corpus) -> list[str]:
    """Files of the user that a corpus is read from."""
    if not isinstance(corpus, params.TableCorpus):
        return []
    return [path for path in (corpus.path, corpus.test) if path is not None]


def corpus_sizes(corpus: params.Corpus) -> params.Sizes:
    """Documents of each part of a corpus; a table is read for it."""
    return params.Sizes(*corpus_module(corpus).sizes(corpus))


def class_names(corpus: params.Corpus) -> list[str]:
    """The name of each label, at its number."""
    return list(corpus_module(corpus).class_names(corpus))


def known_synonyms(corpus: params.Corpus) -> dict[str, dict[str, list[str]]]:
    """The sets of synonyms that are known of a corpus, by the name of the corpus."""
    sets = corpus_module(corpus).synonyms(corpus)
    return {corpus.kind: sets} if sets else {}


def probe_words(corpus: params.Corpus) -> dict[str, list[str]]:
    """Groups of words to look at where the parameters name none: some of the known synonyms."""
    sets = known_synonyms(corpus).get(corpus.kind, {})
    return {name: words[:PROBES] for name, words in islice(sets.items(), PROBES)}


def read_corpus(corpus: params.Corpus, folder: Path) -> Iterator[Document]:
    """Documents of a corpus: training, test, unlabelled; downloaded files are in `folder`.

    The order is a function of the documents alone. Raises ArtifactError if a file is missing or
    damaged.
    """
    documents: Iterator[Document] = corpus_module(corpus).documents(corpus, folder)
    return documents
