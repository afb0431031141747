"""The parameters of a study as typed models: a class a section, a docstring for each key.

`config.py` reads a parameter file, checks it against `Study` and explains what is wrong with it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from os.path import expanduser
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from sgns_study.errors import shown
from sgns_study.splits import split_sizes

MOST_COUNTED = 10**12
PositiveInt = Annotated[int, Field(ge=1, le=MOST_COUNTED)]
Several = Annotated[int, Field(ge=2, le=MOST_COUNTED)]
Negatives = Annotated[int, Field(ge=1, le=100)]
Epochs = Annotated[int, Field(ge=1, le=10_000)]
Radius = Annotated[int, Field(ge=1, le=1000)]
Dim = Annotated[int, Field(ge=1, le=4096)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
StepSize = Annotated[float, Field(gt=0, le=10)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]  # of a whole: neither nothing nor all of it
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Device = Literal["cpu", "cuda", "auto"]
Init = Literal["pretrained", "random", "random_matched", "shuffled", "frozen", "frozen_random"]
BaselineKind = Literal["majority", "tfidf_lr", "nbsvm", "mean_lr"]
CONV1D = "conv1d"  # the name of the study's classifier among others
# What a study has whose grid names no `inits`: one budget of scales and step sizes for each start.
EXPERIMENTS: Mapping[str, Any] = {
    "frozen": {"inits": ["frozen"]},
    "each_at_its_best": {
        "inits": ["pretrained", "random"],
        "scales": [0.1, 1.0],
        "classifiers": [CONV1D, "slow"],
    },
}
CLASSIFIERS: Mapping[str, Any] = {"slow": {"embedding_learning_rate": 1e-4}}
BASELINES: Mapping[str, Any] = {"models": ["majority", "tfidf_lr", "nbsvm"]}
# How long a classifier is trained that names no `epochs`, and what vectors are learned from where
# the study names no share to validate on.
UNTIL_PLATEAU: Mapping[str, Any] = {"epochs": 100, "epoch_steps": 100, "patience": 5}
ALL_TEXT: Mapping[str, Any] = {"validation_fraction": 0.05, "unlabelled": True, "seed": 1}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def own_file(name: str) -> str:
    """The path of a file of the user's; raises ValueError for one that no rule can name."""
    if wildcard := re.search(r"[{}<>\0]", name):
        raise ValueError(
            f"found {wildcard[0]!r} in the name of the file: rename it, the workflow cannot handle "
            "this"
        )
    if "://" in name:
        raise ValueError(f"found the address {name}: download it, and name the file")
    return expanduser(name)


OwnFile = Annotated[str, Field(min_length=1), AfterValidator(own_file)]


def several(found: Any) -> tuple[str, ...]:
    """A column, or a list of them; raises ValueError for anything else."""
    names = found if isinstance(found, list | tuple) else [found]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"found {shown(found)}, allowed: the name of a column, or a list of them")
    return tuple(names)


A_STRING = {"type": "string"}
Columns = Annotated[
    tuple[str, ...],
    BeforeValidator(several),
    WithJsonSchema({"anyOf": [A_STRING, {"items": A_STRING}]}),
]


class Section(BaseModel):
    """A section of the parameters: unknown keys and loose types are rejected."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Put the description of each key on one line, which its docstring may break."""
        for field in cls.model_fields.values():
            field.description = field.description and " ".join(field.description.split())


class Sizes(NamedTuple):
    """Documents of each part of a corpus."""

    train: int
    test: int
    unlabelled: int

    def pool(self, unlabelled: bool, test: bool) -> int:
        """Documents in the labelled training part and, if so asked for, in the other two."""
        return self.train + self.unlabelled * unlabelled + self.test * test


class ImdbCorpus(Section):
    """The Large Movie Review Dataset (Maas et al., 2011)."""

    sizes: ClassVar = Sizes(25_000, 25_000, 50_000)
    kind: Literal["imdb"]


