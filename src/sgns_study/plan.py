"""What a study trains: its sets of vectors and its classifiers, and the files of each.

The folder's name says what a model is:

    embeddings/<recipe>-r<R>-d<dim>-s<seed>
    classifiers/<init>[-<recipe>-r<R>][-x<scale>][-n<documents>][-<classifier>]-d<dim>-s<seed>
    baselines/<baseline>[-<recipe>-r<R>-d<dim>][-n<documents>]-s<seed>
"""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sgns_study.params import (
    CONV1D,
    Baselines,
    Classifier,
    ClassifierSample,
    Device,
    EmbeddingSample,
    Experiment,
    FileRecipe,
    Grid,
    Study,
)

WORKFLOW = Path(__file__).parent / "workflow"  # the Snakefile and what belongs to it
FROM_VECTORS = ("pretrained", "random_matched", "shuffled", "frozen")
ON_TEXT = ("nbsvm", "tfidf_lr")  # baselines that read words and no vectors
SCORED = ("scores", "similarities", "neighbours", "map")  # tables of a model of vectors


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
    classifier: str
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
        if self.classifier != CONV1D:
            parts.append(self.classifier)
        return "-".join([*parts, f"d{self.dim}"])


class Baseline(NamedTuple):
    """A baseline, but for its seed."""

    kind: str
    model: Model | None
    documents: int | None = None  # labelled documents to train on; None: all

    @property
    def name(self) -> str:
        """Its folder without the seed."""
        few = f"-n{self.documents}" if self.documents else ""
        return self.kind + (f"-{self.model.name}" if self.model else "") + few


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
    scales: list[float | None] = [*getattr(block, "scales", [])] or [None]
    documents: list[int | None] = [*getattr(block, "documents", [])] or [None]
    classifiers: list[str] = getattr(block, "classifiers", [CONV1D])
    dims = block.dims or study.grid.dims
    for init in block.inits:
        vectors: Iterable[tuple[str | None, int | None]] = [(None, None)]
        if init in FROM_VECTORS:
            vectors = once((model.recipe, model.radius) for model in models_of(study, block))
        for place, scale, n, name, dim in product(vectors, scales, documents, classifiers, dims):
            yield Variant(init, *place, scale, n, name, dim)


def models_of(study: Study, block: Grid | Experiment | Baselines) -> list[Model]:
    """Every recipe of a block at its radii and dimensions; the grid's where it names none.

    The vectors of a file, which have no radius, are at the first of the grid.
    """
    grid = study.grid
    recipes, radii = block.recipes or grid.recipes, block.radii or grid.radii
    of_file = {name for name, recipe in study.recipes.items() if isinstance(recipe, FileRecipe)}
    return once(
        Model(recipe, grid.radii[0] if recipe in of_file else radius, dim)
        for recipe, radius, dim in product(recipes, radii, block.dims or grid.dims)
    )


def vectors(study: Study) -> list[tuple[Model, int]]:
    """The sets of vectors of the grid, of experiments and of baselines with their seeds, once."""
    seeds = study.grid.seeds
    blocks: list[Grid | Experiment] = [study.grid]
    blocks += [  # of vectors only, or with a classifier that starts from vectors
        block
        for block in study.experiments.values()
        if not block.inits or set(block.inits) & set(FROM_VECTORS)
    ]
    found = [
        (model, seed)
        for block in blocks
        for model in models_of(study, block)
        for seed in seeds[: getattr(block, "first_seeds", None)]
    ]
    found += [(one.model, seed) for one in baselines(study) if one.model for seed in seeds]
    return once(found)


def models(study: Study) -> list[Model]:
    """The same without their seeds."""
    return once(model for model, _ in vectors(study))


def recipes(study: Study) -> list[str]:
    """The recipes that the study trains, in the order of its models."""
    return once(model.recipe for model in models(study))


def baselines(study: Study) -> list[Baseline]:
    """The baselines of the study."""
    settings, vectors = study.baselines, models_of(study, study.baselines)
    return [
        Baseline(kind, model, documents)
        for documents in (None, *settings.documents)
        for kind in settings.models
        for model in (vectors if kind == "mean_lr" else [None])
    ]


def draw(study: Study, seed: int | str) -> str:
    """Which draw of text vectors of a seed are made from: the only one, whose name is empty."""
    return f"/s{seed}" if study.sampling.embedding.seed is None else ""


def draws(study: Study) -> list[str]:
    """The draws of text: one for all vectors, or one a seed."""
    return once(draw(study, seed) for seed in study.grid.seeds)


def samples(study: Study) -> list[str]:
    """The samples of documents: of each draw of text, and for the classifiers of each seed."""
    of_classifiers = [f"classifier-s{seed}" for seed in study.grid.seeds] if runs(study) else []
    return [*(f"embedding{draw}" for draw in draws(study)), *of_classifiers]


def sampling(study: Study, sample: str) -> EmbeddingSample | ClassifierSample:
    """The settings of a sample."""
    of_classifier = study.sampling.classifier
    is_text = sample.startswith("embedding")
    return of_classifier if of_classifier and not is_text else study.sampling.embedding


