"""What a study trains, and that the folder of a model says what it is."""

import copy
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import config, params, plan
from sgns_study.plan import Baseline, Model, Variant

REPOSITORY = Path(__file__).parent.parent
IMDB = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
INITS = get_args(params.Init)

# The names as the contract has them, read by another way than they are written.
CLASSIFIER = re.compile(
    r"(?P<init>[a-z_]+?)(-(?P<recipe>[a-z]\w*)-r(?P<radius>\d+))?(-x(?P<scale>[0-9.e-]+?))?"
    r"(-n(?P<documents>\d+))?(-(?P<classifier>large|slow))?-d(?P<dim>\d+)-s(?P<seed>\d+)"
)
EMBEDDING = re.compile(r"(?P<recipe>\w+)-r(?P<radius>\d+)-d(?P<dim>\d+)-s(?P<seed>\d+)")
BASELINE = re.compile(
    r"(?P<classifier>[a-z_]+)(-(?P<recipe>[a-z]\w*)-r(?P<radius>\d+)-d(?P<dim>\d+))?"
    r"(-n(?P<documents>\d+))?-s(?P<seed>\d+)"
)

# Names that look like other parts of a folder's name are names too.
recipes = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["r5", "x0", "n100", "large", "d8", "s1", "random", "e_1", "frozen_random"]
)
radii, dims, seeds = st.integers(1, 1000), st.integers(1, 4096), st.integers(0, 2**32 - 1)
models = st.builds(Model, recipes, radii, dims)
scales = st.none() | st.floats(0, 100, exclude_min=True) | st.sampled_from([1.0, 0.1, 1e-5, 30.0])
classifiers = st.sampled_from(["conv1d", "large", "slow"])
sizes = st.none() | st.integers(2, 10**6)


@st.composite
def variants(draw: st.DrawFn) -> Variant:
    init = draw(st.sampled_from(INITS))
    recipe, radius = None, None
    if init in plan.FROM_VECTORS:
        recipe, radius = draw(recipes), draw(radii)
    return Variant(init, recipe, radius, draw(scales), draw(sizes), draw(classifiers), draw(dims))


def number(text: str | None) -> int | None:
    return None if text is None else int(text)


@given(variants(), seeds)
def test_a_classifiers_folder_says_what_it_is(variant: Variant, seed: int) -> None:
    found = CLASSIFIER.fullmatch(f"{variant.name}-s{seed}")
    assert found is not None
    scale = None if found["scale"] is None else float(found["scale"])
    read = Variant(
        found["init"],
        found["recipe"],
        number(found["radius"]),
        scale,
        number(found["documents"]),
        found["classifier"] or "conv1d",
        int(found["dim"]),
    )
    assert (read, int(found["seed"])) == (variant, seed)
    model = variant.model
    if variant.init in plan.FROM_VECTORS:
        assert model == Model(variant.recipe, variant.radius, variant.dim)
    else:
        assert model is None


@given(models, seeds)
def test_the_folder_of_vectors_says_what_they_are(model: Model, seed: int) -> None:
    found = EMBEDDING.fullmatch(f"{model.name}-s{seed}")
    assert found is not None
    read = Model(found["recipe"], int(found["radius"]), int(found["dim"]))
    assert (read, int(found["seed"])) == (model, seed)


@given(
    st.builds(Baseline, st.sampled_from(["majority", "tfidf_lr", "nbsvm"]), st.none(), sizes)
    | st.builds(Baseline, st.just("mean_lr"), models, sizes),
    seeds,
)
def test_a_baselines_folder_says_what_it_is(baseline: Baseline, seed: int) -> None:
    found = BASELINE.fullmatch(f"{baseline.name}-s{seed}")
    assert found is not None
    model = None
    if found["recipe"]:
        model = Model(found["recipe"], int(found["radius"]), int(found["dim"]))
    read = Baseline(found["classifier"], model, number(found["documents"]))
    assert (read, int(found["seed"])) == (baseline, seed)


@given(variants(), variants())
def test_no_two_classifiers_share_a_folder(one: Variant, other: Variant) -> None:
    assert (one.name == other.name) == (one == other)


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        (Variant("random", None, None, None, None, "conv1d", 128), "random-d128"),
        (Variant("random", None, None, 0.1, 100, "conv1d", 8), "random-x0.1-n100-d8"),
        (Variant("shuffled", "lab", 5, None, None, "conv1d", 8), "shuffled-lab-r5-d8"),
        (Variant("frozen", "lab", 5, 1.0, None, "conv1d", 8), "frozen-lab-r5-x1-d8"),
        (Variant("pretrained", "k1", 2, None, 30, "large", 8), "pretrained-k1-r2-n30-large-d8"),
        (Variant("random", None, None, 1e-5, None, "large", 8), "random-x1e-05-large-d8"),
    ],
)
def test_names_by_hand(variant: Variant, name: str) -> None:
    assert variant.name == name