class BooksCorpus(Section):
    """The same reviews, and 754 books in the public domain to learn vectors from
    (`corpora/books.py`)."""

    sizes: ClassVar = Sizes(25_000, 25_000, 50_000 + 218_858)  # passages of books
    kind: Literal["imdb_and_books"]


class PlantedCorpus(Section):
    """Reviews made by a seeded generator in which the truth is known (`corpora/planted.py`)."""

    kind: Literal["planted"]
    train: int = Field(ge=4, le=1_000_000)
    """labelled training documents"""
    test: int = Field(ge=2, le=1_000_000)
    """labelled test documents"""
    unlabelled: int = Field(ge=0, le=1_000_000)
    """documents without a label"""
    seed: Seed
    """seed of the generator"""
    shuffled_labels: bool = False
    """permute the labels within each part: nothing can be learned; the negative control"""

    @property
    def sizes(self) -> Sizes:
        """Documents of each part."""
        return Sizes(self.train, self.test, self.unlabelled)


class TableCorpus(Section):
    """Labelled documents of one's own, a row each (`corpora/table.py`)."""

    kind: Literal["table"]
    path: OwnFile
    """file of the training documents: .csv, .tsv, .jsonl or .parquet"""
    text: Columns
    """column, or JSON key, of the text; texts of a list of columns are joined by a space"""
    label: str = Field(min_length=1)
    """column of the label; a row without one is an unlabelled document"""
    test: OwnFile | None = None
    """file of the test documents, with the same columns; drawn from the labelled when empty"""
    unlabelled: OwnFile | None = None
    """file of more documents without a label, with the same columns of the text"""
    test_fraction: Part = 0.2
    """share of the labelled documents set aside to test on when there is no test file"""
    encoding: str = "utf-8"
    """encoding of .csv, .tsv and .jsonl files"""
    on_bad_rows: Literal["stop", "skip"] = "stop"
    """`stop` at rows that cannot be used and list them, or leave them out: `skip`"""
    seed: Seed = 1
    """seed of the draw of the test documents"""

    @property
    def files(self) -> list[str]:
        """All that it is read from."""
        return [file for file in (self.path, self.test, self.unlabelled) if file is not None]


Corpus = Annotated[
    ImdbCorpus | BooksCorpus | PlantedCorpus | TableCorpus, Field(discriminator="kind")
]


class Tokens(Section):
    """Text to token ids."""

    tokenizer: Literal["wordpiece", "word", "character"] = "word"
    """`wordpiece`: BERT's uncased vocabulary; `word`: lower-cased words and punctuation marks;
    `character`: of scripts without spaces, as Chinese, pairs of neighbouring characters in place of
    words"""
    vocabulary_size: int | None = Field(default=None, ge=3, le=10_000_000)
    """most frequent words kept, with the two special entries; all when empty; not of `wordpiece`"""

    @model_validator(mode="after")
    def _vocabulary_of_words_only(self) -> Self:
        if self.tokenizer == "wordpiece" and self.vocabulary_size is not None:
            raise ValueError(
                "vocabulary_size goes with tokenizer: word or character: remove it or choose one"
            )
        return self


class FurtherText(Section):
    """Documents drawn after the others of the embedding sample, to train on only."""

    documents: PositiveInt | None = None
    """documents drawn; all that are left when empty"""
    unlabelled: bool = True
    """draw from the unlabelled documents too"""
    test: bool = False
    """draw from the texts of the test documents too; never their labels"""


class DocumentSample(Section):
    """A draw of documents, and the share of it that is kept to validate on."""

    documents: Several | None = None
    """documents drawn; all when empty"""
    validation_fraction: Part = 0.2
    """share of the drawn documents set aside for validation"""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.documents is not None:
            check_split(self.documents, self.validation_fraction)
        return self


class ClassifierSample(DocumentSample):
    """Which labelled documents a classifier is trained and validated on, drawn anew per seed."""

    validation: Literal["by_document", "by_film"] = "by_document"
    """`by_film`: all reviews of a film are on one side, since test documents are of films that
    training documents are not of either; `imdb` only"""