def device_of(study: Study, recipe: str) -> Device:
    """Where a recipe is trained: only some are on another device than the processor."""
    return study.device if study.recipes[recipe].on_device else "cpu"


def noise_min_count(study: Study) -> int:
    """The rarest words in the table of noise: as in the first recipe that draws from such noise."""
    counts = (each.min_count for each in study.recipes.values() if each.kind == "word2vec")
    return next(counts, 1)


def named(entries: Iterable[Variant] | Iterable[Baseline]) -> dict[str, Any]:
    """Classifiers or baselines by the names of their folders."""
    return {entry.name: entry for entry in entries}


def kept_seeds(study: Study) -> tuple[list[int], list[int]]:
    """The seeds whose classifiers keep their weights: the first, to spare the disk; and others."""
    return study.grid.seeds[:1], study.grid.seeds[1:]


def settings_of(study: Study, variant: Variant) -> Classifier:
    """The settings of a classifier: the study's, or those of another by its name."""
    settings = study.classifiers.get(variant.classifier, study.classifier)
    assert settings  # a study that plans such a classifier has its section
    return settings


class Files:
    """The files of a study as its rules name them; names in braces are wildcards."""

    def __init__(self, study: Study) -> None:
        """`study`: its parameters; paths are relative to the folder of the Snakefile."""
        self.results, self.reports = f"results/{study.study}", f"reports/{study.study}"
        self.documents, self.vocabulary = self.of("tokens/documents.csv", "tokens/vocabulary.csv")
        self.tokens = self.of("tokens/ids.npy", "tokens/offsets.npy")
        self.tokens += [self.documents, self.vocabulary]
        self.text = self.of(*(f"text{{draw}}/{name}.npy" for name in ("ids", "offsets", "counts")))
        windows = ("train_stream", "train_centres", "validation_stream", "validation_centres")
        arrays = (*windows, "validation_negatives")
        self.pairs = self.of(*(f"pairs{{draw}}/r{{radius}}/{array}.npy" for array in arrays))

        seeds = study.grid.seeds
        vector_runs = [f"{model.name}-s{seed}" for model, seed in vectors(study)]
        baseline_runs = [f"{each.name}-s{seed}" for each in baselines(study) for seed in seeds]
        classifier_runs = [f"{variant.name}-s{seed}" for variant, seed in runs(study)]
        self.embeddings = self.of(*(f"embeddings/{run}/curves.csv" for run in vector_runs))
        self.scores, self.similarities, self.neighbours, self.maps = (
            self.of(*(f"vectors/{run}/{table}.csv" for run in vector_runs)) for table in SCORED
        )
        self.classifiers = self.of(*(f"classifiers/{run}/curves.csv" for run in classifier_runs))
        self.baselines = self.of(*(f"baselines/{run}/curves.csv" for run in baseline_runs))

        fitted = self.classifiers + self.baselines
        self.predictions = [str(Path(path).with_name("predictions.csv")) for path in fitted]

        of_all = ("recipes.csv", "noise.csv", "amounts.csv", "sgns_curves.csv", "vectors.csv")
        self.aggregated = self.of(*of_all, "neighbours.csv", "map.csv")
        self.aggregated += self.of("word_pairs.csv", "pair_ranks.npy")
        self.judged = self.of("claims.csv", "comparisons.csv")
        if classifier_runs:
            self.aggregated += self.of("runs.csv", "averages.csv", "correct.npy")
            self.aggregated += self.of("classifier_curves.csv", "experiment_curves.csv")
        if study.grid.inits:
            self.aggregated += self.of("summary.csv", "metrics.json")
            self.judged += self.of("convergence.csv")

    def of(self, *names: str) -> list[str]:
        """Files in the folder of results."""
        return [f"{self.results}/{name}" for name in names]

    def read_by(self, study: Study, name: str, radius: int | str, seed: int | str) -> list[str]:
        """What a recipe is trained on: the text, the pairs of the radius, or both; or its file."""
        recipe, files = study.recipes[name], {"text": self.text, "pairs": self.pairs}
        if isinstance(recipe, FileRecipe):
            return [recipe.path]
        paths = [path for read in recipe.reads for path in files[read]]
        return [path.format(draw=draw(study, seed), radius=radius) for path in paths]

    def vectors_of(self, run: Variant | Baseline, seed: int | str) -> list[str]:
        """The vectors that a classifier or a baseline starts from, if from any."""
        model = run.model
        return self.of(f"embeddings/{model.name}-s{seed}/vectors.safetensors") if model else []

    def records(self, study: Study) -> list[str]:
        """The records of all jobs that leave one."""
        reads = [self.read_by(study, one.recipe, one.radius, seed) for one, seed in vectors(study)]
        read = [path for paths in reads for path in paths]
        files = [*self.tokens, *read, *self.embeddings, *self.classifiers, *self.baselines]
        records = {str(Path(path).with_name("run.json")) for path in files}
        return sorted(path for path in records if path.startswith(f"{self.results}/"))
