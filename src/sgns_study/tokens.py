"""From text to token ids: a vocabulary with counts and one compact stream of ids.

Documents are kept whole and lie one after the other in the stream; a stage that shortens them calls
`truncated` or `padded`. Id 0 is the pad in every vocabulary, and no text contains it.
"""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tqdm import tqdm

from sgns_study import artifacts, params
from sgns_study.artifacts import ArtifactError, reading
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, Document
from sgns_study.corpora.lines import check_recurring
from sgns_study.words import SPLITTERS

PAD, UNKNOWN = "[PAD]", "[UNK]"
PAD_ID = 0
EXTRA = "[EXTRA]"  # the lab has 30,522 + 1 ids; the last one never occurs
WORDPIECES = 30_522  # entries of the published vocabulary
LARGEST = 1 << 20  # bytes read of the vocabulary's file; the published one has 231,508
LONGEST = 512  # tokens kept of a document where the study names no length
CLASSES = 1 << 15  # labels are stored as int16
REMEMBERED = 1 << 18  # words whose pieces are held in memory
LINE_BREAK = re.compile(r"<\s*br\s*/?\s*>", re.IGNORECASE)
PLAIN = re.compile(r"[\t\n\r -~]*")  # ASCII without the control characters that BERT deletes
ASCII_WORD = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")  # of lower-cased ASCII text

Encoder = Callable[[str], list[int]]  # from a text to its ids