class EmbeddingSample(DocumentSample):
    """Which documents the word vectors are trained and validated on."""

    validation_fraction: Part = ALL_TEXT["validation_fraction"]
    """share of the drawn documents set aside for validation; without it, `unlabelled` is true and
    `seed` is 1 unless they are given"""
    unlabelled: bool = False
    """draw from the unlabelled documents too"""
    test: bool = False
    """draw from the texts of the test documents too; never their labels"""
    seed: Seed | None = None
    """seed of one draw for all models of the study; when empty each seed has a draw of its own"""
    further: FurtherText | None = None
    """more documents for recipes that read the whole text, behind the others"""

    @model_validator(mode="before")
    @classmethod
    def _all_text(cls, content: Any) -> Any:
        return completed(content, ALL_TEXT, "validation_fraction")


def check_split(documents: int, validation_fraction: float) -> None:
    """Raise ValueError if a part of the split would be empty."""
    train, validation = split_sizes(documents, validation_fraction)
    if not (train and validation):
        raise ValueError(
            f"validation_fraction: {validation_fraction} of {documents} documents leaves no "
            f"{'validation' if train else 'training'} document: choose one that leaves some of each"
        )


class Sampling(Section):
    """Which documents each stage sees."""

    embedding: EmbeddingSample
    classifier: ClassifierSample | None = None
    """empty in a study without classifiers"""


class Pairs(Section):
    """The windows of each radius that `lab` recipes train on, and its fixed validation task."""

    max_tokens: int = Field(default=256, ge=1, le=100_000)
    """tokens kept of a document"""
    train_documents: PositiveInt | None = None
    """first training documents of the embedding sample that are laid out; all when empty"""
    validation_documents: PositiveInt | None = None
    """the same of its validation documents"""
    validation_negatives: Negatives = 5
    """negatives per positive in the validation task"""
    validation_alpha: Fraction | None = None
    """power of the vocabulary's counts that they are drawn by; when empty they are drawn uniformly
    from the words that are not positives of the batch, as in the lab"""
    seed: Seed = 1
    """seed of the fixed validation negatives"""


class AnyRecipe(Section):
    """What every recipe has."""

    reads: ClassVar[tuple[str, ...]] = ()  # what it is trained on: the text, the pairs, or both
    on_device: ClassVar = False  # trained where `device` says
    kind: str
    like: Name | None = None
    """the recipe whose values this one takes for the keys it does not have"""


class LabRecipe(AnyRecipe):
    """SGNS as the lab published it (`sgns/lab.py`)."""

    reads = ("pairs",)
    on_device = True
    kind: Literal["lab"]
    negatives: Negatives
    """negatives per positive, K"""
    epochs: Epochs
    """passes over the training windows"""
    batch: int = Field(ge=1, le=1_000_000)
    """centres per step"""
    learning_rate: StepSize
    """AdamW step size"""
    weight_decay: Fraction
    """AdamW decoupled weight decay"""


class TextRecipe(AnyRecipe):
    """What the recipes have in common that read the whole text, with windows of radius R."""

    alpha: Fraction = 0.75
    """power of the counts in the distribution of noise"""
    window: Literal["dynamic", "fixed", "harmonic"] = "dynamic"
    """`dynamic`: a radius drawn from 1 to R for each window; `fixed`: R; `harmonic`: R, a pair at
    distance m weighs 1/m"""
    subsample: Fraction = 1e-3
    """threshold t above which common words are thinned out; 0: off"""
    min_count: PositiveInt = 2
    """rarer words are deleted; 1 keeps all"""
    documents: PositiveInt | None = None
    """first training documents of the embedding sample that are read; all when empty"""


