"""The `ppmi` recipe on the whole text: nothing is trained in steps, so it has no curves."""

import pandas as pd

from sgns_study.params import PpmiRecipe
from sgns_study.samples import first_of_text
from sgns_study.sgns import ppmi
from sgns_study.sgns.recipes import CURVES, NO_SETTINGS, Learned, Material
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.vectors import Vectors


def train(material: Material, recipe: PpmiRecipe, radius: int, dim: int, seed: int) -> Learned:
    """Count contexts in the text and factorise their shifted PPMI."""
    assert material.text is not None
    text, words = first_of_text(material.text, recipe.documents), material.words
    settings = ppmi.Settings(dim=dim, radius=radius, **recipe.model_dump(exclude=NO_SETTINGS))
    centre = ppmi.train(text.ids, text.offsets, text.counts, settings, seed)
    counts = kept_counts(text.counts, recipe.min_count)
    return Learned(Vectors(centre, None, words, counts), pd.DataFrame(columns=CURVES))