@pytest.mark.parametrize(
    "name",
    ["random-d8", "random-s1", "pretrained-lab-d8-s1", "-d8-s1", "random-x-d8-s1", "a b-d8-s1"],
)
def test_what_is_no_classifier_is_not_parsed(name: str) -> None:
    assert CLASSIFIER.fullmatch(name) is None


def study(**sections: Any) -> params.Study:
    """A study of three recipes: one cell of each in the grid, and the sections given."""
    content = copy.deepcopy(IMDB)
    content["grid"] = {"recipes": ["lab"], "radii": [5], "dims": [8], "seeds": [1], "inits": []}
    content["experiments"], content["baselines"] = {}, {}
    for key, value in sections.items():
        content[key] |= value
    return config.check_study(content, "x")


def test_the_grid_is_every_combination() -> None:
    found = study(
        grid={"recipes": ["lab", "ppmi"], "radii": [2, 5], "dims": [8, 16]}
        | {"inits": ["pretrained", "random", "frozen_random"]}
    )
    places = [(recipe, R) for recipe in ("lab", "ppmi") for R in (2, 5)]
    assert set(plan.models(found)) == {Model(*place, d) for place in places for d in (8, 16)}
    assert set(plan.variants(found)) == {
        Variant("pretrained", *place, None, None, "conv1d", d) for place in places for d in (8, 16)
    } | {
        Variant(init, None, None, None, None, "conv1d", d)
        for init in ("random", "frozen_random")
        for d in (8, 16)
    }
    assert len(plan.models(found)) == 8
    assert len(plan.variants(found)) == 12


def test_vectors_of_a_file_have_the_first_radius_of_the_grid_wherever_they_are_named() -> None:
    """They are read, not trained for a radius; their file is all that they are made from."""
    found = study(
        recipes={"glove": {"kind": "file", "path": "glove.txt"}},
        grid={"recipes": ["lab", "glove"], "radii": [5, 2], "inits": ["pretrained"]},
        experiments={"one": {"recipes": ["glove"], "radii": [3, 2], "inits": ["frozen"]}},
        baselines={"models": ["mean_lr"], "recipes": ["glove"], "radii": [2], "dims": [8]},
    )
    glove = Model("glove", 5, 8)
    assert plan.models(found) == [Model("lab", 5, 8), Model("lab", 2, 8), glove]
    assert [v.model for v in plan.variants(found) if v.recipe == "glove"] == [glove, glove]
    assert [baseline.model for baseline in plan.baselines(found)] == [glove]
    files = plan.Files(found)
    assert files.read_by(found, "glove", 5, 1) == ["glove.txt"]
    assert all(path.startswith("results/imdb/") for path in files.records(found))


def test_an_experiment_is_every_combination_of_what_it_lists() -> None:
    """What it does not name is the grid's; scales and documents are as they are."""
    found = study(
        grid={"radii": [2, 5], "dims": [8, 16]},
        experiments={
            "one": {
                "recipes": ["ppmi", "word2vec"],
                "radii": [3],
                "inits": ["shuffled", "random"],
                "scales": [0.1, 1],
                "documents": [10, 100],
                "classifiers": ["large"],
            }
        },
    )
    assert set(plan.variants(found)) == {
        Variant("shuffled", recipe, 3, scale, n, "large", d)
        for recipe in ("ppmi", "word2vec")
        for scale in (0.1, 1)
        for n in (10, 100)
        for d in (8, 16)
    } | {
        Variant("random", None, None, scale, n, "large", d)
        for scale in (0.1, 1)
        for n in (10, 100)
        for d in (8, 16)
    }
    assert len(plan.variants(found)) == 16 + 8
    assert set(plan.models(found)) == {Model("lab", R, d) for R in (2, 5) for d in (8, 16)} | {
        Model(recipe, 3, d) for recipe in ("ppmi", "word2vec") for d in (8, 16)
    }


def test_what_two_blocks_name_is_trained_once() -> None:
    found = study(
        grid={"inits": ["pretrained", "random"]},
        experiments={
            "again": {"inits": ["random", "pretrained"]},
            "more": {"inits": ["random"], "documents": [10]},
        },
    )
    assert [variant.name for variant in plan.variants(found)] == [
        "pretrained-lab-r5-d8",
        "random-d8",
        "random-n10-d8",
    ]
    assert [model.name for model in plan.models(found)] == ["lab-r5-d8"]


def test_vectors_are_trained_where_something_reads_them_or_nothing_else_is_asked_for() -> None:
    lab, ppmi = Model("lab", 5, 8), Model("ppmi", 5, 8)
    from_random = {"recipes": ["ppmi"], "inits": ["random", "frozen_random"]}
    assert plan.models(study(experiments={"x": from_random})) == [lab]
    for init in plan.FROM_VECTORS:
        reading = {"recipes": ["ppmi"], "inits": ["random", init]}
        assert plan.models(study(experiments={"x": reading})) == [lab, ppmi]
    assert plan.models(study(experiments={"x": {"recipes": ["ppmi"]}})) == [lab, ppmi]
    averaged = {"models": ["mean_lr"], "recipes": ["ppmi"], "radii": [5], "dims": [8]}
    assert plan.models(study(baselines=averaged)) == [lab, ppmi]
    unread = averaged | {"models": ["majority"]}
    assert plan.models(study(baselines=unread)) == [lab]