class Word2vecRecipe(TextRecipe):
    """SGNS with the tweaks of word2vec, each of which can be switched off (`sgns/word2vec.py`)."""

    reads = ("text", "pairs")
    kind: Literal["word2vec"]
    negatives: Negatives = 5
    """negatives per positive, K"""
    epochs: Epochs = 20
    """passes over the training documents"""
    learning_rate: StepSize = 0.05
    """first step size, falling to zero with the tokens read"""


class PpmiRecipe(TextRecipe):
    """Counts in place of training: shifted PPMI and its truncated SVD (`sgns/ppmi.py`)."""

    reads = ("text",)
    kind: Literal["ppmi"]
    shift: Negatives
    """K, the logarithm of which is subtracted from PMI"""
    eigenvalue_weighting: Fraction
    """power of the singular values in the vectors"""


class FileRecipe(AnyRecipe):
    """Vectors from elsewhere for the words of the corpus (`sgns/recipes.py`).

    A radius means nothing for them: their folders have the first of the grid.
    """

    kind: Literal["file"]
    path: OwnFile
    """file in word2vec's text or binary format, as fastText's .vec, or in GloVe's, which has no
    first line of sizes; .gz of these too"""


Recipe = Annotated[
    LabRecipe | Word2vecRecipe | PpmiRecipe | FileRecipe, Field(discriminator="kind")
]


def check_known(key: str, name: Any, section: Mapping[Any, Any], of: str = "recipes") -> None:
    """Raise ValueError if a key names an entry of a section that is not there."""
    if not (isinstance(name, str) and name in section):
        names = [str(each) for each in section]
        near, known = nearest(str(name), names), ", ".join(names)
        raise ValueError(f"{key}: {shown(name)} is not in {of}{near}; there are: {known}")


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, empty if none is near."""
    found = get_close_matches(word, list(known), n=1)
    return f", did you mean {found[0]!r}?" if found else ""


def completed(content: Any, standard: Mapping[str, Any], key: str) -> Any:
    """A section with what it does not name taken from `standard`, unless it names this key."""
    return {**standard, **content} if isinstance(content, dict) and key not in content else content


def inherited(recipes: Any) -> Any:
    """Fill the missing keys of each recipe from the recipe named by `like`.

    Raises ValueError if there is no such recipe or a recipe is like itself in the end.
    """
    if not isinstance(recipes, dict):
        return recipes
    likes = {name: each.get("like") for name, each in recipes.items() if isinstance(each, dict)}
    parents = {name: like for name, like in likes.items() if like is not None}
    for name, parent in parents.items():
        check_known(f"{name}.like", parent, recipes)
    try:
        graph = {name: [parent] for name, parent in parents.items()}
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " is like ".join(reversed(error.args[1]))
        raise ValueError(f"{error.args[1][-1]}.like: {circle}: break the circle") from None
    filled = dict(recipes)
    for name in order:
        if name in parents and isinstance(parent := filled[parents[name]], dict):
            filled[name] = parent | filled[name]
    return filled


class Choices(Section):
    """A section of lists, none of which may hold a value twice."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for key, values in self:
            counts = Counter(values if isinstance(values, list) else [])
            twice = sorted(str(value) for value, count in counts.items() if count > 1)
            if twice:
                raise ValueError(
                    f"{key}: {', '.join(twice)} is given twice: each value names one set of models"
                )
        return self


class Grid(Choices):
    """What the study trains: every recipe at every radius, dimension and seed."""

    recipes: list[Name] = Field(default=["word2vec"], min_length=1)
    """names from `recipes`; `word2vec` is there without an entry of its own"""
    radii: list[Radius] = Field(default=[5], min_length=1)
    """context radii R, in tokens on each side"""
    dims: list[Dim] = Field(default=[100], min_length=1)
    """dimensions of the vectors"""
    seeds: list[Seed] = Field(min_length=1)
    """seeds; each is one paired replicate"""
    inits: list[Init] = ["pretrained", "random", "shuffled"]
    """initial embeddings of the classifiers (`classifiers/inits.py`); none: no classifiers. Only a
    study that does not name them has, beside those that it names, the experiments `frozen` and
    `each_at_its_best` (two scales and two step sizes, by the classifier `slow`, of the pretrained
    and the random start) and the baselines `majority`, `tfidf_lr` and `nbsvm`"""


