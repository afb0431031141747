"""Text to ids: nothing lost, nothing invented, the same as BERT's own definition."""

import re
import unicodedata
from itertools import groupby, pairwise, permutations
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import params, tokens
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from sgns_study.tokens import PAD_ID, TokenStream
from sgns_study.words import split_characters, split_words

WORD = params.Tokens(tokenizer="word")
PIECES = ["un", "##aff", "##able", "##a", "a", "b", "##b", "film", "##s", "é", ".", "[", "]"]


def documents(*texts: str, split: int = TRAIN) -> list[Document]:
    label = NO_LABEL if split == UNLABELLED else 1
    return [Document(f"d{number}", split, label, text) for number, text in enumerate(texts)]


def words_of(stream: TokenStream, document: int) -> list[str]:
    ids = stream.ids[stream.offsets[document] : stream.offsets[document + 1]]
    return [stream.vocabulary.tokens[i] for i in ids]


@pytest.fixture
def wordpieces(tmp_path: Path) -> Path:
    """A vocabulary of the published size, most of its entries never met in a text."""
    known = ["[PAD]", "[UNK]", *PIECES, "pad", *"0123456789"]
    filling = [f"[unused{number}]" for number in range(tokens.WORDPIECES - len(known))]
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(known + filling) + "\n", encoding="utf-8")
    return path


def greedy_pieces(word: str, entries: set[str]) -> list[str]:
    """Longest match first (Devlin et al., 2019), written out."""
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in entries:
                pieces.append(piece)
                start = end
                break
        else:
            return ["[UNK]"]
    return pieces


def bert(text: str, entries: set[str]) -> list[str]:
    """BERT's uncased tokenizer from its description: clean, lower, strip accents, split, match."""
    text = "".join(" " if c in "\t\n\r" else c for c in text)
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C" or c == " ")
    text = unicodedata.normalize("NFD", text.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    pieces = []
    for chunk in text.split():
        for word in re.findall(r"[^\W_]+|.", chunk):
            pieces.extend(greedy_pieces(word, entries) if len(word) <= 100 else ["[UNK]"])
    return pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Unaffable FILMS.", ["un", "##aff", "##able", "film", "##s", "."]),
        ("[PAD]", ["[", "pad", "]"]),
        ("ab abb", ["a", "##b", "a", "##b", "##b"]),
        ("xyz", ["[UNK]"]),
        ("films<br /><BR>films", ["film", "##s", "film", "##s"]),
        ("", []),
    ],
)
def test_wordpieces(wordpieces: Path, text: str, expected: list[str]) -> None:
    settings = params.Tokens(tokenizer="wordpiece")
    stream, _ = tokens.tokenize(documents(text, "a"), settings, wordpieces)
    assert words_of(stream, 0) == expected


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_wordpieces_equal_the_tokenizers_library_whole(texts: list[str]) -> None:
    """Words cut once and remembered give what the library gives for the whole text."""
    entries = ["[PAD]", "[UNK]", *PIECES, *"0123456789"]
    encode = tokens.wordpiece_encoder(entries)
    for text in texts:
        ids = encode(text)
        # a text that is not ASCII takes the library's way; the mark is a piece of its own
        other = encode(text + " é")
        assert ids == other[:-1]
        assert PAD_ID not in ids


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_wordpieces_of_ascii_equal_the_description(text: str) -> None:
    entries = ["[PAD]", "[UNK]", *PIECES, *"0123456789"]
    ids = tokens.wordpiece_encoder(entries)(text)
    assert [entries[i] for i in ids] == bert(text, set(entries))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's GOOD, isn't it?!", ["it's", "good", ",", "isn't", "it", "?", "!"]),
        ("naïve café — 7/10", ["naïve", "café", "—", "7", "/", "10"]),
        ("one<br />two", ["one", "two"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # a vowel sign is a mark of its own
        ("cafe\u0301's", ["café's"]),  # NFC: é is one character
        ("q\u0303ha", ["q\u0303ha"]),  # there is no such letter in one
        ("می\u200cخواهم", ["می\u200cخواهم"]),  # a joiner inside a word
        (
            "\U00011103\U00011127 \U0001e900\U0001e944",
            ["\U00011103\U00011127", "\U0001e922\U0001e944"],
        ),
        ("❤\ufe0flove", ["❤\ufe0f", "love"]),  # a sign keeps its variation
        ("电影很好，我喜欢。", ["电影很好", "，", "我喜欢", "。"]),  # no space: a clause is a word
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    stream, _ = tokens.tokenize(documents(text), WORD)
    assert words_of(stream, 0) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我是中国人", ["我是", "是中", "中国", "国人"]),  # as in Lucene's documentation
        ("很好，我喜欢。", ["很好", "，", "我喜", "喜欢", "。"]),
        ("我 是", ["我", "是"]),
        ("iPhone很好 OK", ["iphone", "很好", "ok"]),
        ("か\u3099きひー", ["がき", "きひ", "ひー"]),
        ("ที่นี่ดี", ["ที่นี่", "นี่ดี"]),  # vowels and tones stay with their consonant
        ("It's GOOD हिन्दी 한국어!", ["it's", "good", "हिन्दी", "한국어", "!"]),
    ],
)
def test_characters(text: str, expected: list[str]) -> None:
    settings = params.Tokens(tokenizer="character")
    stream, _ = tokens.tokenize(documents(text), settings)
    assert words_of(stream, 0) == expected