def test_baselines_are_one_each_but_for_the_vectors_of_the_means() -> None:
    assert plan.baselines(study()) == []
    found = study(
        baselines={"models": ["nbsvm", "mean_lr"], "recipes": ["lab", "ppmi"]}
        | {"radii": [2, 5], "dims": [8]}
    )
    names = [baseline.name for baseline in plan.baselines(found)]
    assert names == [
        "nbsvm",
        "mean_lr-lab-r2-d8",
        "mean_lr-lab-r5-d8",
        "mean_lr-ppmi-r2-d8",
        "mean_lr-ppmi-r5-d8",
    ]
    few = study(baselines={"models": ["majority"], "recipes": [], "documents": [10, 300]})
    names = [baseline.name for baseline in plan.baselines(few)]
    assert names == ["majority", "majority-n10", "majority-n300"]


def test_each_seed_reads_its_own_draw_of_text_unless_there_is_one_for_all() -> None:
    one = {"embedding": IMDB["sampling"]["embedding"] | {"seed": 1}}
    for sampling, folder in (({}, "/s7"), (one, "")):
        found = study(sampling=sampling, grid={"seeds": [4, 7], "inits": ["random"]})
        read = plan.Files(found).read_by(found, "word2vec", 5, 7)
        assert f"results/imdb/text{folder}/ids.npy" in read
        assert f"results/imdb/pairs{folder}/r5/train_stream.npy" in read
        texts = [f"embedding{draw}" for draw in (["/s4", "/s7"] if folder else [""])]
        assert plan.samples(found) == [*texts, "classifier-s4", "classifier-s7"]


def test_a_study_has_classifiers_if_any_block_starts_one() -> None:
    assert not plan.variants(study(experiments={"x": {"radii": [3]}}))
    assert plan.variants(study(experiments={"x": {"inits": ["random"]}}))
    assert plan.variants(study(grid={"inits": ["random"]}))


@pytest.mark.parametrize(
    "name",
    ["params.yaml", "tests/tiny.yaml"]
    + [f"config/{name}.yaml" for name in ("demo", "lab", "tuning", "tweaks")],
)
def test_the_studies_of_the_repository_train_nothing_twice(name: str) -> None:
    found = config.read_study(REPOSITORY / name)
    variants, models = plan.variants(found), plan.models(found)
    baselines = plan.baselines(found)
    for planned in (variants, models, baselines):
        names = [entry.name for entry in planned]
        assert len(set(names)) == len(names)
    assert {v.model for v in variants} | {b.model for b in baselines} <= {None, *models}


def test_the_cells_of_the_imdb_study() -> None:
    """Counted by hand from what its parameters say."""
    found = plan.variants(config.read_study(REPOSITORY / "params.yaml"))
    plain = [v for v in found if not (v.classifier != "conv1d" or v.scale or v.documents)]
    lab = [(v.init, v.radius, v.dim) for v in plain if v.recipe == "lab"]
    grid = [(R, d) for R in (2, 5, 10) for d in (128, 256)]
    assert {place for place in lab if place[0] == "pretrained"} == {
        ("pretrained", *place) for place in grid
    }
    for control in ("shuffled", "random_matched"):
        assert {place[1:] for place in lab if place[0] == control} == {(5, 128)}
    large = {v.init for v in found if v.classifier == "large"}
    assert large == {"pretrained", "random", "shuffled", "frozen"}
    scaled = [v for v in found if v.scale and not v.documents]
    assert [(v.init, v.scale) for v in scaled] == [("pretrained", 1), ("random", 0.1)]
    few = [v for v in found if v.documents]
    # Four starts and two rescaled at six numbers of labels, one control at three, five at two.
    assert len(few) == (4 + 2) * 6 + 3 + 5 * 2


def test_an_experiment_may_take_the_first_seeds_only() -> None:
    """What another block asks of all seeds is trained for all, and once."""
    grid = {"seeds": [4, 2, 7], "inits": ["random"]}
    few = {"x": {"dims": [8, 16], "inits": ["random"], "first_seeds": 2}}
    more = {"y": {"recipes": ["ppmi"], "first_seeds": 1}}
    trained = plan.vectors(study(grid=grid, experiments=few | more))
    assert trained == [(Model("lab", 5, 8), seed) for seed in (4, 2, 7)] + [
        (Model("ppmi", 5, 8), 4)
    ]
    found = plan.runs(study(grid=grid, experiments=few))
    assert [(variant.dim, seed) for variant, seed in found] == [
        (8, 4),
        (8, 2),
        (8, 7),
        (16, 4),
        (16, 2),
    ]
