"""A text cut into words, or into pairs of characters where its script has no spaces."""

import re
from functools import cache
from itertools import chain, pairwise
from unicodedata import category, normalize

UNSPACED = (  # Thai and Lao, Burmese, Khmer, kana, Chinese characters
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"
    r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


@cache
def some_marks() -> str:
    """Regular expression of marks that combine with the letter before them.

    Python has none among the letters of a word, such as the vowel signs of Devanagari, nor the
    joiners U+200C and U+200D.
    """
    marks = {c for c in range(0x300, 0xE0200) if category(chr(c))[0] == "M"} | {0x200C, 0x200D}
    first, last = (sorted(c for c in marks if c + step not in marks) for step in (-1, 1))
    ranges = "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(first, last))
    return rf"(?![\0-\u02ff\u30a0-\ua66e])[{ranges}]+"  # spares most letters the long list


@cache
def word() -> re.Pattern[str]:
    """A word with the apostrophes inside it, or a single sign; each with the marks that follow."""
    letters = rf"\w+(?:{some_marks()}\w*)*"
    return re.compile(rf"{letters}(?:['’]{letters})*|[^\w\s](?:{some_marks()})?")


@cache
def unspaced() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A character of a script without spaces, with its marks; a run of such or of others."""
    mark = some_marks()
    character = rf"[{UNSPACED}](?:{mark})?"
    return re.compile(character), re.compile(rf"(?:{character})+|(?:[^{UNSPACED}]+(?:{mark})?)+")


def split_words(text: str) -> list[str]:
    """Lower-cased words with the apostrophes inside them, and single punctuation marks.

    Words are in Unicode's form NFC, in which a letter and its accent are one character.
    """
    return word().findall(normalize("NFC", text.lower()))


def split_characters(text: str) -> list[str]:
    """The tokens of `split_words`; of scripts without spaces overlapping pairs of characters.

    A character without such a neighbour stays alone. So does Lucene's `CJKBigramFilter` with
    Chinese, Japanese and Korean; the words of Korean, which has spaces, are left whole here.
    """
    character, run = unspaced()
    tokens: list[str] = []
    for part in chain.from_iterable(map(run.findall, split_words(text))):
        characters = character.findall(part) if character.match(part) else []
        tokens += map("".join, pairwise(characters)) if len(characters) > 1 else [part]
    return tokens


SPLITTERS = {"word": split_words, "character": split_characters}