SCRIPTS = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI", "LAO",
           "MYANMAR", "KHMER")  # fmt: skip
SIGNS = "aé1, ’!我是中々〇カひー、ｶﾅที่นัດີမြန្ខ한हि\u0301\u200d\u3099\U00020000\ufe0f"


@given(st.text(SIGNS, max_size=12))
def test_characters_by_the_names_of_their_script(text: str) -> None:
    """The definition, written out with Unicode's names of characters."""
    expected = []
    for word in split_words(text):
        characters: list[str] = []  # each with its marks
        for sign in word:
            mark = unicodedata.category(sign)[0] == "M" or sign in "\u200c\u200d"
            characters[-1:] = (
                [characters[-1] + sign] if mark and characters else [*characters[-1:], sign]
            )
        unspaced = [unicodedata.name(c[0]).startswith(SCRIPTS) for c in characters]
        for is_unspaced, group in groupby(zip(unspaced, characters), key=itemgetter(0)):
            run = [character for _, character in group]
            pairs = ["".join(pair) for pair in pairwise(run)]
            expected += pairs if is_unspaced and pairs else ["".join(run)]
    assert split_characters(text) == expected


@pytest.mark.parametrize(
    ("tokenizer", "space", "warning"),
    [
        ("word", "", "360 of 360 words occur only once: give more text or"),  # a clause is a word
        ("word", " ", ""),
        ("character", "", ""),
    ],
)
def test_words_that_do_not_recur_are_warned_about(
    capsys: pytest.CaptureFixture[str], tokenizer: Any, space: str, warning: str
) -> None:
    """Signs are no words, and test documents do not count."""
    clauses = [f"{space.join(chosen)}！" for chosen in permutations("我是中国很好", 4)]
    texts = [*documents(*clauses), *documents("中文很好！", split=TEST)]
    stream, _ = tokens.tokenize(texts, params.Tokens(tokenizer=tokenizer))
    tokens.check_words(stream.vocabulary)
    said = capsys.readouterr().out
    assert said.startswith(f"warning: the corpus: {warning}" if warning else "")
    assert bool(said) == bool(warning)
    assert ("tokenizer: character" in said) == bool(warning)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_documents_come_back_from_the_stream(texts: list[str]) -> None:
    expected = [split_words(tokens.LINE_BREAK.sub(" ", text)) for text in texts]
    if not any(expected):
        return
    stream, names = tokens.tokenize(documents(*texts), WORD)
    assert [words_of(stream, i) for i in range(len(texts))] == expected
    assert len(names) == len(texts)
    assert (stream.ids != PAD_ID).all()