@dataclass(frozen=True)
class Vocabulary:
    """Id i stands for `tokens[i]`; `counts` int64 (V,) leaves out the test documents."""

    tokens: list[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """Token ids of all documents; those of document i are `ids[offsets[i]:offsets[i + 1]]`.

    ids: uint16 or uint32 (tokens,); offsets: int64 (documents + 1,);
    split: uint8 (documents,), an index into `corpora.documents.SPLITS`;
    labels: int16 (documents,), the number of the class, or −1 for none.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    split: NDArray[np.uint8]
    labels: NDArray[np.int16]


@dataclass(frozen=True)
class TokenStream(Stream):
    """A stream whose ids index a vocabulary."""

    vocabulary: Vocabulary


def tokenize(
    documents: Iterable[Document], settings: params.Tokens, wordpieces: Path | None = None
) -> tuple[TokenStream, pd.DataFrame]:
    """Tokenize a corpus; returns the token stream and the columns id and group of each document.

    `wordpieces` is the vocabulary file, which only the `wordpiece` tokenizer reads. Raises
    ArtifactError if the corpus is empty or the vocabulary file unusable.
    """
    if settings.tokenizer == "wordpiece":
        assert wordpieces is not None  # `required_sources` names it
        entries = read_wordpieces(wordpieces)
        stream, about = collect(documents, wordpiece_encoder(entries))
        ids, tokens = stream.ids, [*entries, EXTRA]
    else:
        seen: dict[str, int] = {}  # words, numbered as they are first seen
        split = SPLITTERS[settings.tokenizer]

        def number(text: str) -> list[int]:
            return [seen.setdefault(word, len(seen)) for word in split(text)]

        stream, about = collect(documents, number)
        tokens, new_id = ordered_vocabulary(list(seen), stream, settings.vocabulary_size)
        ids = new_id[stream.ids]
    vocabulary = Vocabulary(tokens, count(replace(stream, ids=ids), len(tokens)))
    compact = ids.astype(np.uint16 if len(tokens) <= 1 << 16 else np.uint32)
    return TokenStream(compact, stream.offsets, stream.split, stream.labels, vocabulary), about


def collect(documents: Iterable[Document], encode: Encoder) -> tuple[Stream, pd.DataFrame]:
    """Encode all documents into one stream, its ids uint32; returns their id and group as well."""
    parts: list[NDArray[np.uint32]] = []
    about: list[tuple[str, str, int, int]] = []
    for document in tqdm(documents, unit=" documents", disable=None):
        parts.append(np.array(encode(LINE_BREAK.sub(" ", document.text)), np.uint32))
        about.append((document.id, document.group, document.split, document.label))
    if not any(map(len, parts)):
        raise ArtifactError(
            f"the corpus is empty: {len(parts)} documents with no token: check the corpus section"
        )
    names, groups, split, labels = zip(*about, strict=True)
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    numbers = np.array(split, np.uint8), np.array(labels, np.int16)
    table = pd.DataFrame({"id": names, "group": groups})
    return Stream(np.concatenate(parts), offsets, *numbers), table


def wordpiece_encoder(entries: list[str]) -> Encoder:
    """BERT's uncased WordPiece without special tokens (Devlin et al., 2019).

    A special token's name inside a text is ordinary text: its brackets are split off as
    punctuation. BERT cuts text into words before it cuts a word into pieces, and a space always
    ends a word. So pieces are computed once and remembered: those of a word of ASCII text, and of
    other text those of what stands between spaces. IMDB has 30 million words, 140,000 of them
    different; this makes the encoder eight times as fast.
    """
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def pieces(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    remembered = lru_cache(REMEMBERED)(pieces)

    def encode(text: str) -> list[int]:
        if PLAIN.fullmatch(text):
            return list(chain.from_iterable(map(remembered, ASCII_WORD.findall(text.lower()))))
        return list(chain.from_iterable(map(remembered, text.split(" "))))

    return encode


def check_words(vocabulary: Vocabulary) -> None:
    """Warn as `check_recurring` does, on standard output: the log of the job keeps the other."""
    is_word = [any(map(str.isalnum, token)) for token in vocabulary.tokens]
    counts = vocabulary.counts[is_word]
    check_recurring("the corpus", int((counts == 1).sum()), int(counts.sum()), sys.stdout)


def ordered_vocabulary(
    seen: list[str], stream: Stream, size: int | None
) -> tuple[list[str], NDArray[np.uint32]]:
    """Order the words by falling count and then alphabetically, behind the pad and the unknown.

    `seen` holds the word of each id of `stream`. Returns the tokens and the new id of each old one.
    Words that only test documents have, and words beyond `size` tokens, become the unknown.
    """
    counts = count(stream, len(seen))
    words = np.array(seen, dtype=object)
    order = [i for i in np.lexsort((words, -counts)) if counts[i] > 0]
    kept = order[: None if size is None else size - 2]
    new_id = np.ones(len(seen), np.uint32)
    new_id[kept] = np.arange(2, len(kept) + 2)
    return [PAD, UNKNOWN, *words[kept]], new_id


def count(stream: Stream, size: int) -> NDArray[np.int64]:
    """Count how often each id occurs outside the test documents; int64 (size,)."""
    lengths = np.diff(stream.offsets)
    learned = np.repeat(stream.split != TEST, lengths)
    return np.bincount(stream.ids[learned], minlength=size)


def truncated(
    stream: TokenStream, documents: NDArray[np.int64], max_tokens: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The first tokens of the chosen documents: ids (tokens,) and offsets (documents + 1,)."""
    starts = stream.offsets[documents]
    lengths = np.minimum(stream.offsets[documents + 1] - starts, max_tokens)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    positions = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return stream.ids[positions].astype(np.int32), offsets


def usual_length(stream: TokenStream, documents: NDArray[np.int64], least: int = 1) -> int:
    """The length in tokens that 95 % of the documents do not exceed, from `least` to LONGEST."""
    lengths = stream.offsets[documents + 1] - stream.offsets[documents]
    return max(1, least, min(LONGEST, int(np.quantile(lengths, 0.95, method="inverted_cdf"))))


def padded(stream: TokenStream, documents: NDArray[np.int64], length: int) -> NDArray[np.int32]:
    """The chosen documents cut to `length` or padded at their end; int32 (documents, length)."""
    ids, offsets = truncated(stream, documents, length)
    result = np.full((len(documents), length), PAD_ID, np.int32)
    result[np.arange(length) < np.diff(offsets)[:, None]] = ids
    return result


def save_tokens(folder: Path, stream: TokenStream, about: pd.DataFrame) -> None:
    """Write `ids.npy`, `offsets.npy`, `documents.csv` and `vocabulary.csv`.

    `about` has the columns id and group; a corpus without groups gets no column of them.
    """
    artifacts.write_array(folder / "ids.npy", stream.ids)
    artifacts.write_array(folder / "offsets.npy", stream.offsets)
    labels = pd.Series(stream.labels, dtype="Int16").mask(stream.labels == NO_LABEL)
    split = np.asarray(SPLITS)[stream.split]
    table = pd.DataFrame({"id": about["id"], "split": split, "label": labels})
    table = table if (about["group"] == "").all() else table.assign(group=about["group"])
    artifacts.write_table(folder / "documents.csv", table.rename_axis("document").reset_index())
    words = {"token": stream.vocabulary.tokens, "count": stream.vocabulary.counts}
    artifacts.write_table(folder / "vocabulary.csv", pd.DataFrame(words))


def load_tokens(folder: Path) -> TokenStream:
    """Open what `save_tokens` wrote; the ids stay on disk, memory-mapped."""
    vocabulary = load_vocabulary(folder / "vocabulary.csv")
    split, labels = load_documents(folder / "documents.csv")
    ids, offsets = load_stream(folder, len(vocabulary.tokens), len(split))
    return TokenStream(ids, offsets, split, labels, vocabulary)


def load_stream(
    folder: Path, vocabulary_size: int, documents: int | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Open `ids.npy` and `offsets.npy`, of so many documents where their number is known.

    Raises ArtifactError unless documents fill the stream and its ids are of the vocabulary.
    """
    ids, offsets = (artifacts.read_array(folder / f"{name}.npy") for name in ("ids", "offsets"))
    fits = (
        (ids.dtype.kind, offsets.dtype) == ("u", np.int64)
        and len(offsets) > 1
        and documents in (None, len(offsets) - 1)
        and (offsets[0], offsets[-1]) == (0, len(ids))
        and np.all(offsets[1:] >= offsets[:-1])
        and ids.max(initial=0) < vocabulary_size
    )
    if not fits:
        raise ArtifactError(
            f"{folder}: {len(ids)} ids, {len(offsets)} offsets of documents do not belong "
            f"together, or not to a vocabulary of {vocabulary_size}: delete the folder and run "
            "again"
        )
    return ids, offsets


def load_documents(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Read the split and the label of each document from `documents.csv`, as in `Stream`."""
    table = artifacts.read_table(path)
    with reading(path, "not a list of documents"):
        labels = table["label"].fillna(NO_LABEL)
        known = table["split"].isin(SPLITS) & labels.isin(range(NO_LABEL, CLASSES))
        if not known[known.idxmin()]:
            raise ValueError(
                f"document {known.idxmin()} has a split other than {', '.join(SPLITS)}, or a label "
                f"that is no whole number below {CLASSES}"
            )
    return table["split"].map(SPLITS.index).to_numpy(np.uint8), labels.to_numpy(np.int16)


def load_vocabulary(path: Path) -> Vocabulary:
    """Read the tokens and their counts from `vocabulary.csv`."""
    table = artifacts.read_table(path, text=("token",))
    with reading(path, f"expected the columns token and count, {PAD} first"):
        tokens, counts = table["token"].tolist(), artifacts.whole(table["count"])
        if tokens[0] != PAD or table["token"].isna().any() or counts.min() < 0:
            raise ValueError("another first token, an empty one, or a negative count")
    return Vocabulary(tokens, counts)


def read_wordpieces(path: Path) -> list[str]:
    """Read the published WordPiece entries, one a line; raises ArtifactError for another file."""
    with reading(path, "not the published vocabulary", "download it again"):
        with path.open("rb") as file:
            entries = file.read(LARGEST).decode("utf-8").splitlines()
        if (len(entries), len(set(entries))) != (WORDPIECES, WORDPIECES):
            found = f"found {len(entries)} entries, {len(set(entries))} different"
            raise ValueError(f"{found}; expected {WORDPIECES} different ones")
    return entries
