"""What a study trains: its sets of vectors and its classifiers, and the folder of each.

The folder's name says what a model is:

    embeddings/<recipe>-r<R>-d<dim>-s<seed>
    classifiers/<init>[-<recipe>-r<R>][-x<scale>][-n<documents>][-large]-d<dim>-s<seed>
    baselines/<baseline>[-<recipe>-r<R>-d<dim>]-s<seed>
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple, TypeVar

from sgns_study.params import Experiment, Grid, Study

FROM_VECTORS = ("pretrained", "random_matched", "shuffled", "frozen")


class Model(NamedTuple):
    """A set of word vectors, but for its seed."""

    recipe: str
    radius: int
    dim: int

    @property
    def name(self) -> str:
        """Its folder without the seed."""
        return f"{self.recipe}-r{self.radius}-d{self.dim}"


class Variant(NamedTuple):
    """A classifier, but for its seed; recipe and radius are None where no vectors are read."""

    init: str
    recipe: str | None
    radius: int | None
    scale: float | None  # standard deviation that the embedding is rescaled to; None: as it is
    documents: int | None  # labelled documents to train on; None: all
    large: bool
    dim: int

    @property
    def model(self) -> Model | None:
        """The vectors that it reads."""
        if self.recipe is None or self.radius is None:
            return None
        return Model(self.recipe, self.radius, self.dim)

    @property
    def name(self) -> str:
        """Its folder without the seed."""
        parts = [self.init]
        if self.recipe is not None:
            parts += [self.recipe, f"r{self.radius}"]
        if self.scale is not None:
            parts.append(f"x{self.scale!r}".removesuffix(".0"))  # every digit: none share a folder
        if self.documents is not None:
            parts.append(f"n{self.documents}")
        if self.large:
            parts.append("large")
        return "-".join([*parts, f"d{self.dim}"])


class Baseline(NamedTuple):
    """A baseline, but for its seed."""

    kind: str
    model: Model | None

    @property
    def name(self) -> str:
        """Its folder without the seed."""
        return self.kind + (f"-{self.model.name}" if self.model else "")


Entry = TypeVar("Entry")


def once(entries: Iterable[Entry]) -> list[Entry]:
    """Each entry at its first place."""
    return list(dict.fromkeys(entries))


def runs(study: Study) -> list[tuple[Variant, int]]:
    """The classifiers of the grid and of every experiment with their seeds, each once."""
    blocks: list[Grid | Experiment] = [study.grid, *study.experiments.values()]
    return once(
        (variant, seed)
        for block in blocks
        for variant in of(study, block)
        for seed in study.grid.seeds[: getattr(block, "first_seeds", None)]
    )


def variants(study: Study) -> list[Variant]:
    """The same without their seeds."""
    return once(variant for variant, _ in runs(study))


def of(study: Study, block: Grid | Experiment) -> Iterator[Variant]:
    """The classifiers of the grid or of one experiment."""
    recipes, radii, dims = places(study, block)
    scales: list[float | None] = [*getattr(block, "scales", [])] or [None]
    documents: list[int | None] = [*getattr(block, "documents", [])] or [None]
    for init in block.inits:
        vectors = product(recipes, radii) if init in FROM_VECTORS else [(None, None)]
        for (recipe, radius), scale, n, dim in product(vectors, scales, documents, dims):
            yield Variant(init, recipe, radius, scale, n, getattr(block, "large", False), dim)


def places(study: Study, block: Grid | Experiment) -> tuple[list[str], list[int], list[int]]:
    """Recipes, radii and dimensions of a block; the grid's where it names none."""
    grid = study.grid
    return block.recipes or grid.recipes, block.radii or grid.radii, block.dims or grid.dims


def models(study: Study) -> list[Model]:
    """The sets of vectors of the grid, of every experiment and of the baselines, each once."""
    blocks: list[Grid | Experiment] = [study.grid]
    blocks += [block for block in study.experiments.values() if needs_vectors(block)]
    found = [Model(*place) for block in blocks for place in product(*places(study, block))]
    return once(found + [baseline.model for baseline in baselines(study) if baseline.model])


def recipes(study: Study) -> list[str]:
    """The recipes that the study trains, in the order of its models."""
    return once(model.recipe for model in models(study))


def needs_vectors(experiment: Experiment) -> bool:
    """Whether it has a classifier that starts from vectors, or is of vectors only."""
    return not experiment.inits or any(init in FROM_VECTORS for init in experiment.inits)


def baselines(study: Study) -> list[Baseline]:
    """The baselines of the study."""
    settings = study.baselines
    found = []
    for kind in settings.models:
        places = product(settings.recipes, settings.radii, settings.dims)
        found += (
            [Baseline(kind, Model(*place)) for place in places]
            if kind == "mean_lr"
            else [Baseline(kind, None)]
        )
    return found
