"""Text to token ids: a vocabulary with counts and one compact, memory-mapped stream.

Documents are kept whole, one after the other; the stages that cut them say so (`truncated`).
Id 0 is the pad in every vocabulary and no text makes it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tqdm import tqdm

from sgns_study import params
from sgns_study.artifacts import ArtifactError, read_array, read_table, write_array, write_table
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, Document

PAD, UNKNOWN = "[PAD]", "[UNK]"
PAD_ID = 0
WORDPIECES = 30_522  # entries of the published vocabulary
LARGEST = 1 << 20  # bytes of the published vocabulary file, which has 231,508
EXTRA = "[EXTRA]"  # the lab counts 30,522 + 1 ids; this one never occurs
LINE_BREAK = re.compile(r"<\s*br\s*/?\s*>", re.IGNORECASE)
WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
PLAIN = re.compile(r"[\t\n\r -~]*")  # ASCII without the control characters that BERT deletes
ASCII_WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")  # of lower-cased ASCII text
BATCH = 1000  # documents tokenized at a time
CLASSES = 1 << 15  # that labels can number


@dataclass(frozen=True)
class Vocabulary:
    """Row i of any table belongs to `tokens[i]`; `counts` (V,) int64, without test documents."""

    tokens: list[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """Token ids of all documents: document i is `ids[offsets[i]:offsets[i + 1]]`.

    `ids` uint16 or uint32 (tokens,), `offsets` int64 (documents + 1,), `split` uint8 and `labels`
    int16 (documents,): a place in `corpora.SPLITS`, and the number of a class or −1 for none.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    split: NDArray[np.uint8]
    labels: NDArray[np.int16]


@dataclass(frozen=True)
class TokenStream(Stream):
    """A stream whose ids are rows of a vocabulary."""

    vocabulary: Vocabulary


def tokenize(
    documents: Iterable[Document], settings: params.Tokens, wordpieces: Path | None = None
) -> tuple[TokenStream, list[str]]:
    """Token stream of a corpus and the name of each document.

    `wordpieces` is the vocabulary file of the `wordpiece` tokenizer. Raises ArtifactError if the
    corpus is empty or the vocabulary file unusable.
    """
    if settings.tokenizer == "wordpiece":
        assert wordpieces is not None  # `required_sources` names it
        entries = read_wordpieces(wordpieces)
        stream, names = collect(documents, wordpiece_encoder(entries))
        ids, tokens = stream.ids, [*entries, EXTRA]
    else:
        seen: dict[str, int] = {}
        stream, names = collect(documents, word_encoder(seen))
        tokens, new_id = ordered_vocabulary(seen, stream, settings.vocabulary_size)
        ids = new_id[stream.ids]
    vocabulary = Vocabulary(tokens, count(replace(stream, ids=ids), len(tokens)))
    compact = ids.astype(np.uint16 if len(tokens) <= 1 << 16 else np.uint32)
    return TokenStream(compact, stream.offsets, stream.split, stream.labels, vocabulary), names


Encoder = Callable[[list[str]], list[list[int]]]


def collect(documents: Iterable[Document], encode: Encoder) -> tuple[Stream, list[str]]:
    """Encode documents in batches; ids are uint32 and as `encode` gives them."""
    parts: list[NDArray[np.uint32]] = []
    lengths: list[int] = [0]
    splits: list[int] = []
    labels: list[int] = []
    names: list[str] = []
    with tqdm(unit=" documents", disable=None) as bar:
        for batch in in_batches(documents):
            encoded = encode([LINE_BREAK.sub(" ", document.text) for document in batch])
            lengths.extend(map(len, encoded))
            parts.append(np.concatenate([np.asarray(ids, np.uint32) for ids in encoded]))
            splits.extend(document.split for document in batch)
            labels.extend(document.label for document in batch)
            names.extend(document.id for document in batch)
            bar.update(len(batch))
    if not any(lengths):
        raise ArtifactError(
            f"the corpus is empty: {len(names)} documents with no token: check the corpus section"
        )
    stream = Stream(
        np.concatenate(parts),
        np.cumsum(lengths, dtype=np.int64),
        np.asarray(splits, np.uint8),
        np.asarray(labels, np.int16),
    )
    return stream, names


