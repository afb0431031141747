"""The kinds of recipe, one module a kind, each with `train(material, recipe, radius, dim, seed)`.

A recipe of the parameters is trained by the module of its `kind`, which takes from the material
what it needs: `lab` the windows laid out, `word2vec` and `ppmi` the whole text. A kind that is
`on_device` in the parameters takes a `device` of torch's besides.
"""

from typing import NamedTuple

import pandas as pd

from sgns_study.pairs import Pairs
from sgns_study.samples import Text
from sgns_study.sgns.vectors import Vectors

CURVES = ["epoch", "split", "loss", "accuracy"]
NO_SETTINGS = {"kind", "like", "documents"}  # keys of a recipe that say what it is and reads


class Material(NamedTuple):
    """What vectors are trained on: the words of the ids, and what the recipe `reads`.

    That is the text, the pairs of the radius, or both.
    """

    words: list[str]
    text: Text | None
    pairs: Pairs | None


class Learned(NamedTuple):
    """Vectors, a row for each of the words, and curves: epoch, split, loss, accuracy."""

    vectors: Vectors
    curves: pd.DataFrame