class Experiment(Choices):
    """More vectors and classifiers than the grid has: every combination of what is listed."""

    recipes: list[Name] | None = None
    """those of the grid when empty"""
    radii: list[Radius] | None = None
    """those of the grid when empty"""
    dims: list[Dim] | None = None
    """those of the grid when empty"""
    inits: list[Init] = []
    """initial embeddings of its classifiers; none: vectors only"""
    scales: list[Annotated[float, Field(gt=0, le=100)]] = []
    """standard deviations that the initial embeddings are rescaled to; as they are when empty"""
    documents: list[Several] = []
    """first labelled training documents read, and as large a share to validate; all when empty"""
    classifiers: Annotated[list[Name], Field(min_length=1)] = [CONV1D]
    """which to train: `conv1d`, the study's, or names from `classifiers`"""
    first_seeds: PositiveInt | None = None
    """train with the first so many seeds of the grid only"""


class Baselines(Choices):
    """Classifiers of another kind on the same splits (`classifiers/baselines.py`)."""

    models: list[BaselineKind] = []
    """`majority`: the most frequent class; `tfidf_lr`: TF-IDF and logistic regression; `nbsvm`:
    log-count ratios of words and bigrams; `mean_lr`: mean of word vectors and logistic
    regression"""
    recipes: list[Name] = []
    """recipes of the vectors of `mean_lr`"""
    radii: list[Radius] = []
    """context radii of these vectors"""
    dims: list[Dim] = []
    """dimensions of these vectors"""
    documents: list[Several] = []
    """train them on the first so many labelled documents too, as `experiments.documents`"""

    @model_validator(mode="after")
    def _vectors_named(self) -> Self:
        if "mean_lr" in self.models and not (self.recipes and self.radii and self.dims):
            raise ValueError("mean_lr needs recipes, radii and dims of its vectors: name them")
        return self