def in_batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Lists of up to `BATCH` documents."""
    source = iter(documents)
    while batch := list(islice(source, BATCH)):
        yield batch


def read_wordpieces(path: Path) -> list[str]:
    """The published WordPiece entries, one a line; raises ArtifactError if they are not whole."""
    try:
        with path.open("rb") as file:
            entries = file.read(LARGEST).decode("utf-8").splitlines()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: run the download first") from None
    except OSError as error:
        raise ArtifactError(f"{path}: not readable ({error.strerror}): download it again") from None
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: not UTF-8 ({error}): download it again") from None
    if len(entries) != WORDPIECES or len(set(entries)) != WORDPIECES or entries[0] != PAD:
        first = [entry[:20] for entry in entries[:1]]
        raise ArtifactError(
            f"{path}: found {len(entries)} entries, {len(set(entries))} different, the first "
            f"{first}; expected {WORDPIECES} different ones, the first {PAD}: "
            "delete the file and download it again"
        )
    return entries


def wordpiece_encoder(entries: list[str]) -> Encoder:
    """BERT's uncased WordPiece without special tokens (Devlin et al., 2019).

    The names of special tokens in a text are text: its brackets are split off as punctuation.
    """
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def pieces(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    known = PiecesOfWords(pieces)

    def encode(texts: list[str]) -> list[list[int]]:
        return [
            list(chain.from_iterable(map(known.__getitem__, ASCII_WORD.findall(text.lower()))))
            if PLAIN.fullmatch(text)
            else pieces(text)
            for text in texts
        ]

    return encode


class PiecesOfWords(dict[str, list[int]]):
    """Pieces of each word, made once: BERT cuts ASCII text into such words first.

    Reviews have 30 million words and 140,000 different ones: six times as fast as without.
    """

    def __init__(self, pieces: Callable[[str], list[int]]) -> None:
        """`pieces` cuts a text."""
        super().__init__()
        self.pieces = pieces

    def __missing__(self, word: str) -> list[int]:
        """Cut and remember a new word."""
        self[word] = self.pieces(word)
        return self[word]


def split_words(text: str) -> list[str]:
    """Lower-cased words, apostrophes inside them kept, and single punctuation marks."""
    return WORD.findall(text.lower())


def word_encoder(seen: dict[str, int]) -> Encoder:
    """Numbers words in the order they are first seen and records them in `seen`."""

    def encode(texts: list[str]) -> list[list[int]]:
        return [[seen.setdefault(word, len(seen)) for word in split_words(text)] for text in texts]

    return encode


def ordered_vocabulary(
    seen: dict[str, int], stream: Stream, size: int | None
) -> tuple[list[str], NDArray[np.uint32]]:
    """Pad, unknown, then words by falling count and by alphabet; the new id of each seen word.

    Words of test documents alone, and those beyond `size` entries, become unknown.
    """
    counts = count(stream, len(seen))
    words = np.array(list(seen), dtype=object)
    order = [i for i in np.lexsort((words, -counts)) if counts[i] > 0]
    kept = order[: None if size is None else size - 2]
    new_id = np.ones(len(seen), np.uint32)
    new_id[kept] = np.arange(2, len(kept) + 2)
    return [PAD, UNKNOWN, *words[kept]], new_id


def count(stream: Stream, size: int) -> NDArray[np.int64]:
    """Occurrences of each id outside the test documents, int64 (size,)."""
    lengths = np.diff(stream.offsets)
    learned = np.repeat(stream.split != TEST, lengths)
    return np.bincount(stream.ids[learned], minlength=size)


def truncated(
    stream: TokenStream, documents: NDArray[np.int64], max_tokens: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The first tokens of chosen documents: ids (tokens,) and offsets (documents + 1,)."""
    starts = stream.offsets[documents]
    lengths = np.minimum(stream.offsets[documents + 1] - starts, max_tokens)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return stream.ids[places].astype(np.int32), offsets