def test_the_vocabulary_is_by_count_then_alphabet_and_blind_to_the_test() -> None:
    corpus = [
        *documents("b b c a", "c"),
        *documents("c d a", split=UNLABELLED),
        *documents("e e e e a", split=TEST),
    ]
    stream, _ = tokens.tokenize(corpus, WORD)
    assert stream.vocabulary.tokens == ["[PAD]", "[UNK]", "c", "a", "b", "d"]
    assert stream.vocabulary.counts.tolist() == [0, 0, 3, 2, 2, 1]
    assert words_of(stream, 3) == ["[UNK]"] * 4 + ["a"]
    assert stream.labels.tolist() == [1, 1, NO_LABEL, 1]


def test_the_vocabulary_can_be_cut() -> None:
    settings = params.Tokens(tokenizer="word", vocabulary_size=4)
    stream, _ = tokens.tokenize(documents("a a a b b c"), settings)
    assert stream.vocabulary.tokens == ["[PAD]", "[UNK]", "a", "b"]
    assert words_of(stream, 0)[-1] == "[UNK]"
    assert stream.vocabulary.counts.tolist() == [0, 1, 3, 2]


def test_ids_are_as_small_as_the_vocabulary_allows(wordpieces: Path) -> None:
    settings = params.Tokens(tokenizer="wordpiece")
    stream, _ = tokens.tokenize(documents("a"), settings, wordpieces)
    assert stream.ids.dtype == np.uint16
    assert len(stream.vocabulary.tokens) == 30_523  # the lab's 30,522 + 1
    many = " ".join(f"w{number}" for number in range(1 << 16))
    assert tokens.tokenize(documents(many), WORD)[0].ids.dtype == np.uint32


@pytest.mark.parametrize("corpus", [[], documents("", " \n")])
def test_an_empty_corpus_is_an_error(corpus: list[Document]) -> None:
    with pytest.raises(ArtifactError, match="the corpus is empty"):
        tokens.tokenize(corpus, WORD)


def test_truncated_and_padded_by_hand() -> None:
    stream, _ = tokens.tokenize(documents("a b c d", "", "e"), WORD)
    first = {word: number for number, word in enumerate(stream.vocabulary.tokens)}
    chosen = np.array([2, 0, 1])
    ids, offsets = tokens.truncated(stream, chosen, 3)
    assert ids.tolist() == [first["e"], first["a"], first["b"], first["c"]]
    assert offsets.tolist() == [0, 1, 4, 4]
    assert tokens.padded(stream, chosen, 3).tolist() == [
        [first["e"], 0, 0],
        [first["a"], first["b"], first["c"]],
        [0, 0, 0],
    ]


def test_the_usual_length_leaves_95_percent_whole() -> None:
    lengths = [*range(1, 101), 3000]  # document i has i + 1 tokens, but the last
    ends = np.cumsum([0, *lengths])
    stream = tokens.TokenStream(None, ends, None, None, None)  # type: ignore[arg-type]
    assert tokens.usual_length(stream, np.arange(100)) == 95
    assert tokens.usual_length(stream, np.arange(20)) == 19
    assert tokens.usual_length(stream, np.array([100])) == 512
    assert tokens.usual_length(stream, np.array([1]), least=3) == 3


def test_a_stream_survives_saving(tmp_path: Path) -> None:
    corpus = [*documents('"a",b', "nan null NA\n"), *documents("x", split=UNLABELLED)]
    stream, names = tokens.tokenize(corpus, WORD)
    tokens.save_tokens(tmp_path, stream, names)
    loaded = tokens.load_tokens(tmp_path)
    assert isinstance(loaded.ids, np.memmap)
    for name in ("ids", "offsets", "split", "labels"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(stream, name))
    assert loaded.vocabulary.tokens == stream.vocabulary.tokens
    assert loaded.vocabulary.counts.tolist() == stream.vocabulary.counts.tolist()