class Classifier(Section):
    """The Conv1d text classifier (`classifiers/conv1d.py`)."""

    max_tokens: int | None = Field(default=None, ge=1, le=100_000)
    """document length, padded or cut; when empty 95 % of the training documents are whole, but at
    most 512 tokens are kept"""
    filters: int = Field(default=100, ge=1, le=10_000)
    """convolution filters"""
    kernel: int = Field(default=3, ge=1, le=1000)
    """width of a filter in tokens"""
    padding: int = Field(default=1, ge=0, le=1000)
    """zero positions added on each side"""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """dropout before the linear layer"""
    word_dropout: float = Field(default=0, ge=0, lt=1)
    """share of the tokens hidden at each training step"""
    learning_rate: StepSize = 1e-3
    """Adam step size"""
    embedding_learning_rate: StepSize | None = None
    """that of the embedding; the same when empty"""
    linear_decay: bool = False
    """let both fall linearly to zero over all steps"""
    batch: int = Field(default=32, ge=1, le=1_000_000)
    """documents per step"""
    epochs: Epochs = UNTIL_PLATEAU["epochs"]
    """passes over the training documents, at most; without it, `patience` is 5 and `epoch_steps` is
    100 unless they are given"""
    patience: PositiveInt | None = None
    """epochs without a better validation accuracy after which training ends; when empty it goes
    through all epochs"""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: in training the loss of a document weighs n / (C n_c), for n documents of C
    classes, n_c of them of its own"""
    epoch_steps: int = Field(default=1, ge=1, le=1_000_000)
    """least steps of an epoch, which passes over few documents as often as that takes"""

    @model_validator(mode="before")
    @classmethod
    def _until_plateau(cls, content: Any) -> Any:
        return completed(content, UNTIL_PLATEAU, "epochs")

    @model_validator(mode="after")
    def _filter_fits(self) -> Self:
        if self.max_tokens is not None and self.kernel > self.max_tokens + 2 * self.padding:
            raise ValueError(
                f"kernel: a filter of {self.kernel} tokens does not fit into max_tokens + "
                f"2 padding = {self.max_tokens + 2 * self.padding}: lower kernel"
            )
        return self


class Evaluation(Section):
    """What the vectors are tried on besides the classifiers (`evaluation/intrinsic.py`)."""

    public_sets: bool = False
    """13 English word-similarity sets and 19,544 analogies, downloaded"""
    words: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """words by group: all are on the map, and the neighbours of the first are listed; when empty
    those of the planted corpus are its sets of synonyms"""

    @field_validator("words")
    @classmethod
    def _on_one_line(cls, words: dict[str, list[str]]) -> dict[str, list[str]]:
        for word in chain(words, *words.values()):
            if CONTROL.search(word):
                raise ValueError(f"{word!r} has a control character, which no word has: remove it")
        return words


class Margins(Section):
    """Differences that count as none when claims are judged (`evaluation/verdicts.py`)."""

    points: float = Field(default=0.5, gt=0, le=100)
    """of accuracies, in hundredths"""
    similarity: float = Field(default=2.0, gt=0, le=100)
    """of scores of word similarity, in hundredths: about the standard error over word pairs"""
    loss: float = Field(default=0.01, gt=0)
    """of losses, in nats"""
    epochs: float = Field(default=0.5, gt=0)
    """of times to a level"""


class Report(Section):
    """The report."""

    title: str = Field(default="Do pretrained word vectors help?", min_length=1, max_length=200)
    """title of the report"""
    compare_with_lab: bool = False
    """lay the lab's published figures beside ours: on its corpus, by the recipe `lab`"""
    lab_tolerance: Part = 0.015
    """difference from the lab's best validation accuracy that the report remarks on"""


