"""The `lab` recipe on the windows laid out for its radius."""

import numpy as np

from sgns_study.params import LabRecipe
from sgns_study.sgns import lab
from sgns_study.sgns.recipes import Learned, Material
from sgns_study.sgns.reference import skip_gram_on
from sgns_study.sgns.vectors import Vectors


def train(
    material: Material, recipe: LabRecipe, radius: int, dim: int, seed: int, device: str = "cpu"
) -> Learned:
    """Train on the pairs, which are of `radius`, on a device of torch's."""
    pairs, words = material.pairs, material.words
    assert pairs is not None
    assert pairs.radius == radius
    centre, context, curves = lab.train(pairs, len(words), dim, recipe, seed, skip_gram_on(device))
    windows = pairs.train
    counts = np.bincount(windows.stream[windows.centres], minlength=len(words))
    return Learned(Vectors(centre, context, words, counts), curves)