@pytest.mark.parametrize("name", ["ids.npy", "offsets.npy", "vocabulary.csv", "documents.csv"])
def test_a_stream_cut_short_is_an_error(tmp_path: Path, name: str) -> None:
    stream, names = tokens.tokenize(documents("a b c d", "e f"), WORD)
    tokens.save_tokens(tmp_path, stream, names)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: -(len(path.read_bytes()) // 3)])
    with pytest.raises(ArtifactError):
        tokens.load_tokens(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("documents.csv", "document,id\n0,a\n1,b\n"),
        ("documents.csv", "document,id,split,label\n0,a,train,-2\n1,b,train,1\n"),
        ("documents.csv", "document,id,split,label\n0,a,train,0.5\n1,b,train,1\n"),
        ("documents.csv", "document,id,split,label\n0,a,train,32768\n1,b,train,1\n"),
        ("documents.csv", "document,id,split,label\n0,a,train,good\n1,b,train,1\n"),
        ("documents.csv", "document,id,split,label\n0,a,dev,1\n1,b,train,1\n"),
        ("documents.csv", "document,id,split,label\n"),
        ("documents.csv", "document,id,split\n0,a,train\n1,b,train\n"),
        ("vocabulary.csv", "token,count\n[PAD],0\n[UNK],0\n"),
        ("vocabulary.csv", "token,count\n[UNK],0\na,1\nb,1\nc,1\nd,1\ne,1\nf,1\n[PAD],0\n"),
        ("vocabulary.csv", "token,count\n[PAD],none\n[UNK],0\na,1\nb,1\nc,1\nd,1\ne,1\nf,1\n"),
    ],
)
def test_a_table_that_does_not_fit_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    stream, names = tokens.tokenize(documents("a b c d", "e f"), WORD)
    tokens.save_tokens(tmp_path, stream, names)
    (tmp_path / name).write_text(content)
    with pytest.raises(ArtifactError, match="run again"):
        tokens.load_tokens(tmp_path)


def test_labels_of_many_classes_come_back(tmp_path: Path) -> None:
    labels = [0, 2, 300, tokens.CLASSES - 1]
    several = [Document(f"d{label}", TRAIN, label, "a b") for label in labels]
    several.append(Document("none", UNLABELLED, NO_LABEL, "a b"))
    tokens.save_tokens(tmp_path, *tokens.tokenize(several, WORD))
    loaded = tokens.load_tokens(tmp_path)
    assert loaded.labels.tolist() == [*labels, NO_LABEL]
    assert loaded.labels.dtype == np.int16


@pytest.mark.parametrize("ids", [np.full(6, 8, np.uint16), np.ones((6, 1), np.uint16), np.ones(6)])
def test_ids_that_are_no_rows_of_the_vocabulary_are_an_error(
    tmp_path: Path, ids: np.ndarray
) -> None:
    stream, names = tokens.tokenize(documents("a b c d", "e f"), WORD)
    tokens.save_tokens(tmp_path, stream, names)
    np.save(tmp_path / "ids.npy", ids)
    with pytest.raises(ArtifactError, match="run again"):
        tokens.load_tokens(tmp_path)


@pytest.mark.parametrize("change", ["missing", "short", "twice", "binary"])
def test_a_vocabulary_file_that_is_not_the_published_one(wordpieces: Path, change: str) -> None:
    lines = wordpieces.read_text().splitlines()
    if change == "missing":
        wordpieces.unlink()
    elif change == "short":
        wordpieces.write_text("\n".join(lines[:100]))
    elif change == "twice":
        wordpieces.write_text("\n".join([*lines[:-1], lines[0]]))
    else:
        wordpieces.write_bytes(b"\xff\xfe" * 100)
    with pytest.raises(ArtifactError) as error:
        tokens.read_wordpieces(wordpieces)
    assert str(wordpieces) in str(error.value)
    assert "download" in str(error.value)


@pytest.mark.real_data
def test_real_reviews_equal_the_description_of_bert(mirror: Path) -> None:
    from sgns_study.corpora import imdb

    entries = tokens.read_wordpieces(mirror / "bert-base-uncased-vocab.txt")
    encode, known = tokens.wordpiece_encoder(entries), set(entries)
    reviews = [d.text for d in imdb.read(mirror / "aclImdb-with-urls.tar.xz")][::500]
    texts = [tokens.LINE_BREAK.sub(" ", text) for text in reviews if text.isascii()]
    assert len(texts) > 100
    for text in texts:
        assert [entries[i] for i in encode(text)] == bert(text, known)