def with_standard(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters with the entries of sections that a study need not name."""
    grid = content.get("grid", {})
    if not isinstance(grid, dict):
        return content
    recipes, inits = grid.get("recipes", ["word2vec"]), grid.get("inits", True)
    sections: dict[str, Any] = {"sampling": {"embedding": {}}}
    if isinstance(recipes, list) and "word2vec" in recipes:
        sections["recipes"] = {"word2vec": {"kind": "word2vec"}}
    if inits:
        sections["sampling"]["classifier"] = {}
        content = {"classifier": {}, **content}
    if "inits" not in grid:
        sections |= {"experiments": EXPERIMENTS, "classifiers": CLASSIFIERS}
        content = {"baselines": BASELINES, **content}
    given = {key: content.get(key, {}) for key in sections}
    # The order is that of the file: it is the order of the report.
    merged = {key: {**g, **sections[key], **g} for key, g in given.items() if isinstance(g, dict)}
    return {**content, **merged}


def like_the_classifier(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters with the keys of other classifiers filled from the first."""
    first, others = (content.get(key) for key in ("classifier", "classifiers"))
    if not isinstance(others, dict):
        return content
    try:
        first = Classifier.model_validate(first).model_dump(exclude_unset=True)
    except ValidationError:  # what the others have of it would be wrong in them too
        return {**content, "classifiers": {}}
    alike = {n: first | each if isinstance(each, dict) else each for n, each in others.items()}
    return {**content, "classifiers": alike}


class Study(Section):
    """All parameters of one study."""

    study: Name
    """name of the study: the folder under results/ and reports/"""
    device: Device = "cpu"
    """where `lab` recipes and the Conv1d classifier are trained; `auto`: on cuda where there is
    one. `word2vec` and `ppmi` recipes always run on the processor"""
    corpus: Corpus
    """where the text comes from"""
    tokens: Tokens = Tokens()
    sampling: Sampling
    pairs: Pairs = Pairs(validation_alpha=0.75)  # few words, and all may be positives of a batch
    recipes: Annotated[dict[Name, Recipe], BeforeValidator(inherited), Field(min_length=1)]
    """named ways to train vectors"""
    grid: Grid
    experiments: dict[Name, Experiment] = {}
    """named additions to the grid, each for a question of its own"""
    evaluation: Evaluation = Evaluation()
    classifier: Classifier | None = None
    """empty in a study without classifiers"""
    classifiers: dict[Annotated[str, Field(pattern="^[a-z]+$", max_length=100)], Classifier] = {}
    """others by name, each with the values of `classifier` for the keys it does not have"""
    baselines: Baselines = Baselines()
    claims: Margins = Margins()
    report: Report = Report()

    @property
    def results(self) -> Path:
        """The folder of its results."""
        return Path("results", self.study)

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, content: Any) -> Any:
        return like_the_classifier(with_standard(content))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places: dict[str, Grid | Baselines | Experiment] = {"grid": self.grid}
        places["baselines"] = self.baselines
        places |= {f"experiments.{name}": each for name, each in self.experiments.items()}
        sections = {"classifier": self.classifier, "sampling.classifier": self.sampling.classifier}
        missing = [key for key, section in sections.items() if section is None]
        for place, section in places.items():
            for name in section.recipes or []:
                check_known(f"{place}.recipes", name, self.recipes)
            key = "models" if isinstance(section, Baselines) else "inits"
            asked = getattr(section, key)
            if asked and missing:
                raise ValueError(
                    f"{missing[0]}: missing, but {place}.{key} asks for classifiers "
                    f"({', '.join(asked)}): add it, or make {place}.{key} an empty list"
                )
            for name in section.classifiers if isinstance(section, Experiment) else []:
                known = {CONV1D: None, **self.classifiers}
                check_known(f"{place}.classifiers", name, known, "classifiers")
        labelled = self.sampling.classifier
        if labelled and labelled.validation == "by_film" and self.corpus.kind != "imdb":
            raise ValueError(
                f"sampling.classifier.validation: by_film, but the {self.corpus.kind} corpus names "
                "no films: choose by_document"
            )
        if not isinstance(self.corpus, TableCorpus):  # which only reading it tells
            self.check_documents(self.corpus.sizes)
        return self

    def check_documents(self, sizes: Sizes) -> None:
        """Raise ValueError if a stage asks for more documents than it can draw from."""
        corpus, rest = f"the {self.corpus.kind} corpus has", "the embedding sample leaves"
        sample, pairs, labelled = self.sampling.embedding, self.pairs, self.sampling.classifier
        pool = sizes.pool(sample.unlabelled, sample.test)
        train, validation = split_sizes(sample.documents or pool, sample.validation_fraction)
        limits = [  # key, documents asked for, from where, documents there
            ("sampling.embedding.documents", sample.documents, corpus, pool),
            ("pairs.train_documents", pairs.train_documents, rest, train),
            ("pairs.validation_documents", pairs.validation_documents, rest, validation),
        ]
        if further := sample.further:
            left = sizes.pool(further.unlabelled, further.test) - train - validation
            key = "sampling.embedding.further.documents"
            limits.append((key, further.documents, rest, left))
        if labelled:
            drawn = labelled.documents or sizes.train
            check_split(drawn, labelled.validation_fraction)
            train, _ = split_sizes(drawn, labelled.validation_fraction)
            key, part = "sampling.classifier.documents", "the classifier sample trains on"
            limits.append((key, labelled.documents, corpus, sizes.train))
            few = {f"experiments.{name}": each.documents for name, each in self.experiments.items()}
            few["baselines"] = self.baselines.documents
            for place, numbers in few.items():
                limits += [(f"{place}.documents", n, part, train) for n in numbers]
        for key, asked, source, available in limits:
            if asked is not None and asked > available:
                raise ValueError(
                    f"{key}: {asked} documents are asked for, but {source} {available} to draw "
                    f"from: lower {key}"
                )
