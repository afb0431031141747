"""The parameters of a study, typed: one section a stage, every field described and bounded.

`params.yaml` is checked against `Study` when the Snakefile is read, so that a mistyped key stops
before any job. `sgns-study params` prints the table of all fields, which is made from this module.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, get_args, get_origin

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from sgns_study.errors import StudyError, brief, reason, shown
from sgns_study.splits import split_sizes

LARGEST = 1 << 18  # bytes of a parameter file; that of the IMDB study has 7,000
MOST, DEEPEST = 10_000, 20  # values in it, each as often as an alias repeats it, and levels of them
SHOWN = 20  # problems that a message lists
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MERGE = "tag:yaml.org,2002:merge"  # the key `<<`


class ParamsError(StudyError):
    """The parameters are not usable; the message names the key, the value and what is allowed."""


class Section(BaseModel):
    """A section of the parameters: unknown keys and loose types are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


MOST_COUNTED = 10**12
PositiveInt = Annotated[int, Field(ge=1, le=MOST_COUNTED)]
Several = Annotated[int, Field(ge=2, le=MOST_COUNTED)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


class ImdbCorpus(Section):
    """The Large Movie Review Dataset (Maas et al., 2011)."""

    kind: Literal["imdb"]


class PlantedCorpus(Section):
    """Reviews made by a seeded generator in which the truth is known (`corpora/planted.py`)."""

    kind: Literal["planted"]
    train: int = Field(description="labelled training documents", ge=4, le=1_000_000)
    test: int = Field(description="labelled test documents", ge=2, le=1_000_000)
    unlabelled: int = Field(description="documents without a label", ge=0, le=1_000_000)
    seed: Seed = Field(description="seed of the generator")
    shuffled_labels: bool = Field(
        default=False,
        description="labels permuted among the documents of each part: nothing is to be learned; "
        "the negative control",
    )


class TableCorpus(Section):
    """Labelled documents of one's own, a row each (`corpora/table.py`)."""

    kind: Literal["table"]
    path: str = Field(
        description="file of the training documents: .csv, .tsv, .jsonl or .parquet", min_length=1
    )
    text: str = Field(description="column, or JSON key, of the text", min_length=1)
    label: str = Field(
        description="column of the label; a row without one is an unlabelled document",
        min_length=1,
    )
    test: str | None = Field(
        default=None,
        description="file of the test documents, with the same columns; "
        "when empty they are drawn from the labelled ones",
    )
    test_fraction: float = Field(
        default=0.2,
        description="share of the labelled documents set aside as test when there is no test file",
        gt=0,
        lt=1,
    )
    encoding: str = Field(default="utf-8", description="encoding of .csv, .tsv and .jsonl files")
    on_bad_rows: Literal["stop", "skip"] = Field(
        default="stop",
        description="`stop` at rows that cannot be used and list them, or leave them out: `skip`",
    )
    seed: Seed = Field(default=1, description="seed of the draw of the test documents")

    @field_validator("path", "test")
    @classmethod
    def _of_a_file(cls, name: str | None) -> str | None:
        wrong = [c for c in "{}<>\0" if name and c in name]
        if wrong:
            raise ValueError(
                f"found {wrong[0]!r} in the name of the file, which the workflow cannot handle: "
                "rename the file"
            )
        return name


Corpus = Annotated[ImdbCorpus | PlantedCorpus | TableCorpus, Field(discriminator="kind")]


class Tokens(Section):
    """Text to token ids."""

    tokenizer: Literal["wordpiece", "word"] = Field(
        description="`wordpiece`: the published BERT uncased vocabulary; "
        "`word`: lower-cased words and punctuation marks"
    )
    vocabulary_size: int | None = Field(
        default=None,
        description="`word` only: the most frequent words kept, with the two special entries; "
        "all of them when empty",
        ge=3,
        le=10_000_000,
    )

    @model_validator(mode="after")
    def _vocabulary_of_words_only(self) -> Self:
        if self.tokenizer == "wordpiece" and self.vocabulary_size is not None:
            raise ValueError(
                "vocabulary_size goes with tokenizer: word; wordpiece has a published vocabulary "
                "of fixed size: remove vocabulary_size or choose tokenizer: word"
            )
        return self


class FurtherText(Section):
    """Documents drawn after the others of the embedding sample, to train on only."""

    documents: PositiveInt | None = Field(
        default=None, description="documents drawn; all that are left when empty"
    )
    unlabelled: bool = Field(default=True, description="draw from the unlabelled documents too")
    test: bool = Field(
        default=False,
        description="draw from the texts of the test documents too; never their labels",
    )


Drawn = Annotated[Several | None, Field(description="documents drawn; all when empty")]


class EmbeddingSample(Section):
    """Which documents the word vectors are trained and validated on."""

    documents: Drawn = None
    validation_fraction: float = Field(
        description="share of the drawn documents set aside for validation", gt=0, lt=1
    )
    unlabelled: bool = Field(default=False, description="draw from the unlabelled documents too")
    test: bool = Field(
        default=False,
        description="draw from the texts of the test documents too; never their labels",
    )
    seed: Seed = Field(description="seed of the draw, shared by all models of the study")
    further: FurtherText | None = Field(
        default=None,
        description="more documents for recipes that read the whole text, behind the others",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_split(self.documents, self.validation_fraction)
        return self


class ClassifierSample(Section):
    """Which labelled documents a classifier is trained and validated on, drawn anew per seed."""

    documents: Drawn = None
    validation_fraction: float = Field(
        description="share of them set aside for validation", gt=0, lt=1
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_split(self.documents, self.validation_fraction)
        return self


class Sampling(Section):
    """Which documents each stage sees."""

    embedding: EmbeddingSample
    classifier: ClassifierSample | None = Field(
        default=None, description="needed if `grid.inits` names any"
    )


class Pairs(Section):
    """The windows of each radius that `lab` recipes train on, and its fixed validation task."""

    max_tokens: int = Field(description="tokens kept of a document", ge=1, le=100_000)
    train_documents: PositiveInt | None = Field(
        default=None,
        description="first training documents of the embedding sample that are laid out; "
        "all when empty",
    )
    validation_documents: PositiveInt | None = Field(
        default=None, description="the same of its validation documents"
    )
    validation_negatives: int = Field(
        description="negatives per positive in the validation task", ge=1, le=100
    )
    validation_alpha: float | None = Field(
        default=None,
        description="they are drawn from the vocabulary's counts to this power; "
        "when empty evenly from the words that are no positive of their batch, as in the lab",
        ge=0,
        le=1,
    )
    seed: Seed = Field(description="seed of the fixed validation negatives")


Like = Annotated[
    Name | None, Field(description="the recipe whose keys this one takes where it has none")
]


class LabRecipe(Section):
    """SGNS as the lab published it (`sgns/lab.py`)."""

    reads: ClassVar = ("pairs",)
    on_device: ClassVar = True  # trained where `device` says
    kind: Literal["lab"]
    like: Like = None
    negatives: int = Field(description="negatives per positive, K", ge=1, le=100)
    epochs: int = Field(description="passes over the training windows", ge=1, le=10_000)
    batch: int = Field(description="centres per step", ge=1, le=1_000_000)
    learning_rate: float = Field(description="AdamW step size", gt=0, le=10)
    weight_decay: float = Field(description="AdamW decoupled weight decay", ge=0, le=1)


Window = Annotated[
    Literal["dynamic", "fixed", "harmonic"],
    Field(
        description="`dynamic`: a radius drawn from 1 to R for each window; `fixed`: R; "
        "`harmonic`: R, a pair at distance m weighs 1/m"
    ),
]
MinCount = Annotated[PositiveInt, Field(description="rarer words are deleted; 1 keeps all")]
Subsample = Annotated[
    float,
    Field(description="threshold t above which common words are thinned out; 0: off", ge=0, le=1),
]
Alpha = Annotated[
    float, Field(description="power of the counts in the distribution of noise", ge=0, le=1)
]
FirstDocuments = Annotated[
    PositiveInt | None,
    Field(description="first training documents of the embedding sample read; all when empty"),
]


class Word2vecRecipe(Section):
    """SGNS with the tweaks of word2vec, each of which can be switched off (`sgns/word2vec.py`)."""

    reads: ClassVar = ("text", "pairs")
    on_device: ClassVar = False
    kind: Literal["word2vec"]
    like: Like = None
    negatives: int = Field(description="negatives per positive, K", ge=1, le=100)
    alpha: Alpha
    window: Window
    subsample: Subsample
    min_count: MinCount
    documents: FirstDocuments = None
    epochs: int = Field(description="passes over the training documents", ge=1, le=10_000)
    learning_rate: float = Field(
        description="first step size, falling to zero with the tokens read", gt=0, le=10
    )


class PpmiRecipe(Section):
    """Counts in place of training: shifted PPMI and its truncated SVD (`sgns/ppmi.py`)."""

    reads: ClassVar = ("text",)
    on_device: ClassVar = False
    kind: Literal["ppmi"]
    like: Like = None
    shift: int = Field(description="K, the logarithm of which is subtracted from PMI", ge=1, le=100)
    alpha: Alpha
    window: Window
    subsample: Subsample
    min_count: MinCount
    documents: FirstDocuments = None
    eigenvalue_weighting: float = Field(
        description="power of the singular values in the vectors", ge=0, le=1
    )


Recipe = Annotated[LabRecipe | Word2vecRecipe | PpmiRecipe, Field(discriminator="kind")]


Init = Literal["pretrained", "random", "random_matched", "shuffled", "frozen", "frozen_random"]
Radius = Annotated[int, Field(ge=1, le=1000)]
Dim = Annotated[int, Field(ge=1, le=4096)]


class Grid(Section):
    """What the study trains: every recipe at every radius, dimension and seed."""

    recipes: list[Name] = Field(description="names from `recipes`", min_length=1)
    radii: list[Radius] = Field(description="context radii R, in tokens on each side", min_length=1)
    dims: list[Dim] = Field(description="dimensions of the vectors", min_length=1)
    seeds: list[Seed] = Field(description="seeds; each is one paired replicate", min_length=1)
    inits: list[Init] = Field(
        description="initial embeddings of the classifiers compared (`classifiers/inits.py`); "
        "none: no classifiers"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_distinct(self, "recipes", "radii", "dims", "seeds", "inits")
        return self


class Experiment(Section):
    """More vectors and classifiers than the grid has: every combination of what is listed."""

    recipes: list[Name] | None = Field(default=None, description="those of the grid when empty")
    radii: list[Radius] | None = Field(default=None, description="those of the grid when empty")
    dims: list[Dim] | None = Field(default=None, description="those of the grid when empty")
    inits: list[Init] = Field(
        default=[], description="initial embeddings of its classifiers; none: vectors only"
    )
    scales: list[Annotated[float, Field(gt=0, le=100)]] = Field(
        default=[],
        description="standard deviations that the initial embeddings are rescaled to; "
        "as they are when empty",
    )
    documents: list[Several] = Field(
        default=[],
        description="first labelled training documents read, and as large a share of those to "
        "validate; all when empty",
    )
    large: bool = Field(default=False, description="train the `large_classifier`")
    first_seeds: PositiveInt | None = Field(
        default=None, description="only so many seeds of the grid, for its classifiers"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_distinct(self, "recipes", "radii", "dims", "inits", "scales", "documents")
        return self


class Baselines(Section):
    """Classifiers of another kind on the same splits (`classifiers/baselines.py`)."""

    models: list[Literal["majority", "tfidf_lr", "nbsvm", "mean_lr"]] = Field(
        default=[],
        description="`majority`: the most frequent class; `tfidf_lr`: TF-IDF and logistic "
        "regression; `nbsvm`: log-count ratios of words and bigrams; `mean_lr`: mean of word "
        "vectors and logistic regression",
    )
    recipes: list[Name] = Field(default=[], description="of the vectors of `mean_lr`")
    radii: list[Radius] = Field(default=[], description="of the same")
    dims: list[Dim] = Field(default=[], description="of the same")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_distinct(self, "models", "recipes", "radii", "dims")
        if "mean_lr" in self.models and not (self.recipes and self.radii and self.dims):
            raise ValueError("mean_lr needs recipes, radii and dims of its vectors: name them")
        return self


def check_distinct(section: Section, *keys: str) -> None:
    """Raise ValueError if one of the lists holds a value twice."""
    for key in keys:
        values = getattr(section, key) or []
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(
                f"{key}: {', '.join(twice)} is given twice: each value names one set of models"
            )


class Classifier(Section):
    """The Conv1d text classifier (`classifiers/conv1d.py`)."""

    max_tokens: int = Field(description="document length, padded or cut", ge=1, le=100_000)
    filters: int = Field(description="convolution filters", ge=1, le=10_000)
    kernel: int = Field(description="width of a filter in tokens", ge=1, le=1000)
    padding: int = Field(description="zero positions added on each side", ge=0, le=1000)
    dropout: float = Field(description="dropout before the linear layer", ge=0, lt=1)
    word_dropout: float = Field(
        default=0, description="share of the tokens hidden at each training step", ge=0, lt=1
    )
    learning_rate: float = Field(description="Adam step size", gt=0, le=10)
    embedding_learning_rate: float | None = Field(
        default=None, description="that of the embedding; the same when empty", gt=0, le=10
    )
    linear_decay: bool = Field(
        default=False, description="let both fall linearly to zero over all steps"
    )
    batch: int = Field(description="documents per step", ge=1, le=1_000_000)
    epochs: int = Field(description="passes over the training documents", ge=1, le=10_000)
    epoch_steps: int = Field(
        default=1,
        description="an epoch passes over the documents as often as so many steps take: for few "
        "documents",
        ge=1,
        le=1_000_000,
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kernel > self.max_tokens + 2 * self.padding:
            raise ValueError(
                f"kernel: a filter of {self.kernel} tokens does not fit into max_tokens + "
                f"2 padding = {self.max_tokens + 2 * self.padding}: lower kernel"
            )
        return self


class Evaluation(Section):
    """What the vectors are tried on besides the classifiers (`evaluation/intrinsic.py`)."""

    public_sets: bool = Field(
        description="13 English word-similarity sets and 19,544 analogies, downloaded"
    )
    words: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(
        default={},
        description="words by group: all are on the map, the neighbours of the first are listed; "
        "when empty those of the planted corpus are its sets of synonyms",
    )

    @field_validator("words")
    @classmethod
    def _on_one_line(cls, words: dict[str, list[str]]) -> dict[str, list[str]]:
        for word in chain(words, *words.values()):
            if CONTROL.search(word):
                raise ValueError(f"{word!r} has a control character, which no word has: remove it")
        return words


class Margins(Section):
    """Differences that count as none when claims are judged (`evaluation/verdicts.py`)."""

    points: float = Field(default=0.5, description="of accuracies and similarities", gt=0, le=100)
    loss: float = Field(default=0.01, description="of losses, in nats", gt=0)
    epochs: float = Field(default=0.5, description="of times to a level", gt=0)


class Report(Section):
    """The report."""

    title: str = Field(description="title of the report", min_length=1, max_length=200)
    compare_with_lab: bool = Field(
        description="lay the lab's published figures beside ours: on its corpus, by its recipe"
    )
    lab_tolerance: float = Field(
        default=0.015,
        description="difference of best validation accuracy from the lab's that is remarked on",
        gt=0,
        lt=1,
    )


Device = Literal["cpu", "cuda", "auto"]


class Study(Section):
    """All parameters of one study."""

    study: Name = Field(description="name of the study: the folder under results/ and reports/")
    device: Device = Field(
        default="cpu",
        description="where `lab` recipes and the Conv1d classifier are trained; `auto`: on cuda "
        "where there is one. `word2vec` and `ppmi` recipes always run on the processor",
    )
    corpus: Corpus = Field(description="where the text comes from")
    tokens: Tokens
    sampling: Sampling
    pairs: Pairs
    recipes: dict[Name, Recipe] = Field(description="named ways to train vectors", min_length=1)
    grid: Grid
    experiments: dict[Name, Experiment] = Field(
        default={}, description="named additions to the grid, each for a question of its own"
    )
    evaluation: Evaluation
    classifier: Classifier | None = Field(
        default=None, description="needed if `grid.inits` names any"
    )
    large_classifier: Classifier | None = Field(
        default=None, description="needed if an experiment is `large`"
    )
    baselines: Baselines = Baselines()
    claims: Margins = Margins()
    report: Report

    @field_validator("recipes", mode="before")
    @classmethod
    def _inherited(cls, recipes: Any) -> Any:
        return inherited(recipes) if isinstance(recipes, dict) else recipes

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._sections_present()
        named = {"grid": self.grid.recipes, "baselines": self.baselines.recipes} | {
            f"experiments.{name}": block.recipes or [] for name, block in self.experiments.items()
        }
        for place, recipes in named.items():
            for recipe in recipes:
                if recipe not in self.recipes:
                    raise ValueError(
                        f"{place}.recipes: {recipe!r} is not in recipes"
                        f"{nearest(recipe, self.recipes)}; there are: {', '.join(self.recipes)}"
                    )
        sizes = known_sizes(self.corpus)
        if sizes:
            self.check_documents(sizes)
        return self

    def _sections_present(self) -> None:
        """Classifiers need their sections."""
        asking: dict[str, Sequence[str]] = {
            "grid.inits": self.grid.inits,
            "baselines.models": self.baselines.models,
            **{
                f"experiments.{name}.inits": block.inits for name, block in self.experiments.items()
            },
        }
        wanted = {place: names for place, names in asking.items() if names}
        for key, section in (
            ("classifier", self.classifier),
            ("sampling.classifier", self.sampling.classifier),
        ):
            for place, names in wanted.items():
                if section is None:
                    raise ValueError(
                        f"{key}: missing, but {place} asks for classifiers ({', '.join(names)}): "
                        f"add it, or make {place} an empty list"
                    )
        large = [name for name, block in self.experiments.items() if block.large]
        if large and self.large_classifier is None:
            raise ValueError(
                f"large_classifier: missing, but experiments.{large[0]} is large: add it"
            )

    def check_documents(self, sizes: "Sizes") -> None:
        """Raise ValueError if a stage asks for more documents than it can draw from."""
        sample, labelled = self.sampling.embedding, self.sampling.classifier
        pool = sizes.pool(sample.unlabelled, sample.test)
        drawn = split_sizes(sample.documents or pool, sample.validation_fraction)
        further = sample.further
        corpus, part = f"the {self.corpus.kind} corpus has", "the embedding sample leaves"
        wanted = [
            ("sampling.embedding.documents", sample.documents, corpus, pool),
            ("pairs.train_documents", self.pairs.train_documents, part, drawn[0]),
            ("pairs.validation_documents", self.pairs.validation_documents, part, drawn[1]),
        ]
        if further:
            left = sizes.pool(further.unlabelled, further.test) - sum(drawn)
            key = "sampling.embedding.further.documents"
            wanted.append((key, further.documents, part, left))
        if labelled:
            key = "sampling.classifier.documents"
            wanted.append((key, labelled.documents, corpus, sizes.train))
            check_split(labelled.documents or sizes.train, labelled.validation_fraction)
            train, _ = split_sizes(labelled.documents or sizes.train, labelled.validation_fraction)
            wanted += [
                (f"experiments.{name}.documents", most, "the classifier sample trains on", train)
                for name, experiment in self.experiments.items()
                for most in [max(experiment.documents, default=None)]
            ]
        for key, asked, source, available in wanted:
            if asked is not None and asked > available:
                raise ValueError(
                    f"{key}: {asked} documents are asked for, but {source} {available} to "
                    f"draw from: lower {key}"
                )


class Sizes(NamedTuple):
    """Documents of each part of a corpus."""

    train: int
    test: int
    unlabelled: int

    def pool(self, unlabelled: bool, test: bool) -> int:
        """Documents in the labelled training part and, if so asked for, in the other two."""
        return self.train + self.unlabelled * unlabelled + self.test * test


def inherited(recipes: Mapping[str, Any]) -> dict[str, Any]:
    """Each recipe with the keys of the one it is `like` where it has none of its own.

    Raises ValueError if there is no such recipe or a recipe is like itself in the end.
    """
    found: dict[str, Any] = {}
    for name in recipes:
        path = [name]  # the recipe, the one it is like, and so on
        while path[-1] not in found and (parent := liked(recipes, path[-1])) is not None:
            if parent in path:
                circle = " is like ".join(map(str, [*path, parent]))
                raise ValueError(f"{parent}.like: {circle}: break the circle")
            path.append(parent)
        for place, each in reversed(list(enumerate(path))):
            whole = found[path[place + 1]] if place + 1 < len(path) else None
            own = recipes[each]
            found.setdefault(each, whole | own if isinstance(whole, dict) else own)
    return {name: found[name] for name in recipes}


def liked(recipes: Mapping[str, Any], name: str) -> str | None:
    """The recipe that a recipe is `like`; raises ValueError if there is none of that name."""
    parent = recipes[name].get("like") if isinstance(recipes[name], dict) else None
    if parent is None or (isinstance(parent, str) and parent in recipes):
        return parent
    raise ValueError(
        f"{name}.like: {shown(parent)} is not in recipes{nearest(str(parent), map(str, recipes))}; "
        f"there are: {', '.join(map(str, recipes))}"
    )


def known_sizes(corpus: Corpus) -> Sizes | None:
    """Documents of a corpus; None if only reading it tells (`corpora.registry.corpus_sizes`)."""
    if isinstance(corpus, TableCorpus):
        return None
    if isinstance(corpus, PlantedCorpus):
        return Sizes(corpus.train, corpus.test, corpus.unlabelled)
    return Sizes(25_000, 25_000, 50_000)


def check_split(documents: int | None, validation_fraction: float) -> None:
    """Raise ValueError if a part of the split would be empty."""
    if documents is None:
        return
    for part, size in zip(
        ("training", "validation"), split_sizes(documents, validation_fraction), strict=True
    ):
        if size < 1:
            raise ValueError(
                f"validation_fraction: {validation_fraction} of {documents} documents leaves no "
                f"{part} document: choose a fraction that leaves at least one on each side"
            )


def read_study(path: Path) -> Study:
    """Read and check a parameter file; raises ParamsError as `read_parameters`, or naming a key."""
    return check_study(read_parameters(path), str(path))


def read_parameters(path: Path) -> dict[str, Any]:
    """What a parameter file holds; no code in it is run.

    Raises ParamsError naming the file if it is missing, too large or no YAML, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ParamsError(f"{path}: more than {LARGEST} bytes: name a file of parameters")
        loader = UniqueKeys(text.decode("utf-8"))
        node = loader.get_single_node()
        check_extent(node, str(path))
        content = loader.construct_document(node) if node else None
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file: name an existing parameter file") from None
    except OSError as error:
        raise ParamsError(f"{path}: not readable ({error.strerror}): name a file") from None
    except RecursionError:
        raise ParamsError(f"{path}: nested more deeply than any parameter is") from None
    except ParamsError:
        raise
    except Exception as error:  # a wrong number or date fails in PyYAML in its own way
        raise ParamsError(f"{path}: not readable as YAML: {reason(error)}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: found {type(content).__name__}, expected sections of keys")
    return content


class UniqueKeys(yaml.SafeLoader):
    """Plain YAML; of a key that is there twice PyYAML would take the last without a word."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Raise an error at the second place of a key."""
        node = super().compose_mapping_node(anchor)
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        counts = Counter((key.tag, key.value) for key in keys if key.tag != MERGE)
        for key in reversed(keys):
            if counts[key.tag, key.value] > 1:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: the key {shown(key.value)} is there twice")
        return node


def check_extent(content: Any, origin: str) -> None:
    """Raise ParamsError if values are more than any study has, or nested more deeply.

    An alias counts as all that it stands for: ten lines of YAML can stand for a billion values.
    """
    left, open_ends = MOST, [(content, 0)]
    while open_ends:
        value, depth = open_ends.pop()
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise ParamsError(
                f"{origin}: more than {MOST} values, or more than {DEEPEST} levels of them, "
                "aliases written out: no study has so many"
            )
        open_ends.extend((each, depth + 1) for each in values_in(value))


def values_in(value: Any) -> Iterable[Any]:
    """What a mapping or a sequence holds, of Python or of YAML."""
    if isinstance(value, yaml.MappingNode):
        return chain.from_iterable(value.value)
    if isinstance(value, yaml.SequenceNode):
        return list(value.value)
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple | set) else ()


def check_study(content: Mapping[str, Any], origin: str) -> Study:
    """Typed parameters from a mapping; raises ParamsError with every problem, one a line."""
    check_extent(content, origin)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        problems = [f"{origin}: {explain(problem)}" for problem in error.errors()[:SHOWN]]
        more = error.error_count() - len(problems)
        problems += [f"{origin}: and {more} more"] if more else []
        raise ParamsError("\n".join(problems)) from None


def explain(problem: ErrorDetails, model: Any = None) -> str:
    """One line: key, value found, what is allowed, and the nearest right key if one is unknown.

    `model` is that of the section that was checked, a Study when not given.
    """
    return brief(explanation(problem, model or Study))


def explanation(problem: ErrorDetails, model: Any) -> str:
    """The line of `explain`, however long."""
    location = [str(part) for part in problem["loc"]]
    key = ".".join(without_kinds(location))
    match problem["type"]:
        case "extra_forbidden":
            section = section_at(location[:-1], model)
            known = list(section.model_fields) if section else []
            return (
                f"unknown key {key!r} (value {shown(problem['input'])})"
                f"{nearest(location[-1], known)}; allowed here: {', '.join(known)}"
            )
        case "missing":
            section = section_at(location[:-1], model)
            about = section.model_fields[location[-1]].description if section else None
            return f"{key}: missing{f' ({about})' if about else ''}: add it"
        case "union_tag_invalid" | "union_tag_not_found":
            kind = problem["input"].get("kind") if isinstance(problem["input"], dict) else None
            found = f"found {shown(kind)}" if kind is not None else "missing"
            kinds = problem["ctx"].get("expected_tags", ", ".join(map(repr, KINDS)))
            return f"{key + '.' if key else ''}kind: {found}, allowed: {kinds}"
        case "value_error":
            return f"{key + ': ' if key else ''}{problem['ctx']['error']}"
    allowed = problem["msg"].removeprefix("Input ").removeprefix("should be ")
    return f"{key + ': ' if key else ''}found {shown(problem['input'])}, allowed: {allowed}"


KINDS: dict[str, type[Section]] = {
    "imdb": ImdbCorpus,
    "planted": PlantedCorpus,
    "table": TableCorpus,
    "lab": LabRecipe,
    "word2vec": Word2vecRecipe,
    "ppmi": PpmiRecipe,
}


def without_kinds(location: list[str]) -> list[str]:
    """A place in the parameters as the file has it: pydantic puts a section's kind behind it."""
    places = {0} if location[:1] != ["recipes"] and location[:1] != ["corpus"] else set()
    places |= {1} if location[:1] == ["corpus"] else set()
    places |= {2} if location[:1] == ["recipes"] else set()
    return [part for i, part in enumerate(location) if i not in places or part not in KINDS]


def section_at(location: Iterable[str], model: Any) -> type[Section] | None:
    """The model that checks the section at a place in another as pydantic names the place, if any.

    A model may be one of several that `kind` tells apart.
    """
    found = model
    for part in location:
        if part in KINDS and not (isinstance(found, dict) or _fields(found).get(part)):
            found = KINDS[part]
        elif isinstance(found, dict):
            found = found["entry"]
        elif part in _fields(found):
            found = _fields(found)[part].annotation
            if get_origin(found) is dict:
                found = {"entry": get_args(found)[1]}
            else:  # of a section that may be missing
                found = next((kind for kind in get_args(found) if _fields(kind)), found)
        else:
            return None
    return found if _fields(found) else None


def _fields(model: Any) -> dict[str, Any]:
    is_section = isinstance(model, type) and issubclass(model, Section)
    return dict(model.model_fields) if is_section else {}


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, empty if none is near."""
    found = get_close_matches(word, list(known), n=1)
    return f", did you mean {found[0]!r}?" if found else ""


class Key(NamedTuple):
    """A key of the parameters: where it stands, what it may hold and what it means."""

    name: str
    allowed: str
    meaning: str


def all_keys() -> list[Key]:
    """Every key of a study, from the models above; `<name>` stands for a name of one's own."""
    schema = Study.model_json_schema()
    return list(_keys(schema, schema["$defs"], ""))


def _keys(section: dict[str, Any], models: dict[str, Any], prefix: str) -> Iterator[Key]:
    for name, field in section["properties"].items():
        place = f"{prefix}{name}"
        inner = field
        entries = list(field.get("patternProperties", {}).values())
        if isinstance(field.get("additionalProperties"), dict):
            entries = [field["additionalProperties"]]
        if entries:
            place, inner = f"{place}.<name>", entries[0]
        for choice in inner.get("anyOf", [inner]):  # a section may be missing
            if "$ref" in choice:
                inner = choice
        if "$ref" in inner:
            yield from _keys(_model(inner, models), models, f"{place}.")
        elif "oneOf" in inner:
            for variant in inner["oneOf"]:
                yield from _keys(_model(variant, models), models, f"{place}.")
        else:
            yield Key(place, _allowed(inner), field.get("description", ""))


def _model(reference: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    model: dict[str, Any] = models[reference["$ref"].rpartition("/")[2]]
    return model


BOUNDS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "pattern": "of the form {}",
}


def _allowed(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_allowed(choice) for choice in field["anyOf"])
    if "const" in field:
        return str(field["const"])
    if "enum" in field:
        return " or ".join(field["enum"])
    if field["type"] == "array":
        return f"list of: {_allowed(field['items'])}"
    kind = {"null": "empty", "boolean": "true or false"}.get(field["type"], field["type"])
    bounds = [text.format(field[key]) for key, text in BOUNDS.items() if key in field]
    return " ".join([kind, ", ".join(bounds)]).strip()
