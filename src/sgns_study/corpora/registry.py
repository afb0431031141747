"""Which corpora there are: the functions of each kind, and what a study asks of any of them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sgns_study import params
from sgns_study.corpora import books, imdb, planted, table
from sgns_study.corpora.documents import Document
from sgns_study.corpora.sources import SOURCES, evaluation_sources

CODE = {  # what makes the documents of each kind and names their classes, for its digest
    "imdb": ("corpora.imdb.read", "corpora.imdb.CLASSES"),
    "imdb_and_books": ("corpora.books.read", "corpora.imdb.CLASSES"),
    "planted": ("corpora.planted.generate", "corpora.planted.POLARITIES"),
    "table": ("corpora.table.read", "corpora.table.inspect"),
}
DOWNLOADED = {"imdb": ["imdb"], "imdb_and_books": ["imdb", "books"]}  # sources of each kind
PROBES = 8  # sets of known synonyms that are shown, and words of each


def required_sources(corpus: params.Corpus, tokens: params.Tokens) -> list[str]:
    """Names, in `corpora.sources.SOURCES`, of what a study downloads."""
    vocabulary = ["bert_vocabulary"] if tokens.tokenizer == "wordpiece" else []
    return DOWNLOADED.get(corpus.kind, []) + vocabulary


def raw_files(study: params.Study) -> list[str]:
    """The files that a corpus and its tokens are made from, downloaded or the user's own."""
    names = required_sources(study.corpus, study.tokens)
    return [f"data/raw/{SOURCES[name].file}" for name in names] + own_files(study.corpus)


def word_sets(study: params.Study) -> list[str]:
    """The downloaded files that a study scores its vectors on."""
    names = evaluation_sources() if study.evaluation.public_sets else []
    return [f"data/raw/{SOURCES[name].file}" for name in names]


def own_files(corpus: params.Corpus) -> list[str]:
    """Files of the user that a corpus is read from."""
    return corpus.files if isinstance(corpus, params.TableCorpus) else []


def corpus_sizes(corpus: params.Corpus) -> params.Sizes:
    """Number of documents in each part of a corpus; a table is read to count them."""
    if isinstance(corpus, params.TableCorpus):
        return params.Sizes(*table.inspect(corpus).sizes)
    return corpus.sizes


def class_names(corpus: params.Corpus) -> list[str]:
    """The name of each class, at the index that is its label."""
    if isinstance(corpus, params.TableCorpus):
        return list(table.inspect(corpus).classes)
    return list(planted.POLARITIES if corpus.kind == "planted" else imdb.CLASSES)


def known_synonyms(corpus: params.Corpus) -> dict[str, dict[str, list[str]]]:
    """The sets of synonyms that are known of a corpus, by the name of the corpus."""
    return {corpus.kind: planted.synonym_sets()} if corpus.kind == "planted" else {}


def probe_words(corpus: params.Corpus) -> dict[str, list[str]]:
    """Words whose neighbours are shown if the parameters name none: some known synonyms."""
    sets = known_synonyms(corpus).get(corpus.kind, {})
    return {name: words[:PROBES] for name, words in islice(sets.items(), PROBES)}


def read_corpus(corpus: params.Corpus, folder: Path) -> Iterator[Document]:
    """Documents of a corpus: training, test, unlabelled; downloaded files are in `folder`.

    The order is a function of the documents alone. Raises ArtifactError if a file is missing or
    damaged.
    """
    if isinstance(corpus, params.ImdbCorpus):
        return imdb.read(folder / imdb.ARCHIVE)
    if isinstance(corpus, params.BooksCorpus):
        return books.read(folder / imdb.ARCHIVE, folder / books.ARCHIVE)
    if isinstance(corpus, params.PlantedCorpus):
        return planted.generate(corpus)
    return table.read(corpus)
