"""The parameters: every mistake stops with the key, the value, what is allowed and the remedy."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pydantic import TypeAdapter, ValidationError

from sgns_study import config, params, plan
from sgns_study.cli import cli
from tests.fuzz.grammar import laughs

REPOSITORY = Path(__file__).parent.parent
IMDB = yaml.safe_load((REPOSITORY / "params.yaml").read_text())

PLANTED = {"kind": "planted", "train": 25_000, "test": 10, "unlabelled": 50_000, "seed": 1}
TABLE = {"kind": "table", "path": "a.csv", "text": "text", "label": "label"}


def changed(path: str, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(IMDB)
    *sections, key = path.split(".")
    place = content
    for section in sections:
        place = place[section]
    place[key] = value
    return content


@pytest.mark.parametrize(
    "name",
    ["params.yaml", "tests/tiny.yaml"]
    + [f"config/{name}.yaml" for name in ("demo", "lab", "tuning", "tweaks")],
)
def test_the_studies_of_the_repository_are_valid(name: str) -> None:
    assert config.read_study(REPOSITORY / name).study


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("classifier.fliters", 3, "unknown key 'classifier.fliters' (value 3), did you mean 'fil"),
        ("recipes.lab.negativs", 4, "did you mean 'negatives'?"),
        ("corpus.train", 4, "unknown key 'corpus.train'"),
        (
            "corpus.kind",
            "imbd",
            "corpus.kind: found 'imbd', allowed: 'imdb', 'imdb_and_books', 'planted'",
        ),
        ("grid.radii", [0], "grid.radii.0: found 0, allowed: greater than or equal to 1"),
        ("grid.dims", [128.5], "grid.dims.0: found 128.5, allowed: a valid integer"),
        ("grid.dims", ["128"], "grid.dims.0: found '128', allowed: a valid integer"),
        ("grid.dims", [128, 128], "grid: dims: 128 is given twice"),
        ("grid.recipes", ["leb"], "'leb' is not in recipes, did you mean 'lab'?"),
        ("grid.seeds", [], "grid.seeds: found []"),
        ("sampling.classifier.documents", 25_001, "has 25000 to draw from"),
        ("sampling.embedding.documents", 30_000, "has 25000 to draw from"),
        ("sampling.classifier.validation_fraction", 1e-6, "leaves no validation document"),
        ("pairs.train_documents", 4001, "the embedding sample leaves 4000"),
        ("pairs.validation_documents", 1001, "the embedding sample leaves 1000"),
        ("recipes.lab.kind", "leb", "recipes.lab.kind: found 'leb', allowed: 'lab', 'word2vec'"),
        ("recipes.lab.like", "leb", "lab.like: 'leb' is not in recipes, did you mean 'lab'?"),
        ("recipes.lab.like", "lab", "lab.like: lab is like lab: break the circle"),
        ("recipes.lab.window", "fixed", "unknown key 'recipes.lab.window'"),
        ("recipes.k0", {"like": "lab", "negatives": 0}, "recipes.k0.negatives: found 0, allowed:"),
        ("classifier", None, "classifier: missing, but grid.inits asks for classifiers"),
        ("sampling.classifier", None, "sampling.classifier: missing, but grid.inits asks for"),
        ("classifier.kernel", 400, "does not fit into max_tokens"),
        ("grid.inits", ["random", "random"], "inits: random is given twice"),
        ("grid.inits", ["shufled"], "grid.inits.0: found 'shufled', allowed: 'pretrained'"),
        ("experiments.x", {"recipes": ["leb"]}, "experiments.x.recipes: 'leb' is not in recipes"),
        ("experiments.x", {"scale": [1]}, "unknown key 'experiments.x.scale' (value [1]), did you"),
        ("experiments.x", {"scales": [0.0]}, "experiments.x.scales.0: found 0.0, allowed: greater"),
        ("experiments.x", {"documents": [1]}, "experiments.x.documents.0: found 1, allowed:"),
        ("experiments.x", {"dims": [8, 8]}, "experiments.x: dims: 8 is given twice"),
        ("experiments.x", {"documents": [20_001]}, "the classifier sample trains on 20000 to draw"),
        ("experiments.X", {}, "experiments.X"),
        ("baselines.recipes", ["leb"], "baselines.recipes: 'leb' is not in recipes"),
        ("baselines.radii", [], "baselines: mean_lr needs recipes, radii and dims of its vectors"),
        ("baselines.models", ["svm"], "baselines.models.0: found 'svm', allowed: 'majority'"),
        ("classifier.word_dropout", 1.0, "classifier.word_dropout: found 1.0, allowed: less than"),
        ("classifiers.large.kernel", 900, "does not fit into max_tokens"),
        ("sampling.embedding.further", {"document": 3}, "did you mean 'documents'?"),
        ("sampling.embedding.further.documents", 70_001, "the embedding sample leaves 70000"),
        ("claims.points", 0, "claims.points: found 0, allowed: greater than 0"),
        ("tokens.vocabulary_size", 100, "vocabulary_size goes with tokenizer: word"),
        ("corpus", PLANTED, "by_film, but the planted corpus names no films: choose by_document"),
        ("corpus", TABLE | {"path": "a{b}.csv"}, "found '{' in the name of the file"),
        ("corpus", TABLE | {"text": 3}, "corpus.text: found 3, allowed: the name of a column, or"),
        ("corpus", TABLE | {"text": []}, "corpus.text: found [], allowed: the name of a column"),
        ("corpus", TABLE | {"text": ["a", ""]}, "corpus.text: found ['a', ''], allowed: the name"),
        ("corpus", TABLE | {"unlabelled": "a<b>.csv"}, "found '<' in the name of the file"),
        ("corpus", TABLE | {"test": "a\0.csv"}, r"found '\x00' in the name of the file"),
        ("recipes.x", {"kind": "file"}, "recipes.x.path: missing"),
        ("recipes.x", {"kind": "file", "path": "https://a.org/b"}, "recipes.x.path: found the add"),
        ("study", "../elsewhere", "study: found '../elsewhere'"),
    ],
)
def test_a_mistake_is_one_clear_message(path: str, value: Any, message: str) -> None:
    with pytest.raises(config.ParamsError) as error:
        config.check_study(changed(path, value), "params.yaml")
    assert message in str(error.value)
    assert str(error.value).startswith("params.yaml: ")
    assert "\n" not in str(error.value)


def test_a_table_is_a_file_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/student")
    found = params.TableCorpus(**TABLE | {"path": "~/a.csv", "test": "b~.csv"})
    assert (found.path, found.test) == ("/home/student/a.csv", "b~.csv")
    content = changed("corpus", TABLE | {"test": "https://example.org/a.csv"})
    with pytest.raises(
        config.ParamsError, match=r"found the address https://example\.org/a\.csv: do"
    ):
        config.check_study(content, "params.yaml")


def test_a_missing_key_says_what_it_is_for() -> None:
    content = copy.deepcopy(IMDB)
    del content["recipes"]["lab"]["epochs"]
    with pytest.raises(config.ParamsError, match=r"recipes\.lab\.epochs: missing \(passes over"):
        config.check_study(content, "params.yaml")


def test_every_problem_is_named_at_once() -> None:
    content = changed("grid.radii", [0])
    content["classifier"]["dropout"] = 1.0
    with pytest.raises(config.ParamsError) as error:
        config.check_study(content, "params.yaml")
    assert len(str(error.value).splitlines()) == 2


def test_more_documents_are_allowed_with_the_unlabelled_ones() -> None:
    content = changed("sampling.embedding.documents", 75_000)
    content["sampling"]["embedding"]["unlabelled"] = True
    assert config.check_study(content, "x").sampling.embedding.documents == 75_000


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "not readable as YAML"), ("- 1\n", "expected sections of keys")]
)
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(config.ParamsError, match=message) as error:
        config.read_study(path)
    assert str(path) in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(config.ParamsError, match="no such file"):
        config.read_study(tmp_path / "none.yaml")


def test_yaml_runs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("study: !!python/object/apply:os.system ['touch hacked']\n")
    with pytest.raises(config.ParamsError, match="not readable as YAML"):
        config.read_study(path)


def test_a_file_that_snakemake_would_run_code_of_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("__use_yte__: true\n?__import__('os').mkdir('hacked') or 'study': tiny\n")
    with pytest.raises(config.ParamsError, match="unknown key '__use_yte__'"):
        config.read_study(path)
    (tmp_path / "Snakefile").touch()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["run", "evil.yaml"])  # as `make study PARAMS=evil.yaml`
    assert isinstance(result.exception, config.ParamsError)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: a\nstudy: b\n", "line 2: the key 'study' is there twice"),
        ("grid: {dims: [1], dims: [2]}", "the key 'dims' is there twice"),
        (
            "base: &a {x: 1}\nmine: {<<: *a, x: 2, y: 3}\nlast: {<<: *a, x: 3}\n",
            "unknown key 'base'",
        ),
        ("study: " + "9" * 5000, "not readable as YAML: Exceeds the limit"),
        ("study: 2024-99-99", "not readable as YAML: month must be in 1..12"),
        (
            "study: 0x" + "f" * 5000,
            "study: found a number too long to be shown, allowed: a valid str",
        ),
        ("[" * 5000, "nested more deeply than any parameter is"),
        ("study: " + "[" * 21 + "]" * 21, "more than 20 levels of them"),
        ("a: &a [*a]", "more than 20 levels of them"),
        (laughs(9, 9), "more than 10000 values"),
        ("a: &a {x: 1}\nb: &b {<<: [*a, *a]}\n" + "c: {<<: [*b, *b]}\n" * 9, "'c' is there twice"),
        ("claims: {loss: .inf, points: .nan}", "claims.loss: found inf, allowed: a finite number"),
        ("study: " + "x" * 101, "xxx', allowed: String should have at most 100"),
        ("study: " + "X" * 5000, "XXX…, allowed: "),
        ("? [1, 2]\n: 3", "not readable as YAML"),
        ("x" * (1 << 18) + "x", "more than 262144 bytes: name a file of parameters"),
        ("\x00", "not readable as YAML"),
    ],
)
def test_yaml_that_no_study_is_written_in(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(config.ParamsError) as error:
        config.read_study(path)
    assert message in str(error.value)
    assert all(line.startswith(f"{path}: ") for line in str(error.value).splitlines())
    assert max(map(len, str(error.value).splitlines())) < 1200


@pytest.mark.parametrize(
    ("recipes", "message"),
    [
        ({"a": {"like": ["b"]}}, "a.like: ['b'] is not in recipes"),
        ({"a": {"like": "b"}, 3: {}}, "a.like: 'b' is not in recipes; there are: a, 3"),
        (
            {"a": {"like": "b"}, "b": {"like": "a"}},
            "a.like: a is like b is like a: break the circle",
        ),
        ({"a": {"like": "a"}}, "a.like: a is like a: break the circle"),
    ],
)
def test_recipes_that_are_like_nothing(recipes: dict[Any, Any], message: str) -> None:
    with pytest.raises(config.ParamsError) as error:
        config.check_study(copy.deepcopy(IMDB) | {"recipes": recipes}, "x")
    assert message in str(error.value)


def test_a_recipe_may_be_like_one_that_is_like_a_thousand_others() -> None:
    first = {"kind": "ppmi"}
    chain = {f"r{n}": {"like": f"r{n - 1}", "n": n} for n in range(1, 2000)}
    for order in (list, reversed):
        recipes = dict(order(list({"r0": first, **chain}.items())))
        found = params.inherited(recipes)
        assert list(found) == list(recipes)
        assert found["r1999"] == {"kind": "ppmi", "like": "r1998", "n": 1999}


@pytest.mark.parametrize("name", ["lab", "ppmi", "imdb"])
def test_a_name_that_is_a_kind_stays_in_the_message(name: str) -> None:
    """pydantic puts the kind of a section into the place of an error, where it looks like a key."""
    recipe = IMDB["recipes"]["lab"]
    for path, value, message in (
        (f"recipes.{name}", recipe | {name: 3}, f"unknown key 'recipes.{name}.{name}' (value 3)"),
        (f"recipes.{name}", recipe | {"batch": 0}, f"recipes.{name}.batch: found 0, allowed:"),
        (f"recipes.{name}", {}, f"recipes.{name}.kind: missing, allowed: 'lab', 'word2vec', 'ppmi"),
        (
            "corpus",
            {},
            "corpus.kind: missing, allowed: 'imdb', 'imdb_and_books', 'planted', 'table'",
        ),
        (f"classifier.{name}", 3, f"unknown key 'classifier.{name}' (value 3)"),
        (name, 3, f"unknown key '{name}' (value 3)"),
    ):
        with pytest.raises(config.ParamsError) as error:
            config.check_study(changed(path, value), "x")
        assert str(error.value).startswith(f"x: {message}")


@pytest.mark.parametrize(
    ("model", "content", "message"),
    [
        (params.Recipe, IMDB["recipes"]["lab"] | {"lab": 3}, "unknown key 'lab' (value 3); allowe"),
        (params.Recipe, IMDB["recipes"]["lab"] | {"epochs": 0}, "epochs: found 0, allowed: greate"),
        (params.Recipe, {}, "kind: missing, allowed: 'lab', 'word2vec', 'ppmi'"),
        (params.Report, IMDB["report"] | {"lab": 3}, "unknown key 'lab' (value 3); allowed here: "),
    ],
)
def test_a_section_by_itself_is_explained(model: Any, content: Any, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(model).validate_python(content)
    (problem,) = error.value.errors()
    assert config.explain(problem, model).startswith(message)


def test_ten_lines_are_a_whole_study() -> None:
    given = {"study": "mine", "corpus": TABLE, "grid": {"seeds": [1, 2]}}
    study = config.check_study(given, "x")
    assert study.recipes.keys() == {"word2vec"}
    assert study.sampling.embedding.unlabelled
    assert study.pairs.validation_alpha == 0.75  # of a small vocabulary all may be positives
    assert study.classifier
    assert (study.classifier.max_tokens, study.classifier.patience) == (None, 5)
    assert study.classifiers["slow"] == study.classifier.model_copy(
        update={"embedding_learning_rate": 1e-4}
    )
    settings = {
        init: {
            (variant.scale, variant.classifier)
            for variant in plan.variants(study)
            if variant.init == init and variant.scale
        }
        for init in ("pretrained", "random")
    }
    assert settings["pretrained"] == settings["random"]  # one budget
    assert {scale for scale, _ in settings["random"]} == {0.1, 1.0}
    assert [each.kind for each in plan.baselines(study)] == ["majority", "tfidf_lr", "nbsvm"]
    again = config.check_study(study.model_dump(), "the study.json that jobs read")
    assert again == study


def test_what_is_given_stays_and_is_only_completed_where_something_is_missing() -> None:
    mine = {"study": "mine", "corpus": TABLE, "grid": {"seeds": [1]}}
    glove = {"recipes": {"glove": {"kind": "file", "path": "g"}}}
    grid = {"grid": {"seeds": [1], "recipes": ["word2vec", "glove"]}}
    few: dict[str, Any] = {"experiments": {"few": {"inits": ["random"], "documents": [100]}}}
    study = config.check_study(mine | glove | grid | few, "x")
    assert list(study.recipes) == ["glove", "word2vec"]
    assert list(study.experiments) == ["few", "frozen", "each_at_its_best"]
    few["grid"] = {"seeds": [1], "inits": ["random"]}  # which names them all
    study = config.check_study(mine | few, "x")
    assert (list(study.experiments), study.classifiers, study.baselines.models) == (["few"], {}, [])
    study = config.check_study(mine | {"grid": {"seeds": [1], "inits": []}}, "x")
    assert (study.classifier, study.sampling.classifier) == (None, None)
    long = {"classifier": {"epochs": 7}, "sampling": {"embedding": {"validation_fraction": 0.5}}}
    study = config.check_study(mine | long, "x")
    assert study.classifier
    assert (study.classifier.patience, study.classifier.epoch_steps) == (None, 1)
    assert not study.sampling.embedding.unlabelled
    with pytest.raises(config.ParamsError, match=r"^x: grid: missing: add it$"):
        config.check_study({key: mine[key] for key in ("study", "corpus")}, "x")


def test_problems_are_listed_up_to_a_number() -> None:
    with pytest.raises(config.ParamsError) as error:
        config.check_study({f"key{n}\x1b": n for n in range(100)}, "x")
    lines = str(error.value).splitlines()
    assert len(lines) == config.SHOWN + 1
    assert lines[-1] == "x: and 83 more"  # and 3 sections that are missing
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("word", ["a\rb", "a\nb", "\x1b[31m", "\u2028"])
def test_words_to_look_at_are_on_one_line(word: str) -> None:
    for words in ({word: ["a"]}, {"a": [word]}):
        with pytest.raises(config.ParamsError, match="has a control character"):
            config.check_study(changed("evaluation.words", words), "x")


def test_every_key_has_a_description_a_reader_can_use() -> None:
    def walk(model: type[params.Section]) -> None:
        for name, field in model.model_fields.items():
            inner = config.sections(field.annotation)
            for section in inner:
                walk(section)
            if not inner and name != "kind":
                assert field.description, f"{model.__name__}.{name}"
            assert "\n" not in (field.description or "")  # the report sets it in a table

    walk(params.Study)
    described = params.Study.model_fields["device"].description
    assert described
    assert "; `auto`: on cuda where there is one. `word2vec` and `ppmi`" in described


def test_every_key_of_the_studies_is_listed_with_what_it_may_hold() -> None:
    listed = {key.name: key for key in config.all_keys()}

    def walk(content: dict[str, Any], prefix: str) -> None:
        for name, value in content.items():
            named = prefix in ("recipes.", "experiments.", "classifiers.", "evaluation.words.")
            key = f"{prefix}<name>" if named else f"{prefix}{name}"
            if isinstance(value, dict):
                walk(value, f"{key}.")
            elif value is None and key not in listed:  # a section left empty
                assert any(known.startswith(f"{key}.") for known in listed)
            else:
                assert listed[key].allowed

    for name in ("params.yaml", "config/demo.yaml", "config/tweaks.yaml"):
        walk(yaml.safe_load((REPOSITORY / name).read_text()), "")
    assert listed["classifier.dropout"].allowed == "number >= 0, < 1"
    assert listed["grid.radii"].allowed == "list of: integer >= 1, <= 1000"
    assert listed["corpus.text"].allowed == "string or list of: string"
    assert listed["tokens.tokenizer"].allowed == "wordpiece or word or character"


def test_a_recipe_inherits_what_it_does_not_say() -> None:
    content = copy.deepcopy(IMDB)
    content["recipes"] |= {
        "one": {"like": "lab", "negatives": 1},
        "short": {"epochs": 2, "like": "one"},
    }
    recipes = config.check_study(content, "x").recipes
    assert recipes["short"].model_dump() == recipes["lab"].model_dump() | {
        "like": "one",
        "negatives": 1,
        "epochs": 2,
    }
    assert recipes["lab"].like is None


def test_the_tweaks_are_each_by_itself() -> None:
    recipes = config.read_study(REPOSITORY / "config/tweaks.yaml").recipes
    values: dict[tuple[str, str], set[Any]] = {}
    for recipe in recipes.values():
        if recipe.like:
            parent = recipes[recipe.like].model_dump(exclude={"like"})
            mine = recipe.model_dump(exclude={"like"})
            (key,) = (key for key in mine if mine[key] != parent[key])
            values.setdefault((recipe.like, key), {parent[key]}).add(mine[key])
    for base in ("full", "bare"):
        assert values[base, "negatives"] == {1, 2, 5, 10, 20}
        assert values[base, "alpha"] == {0, 0.5, 0.75, 1}
        assert values[base, "window"] == {"dynamic", "fixed", "harmonic"}
        assert values[base, "subsample"] == {0, 1e-3, 1e-4, 1e-5}
        assert values[base, "min_count"] == {1, 5, 20}


def test_a_study_may_have_no_classifiers() -> None:
    content = without_classifiers()
    del content["classifier"], content["sampling"]["classifier"]
    assert config.check_study(content, "x").classifier is None


def without_classifiers() -> dict[str, Any]:
    """The study with vectors only, its sections on classifiers left."""
    content = changed("grid.inits", [])
    content["baselines"]["models"] = []
    content["experiments"] = {"vectors": {"radii": [3]}}
    return content


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("grid.inits", ["random"], "grid.inits"),
        ("experiments.vectors.inits", ["frozen"], "experiments.vectors.inits"),
        ("baselines.models", ["majority"], "baselines.models"),
    ],
)
@pytest.mark.parametrize("section", ["classifier", "sampling.classifier"])
def test_whatever_asks_for_classifiers_needs_their_sections(
    path: str, value: list[str], place: str, section: str
) -> None:
    content = without_classifiers()
    first, *rest = path.split(".")
    target = content[first]
    for part in rest[:-1]:
        target = target[part]
    target[rest[-1]] = value
    (content if section == "classifier" else content["sampling"])["classifier"] = None
    message = f"{section}: missing, but {place} asks for classifiers .{value[0]}.: add it"
    with pytest.raises(config.ParamsError, match=message):
        config.check_study(content, "x")


def test_an_experiment_names_classifiers_that_there_are() -> None:
    content = changed("experiments.x", {"classifiers": ["conv1d", "lagre"]})
    said = r"experiments\.x\.classifiers: 'lagre' is not in classifiers, did you mean 'large'\?"
    with pytest.raises(config.ParamsError, match=said):
        config.check_study(content, "x")


def test_another_classifier_is_as_the_first_in_what_it_does_not_name() -> None:
    study = config.check_study(changed("classifiers.slow", {"epochs": 20}), "x")
    assert study.classifier is not None
    assert study.classifiers["slow"] == study.classifier.model_copy(update={"epochs": 20})


@pytest.mark.parametrize(
    ("further", "most"),
    [
        ({}, 70_000),
        ({"unlabelled": False}, 20_000),
        ({"unlabelled": False, "test": True}, 45_000),
        ({"test": True}, 95_000),
    ],
)
def test_further_documents_are_what_the_others_leave(further: dict[str, Any], most: int) -> None:
    """Of 25,000 + 25,000 + 50,000 reviews 5,000 labelled ones are drawn before."""
    key = "sampling.embedding.further"
    allowed = config.check_study(changed(key, further | {"documents": most}), "x")
    assert allowed.sampling.embedding.further
    assert allowed.sampling.embedding.further.documents == most
    with pytest.raises(config.ParamsError, match=rf"{key}\.documents: {most + 1} documents .*"):
        config.check_study(changed(key, further | {"documents": most + 1}), "x")


TABLE = {"kind": "table", "path": "reviews.csv", "text": "text", "label": "stars"}


def test_a_table_is_counted_only_when_it_is_read() -> None:
    content = changed("sampling.classifier.validation", "by_document")
    study = config.check_study(content | {"corpus": TABLE}, "x")
    assert not hasattr(study.corpus, "sizes")
    study.check_documents(params.Sizes(25_000, 25_000, 50_000))
    with pytest.raises(ValueError, match=r"the table corpus has 24999 to draw from: lower samp"):
        study.check_documents(params.Sizes(24_999, 25_000, 50_000))
    for fewer in ({"test_fraction": 1.0}, {"path": ""}, {"on_bad_rows": "hide"}, {"sheet": 1}):
        with pytest.raises(config.ParamsError, match=r"corpus\."):
            config.check_study(changed("corpus", TABLE | fewer), "x")