def padded(stream: TokenStream, documents: NDArray[np.int64], length: int) -> NDArray[np.int32]:
    """Chosen documents cut or filled up with the pad at their end, int32 (documents, length)."""
    ids, offsets = truncated(stream, documents, length)
    result = np.full((len(documents), length), PAD_ID, np.int32)
    result[np.arange(length) < np.diff(offsets)[:, None]] = ids
    return result


def save_tokens(folder: Path, stream: TokenStream, names: list[str]) -> None:
    """Write `ids.npy`, `offsets.npy`, `documents.csv` and `vocabulary.csv`."""
    for name, array in (("ids", stream.ids), ("offsets", stream.offsets)):
        write_array(folder / f"{name}.npy", array)
    labels = pd.Series(stream.labels, dtype="Int16").mask(stream.labels == NO_LABEL)
    split = np.asarray(SPLITS)[stream.split]
    table = pd.DataFrame({"id": names, "split": split, "label": labels})
    write_table(folder / "documents.csv", table.rename_axis("document").reset_index())
    words = {"token": stream.vocabulary.tokens, "count": stream.vocabulary.counts}
    write_table(folder / "vocabulary.csv", pd.DataFrame(words))


def load_tokens(folder: Path) -> TokenStream:
    """Open a token stream; the ids stay on disk, memory-mapped.

    Raises ArtifactError if a file is missing, cut short or does not fit the others.
    """
    vocabulary = load_vocabulary(folder / "vocabulary.csv")
    ids, offsets = (read_array(folder / f"{name}.npy") for name in ("ids", "offsets"))
    documents = read_table(folder / "documents.csv")
    fits = (
        {"split", "label"} <= set(documents.columns)
        and (ids.dtype.kind, offsets.dtype) == ("u", np.int64)
        and len(offsets) == len(documents) + 1
        and offsets[0] == 0
        and offsets[-1] == len(ids)
        and bool(np.all(offsets[1:] >= offsets[:-1]))
        and documents["split"].isin(SPLITS).all()
        and documents["label"].fillna(NO_LABEL).isin(range(NO_LABEL, CLASSES)).all()
        and ids.max(initial=0) < len(vocabulary.tokens)
    )
    if not fits:
        raise ArtifactError(
            f"{folder}: {len(ids)} ids, {len(offsets)} offsets, {len(documents)} documents and a "
            f"vocabulary of {len(vocabulary.tokens)} do not fit together: "
            "delete the folder and run again"
        )
    split = documents["split"].map(SPLITS.index).to_numpy(np.uint8)
    labels = documents["label"].fillna(NO_LABEL).to_numpy(np.int16)
    return TokenStream(ids, offsets, split, labels, vocabulary)


def load_vocabulary(path: Path) -> Vocabulary:
    """Read `vocabulary.csv`; raises ArtifactError if it is missing or malformed."""
    table = read_table(path, text=("token",))
    whole = (
        list(table.columns) == ["token", "count"]
        and not table["token"].isna().any()
        and not table["token"].duplicated().any()
        and table["token"][:1].eq(PAD).any()
        and table["token"].eq(UNKNOWN).any()
        and table["count"].dtype.kind == "i"
        and table["count"].ge(0).all()
    )
    if not whole:
        raise ArtifactError(
            f"{path}: expected the columns token and count, every token once, {PAD} first and "
            f"{UNKNOWN} among them: delete it and run again"
        )
    return Vocabulary(table["token"].tolist(), table["count"].to_numpy(np.int64))
