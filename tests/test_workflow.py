"""What the workflow promises: the same bytes always, nothing run twice, nothing lost to a kill."""

import base64
import csv
import json
import random
import re
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sgns_study.evaluation.claims import CLAIMS
from sgns_study.evaluation.tables import COLUMNS, RULES
from sgns_study.guards import lock_study
from tests.conftest import Workspace, jobs, kill_group

pytestmark = pytest.mark.workflow

REPORTING = {"aggregate", "claims", "timings", "figure", "report"}
PREPARING = {"tokenize", "sample", "build_text", "build_pairs"}
WORD2VEC = ("word2vec", "one_negative")
RETRAINING = {"train_sgns", "evaluate_vectors", "train_classifier"}
CONTRACT = {
    "sgns_curves.csv": "recipe,radius,dim,seed,epoch,split,loss,accuracy",
    "classifier_curves.csv": "init,recipe,radius,dim,seed,epoch,split,loss,accuracy",
    "experiment_curves.csv": "init,recipe,radius,scale,documents,classifier,dim,seed,"
    "epoch,split,loss,accuracy",
    "runs.csv": "init,recipe,radius,scale,documents,classifier,dim,seed,selected_epoch,"
    "validation_accuracy,validation_loss,test_accuracy,test_loss,test_macro_f1",
    "vectors.csv": "recipe,radius,dim,seed,dataset,metric,value,coverage",
    "timings.csv": "rule,wildcards,seconds,peak_memory_mib",
}


RECIPES = ("lab", "word2vec", "one_negative", "ppmi")
# Classifiers and baselines of tests/tiny.yaml: init, recipe, scale, documents, classifier.
GRID = [
    ("pretrained", "lab", "", "", "conv1d"),
    ("pretrained", "word2vec", "", "", "conv1d"),
    ("random", "", "", "", "conv1d"),
    ("shuffled", "word2vec", "", "", "conv1d"),
    ("random_matched", "word2vec", "", "", "conv1d"),
]
EXPERIMENTS = [
    ("pretrained", "word2vec", "0.1", "", "conv1d"),
    ("random", "", "0.1", "", "conv1d"),
    ("pretrained", "word2vec", "", "30", "conv1d"),
    ("random", "", "", "30", "conv1d"),
    ("random", "", "0.1", "", "large"),
]
BASELINES = [
    ("", "", "", "", "majority"),
    ("", "", "", "", "tfidf_lr"),
    ("", "", "", "", "nbsvm"),
    ("pretrained", "word2vec", "", "", "mean_lr"),
]
BASELINES += [(init, recipe, scale, "30", kind) for init, recipe, scale, _, kind in BASELINES]


@pytest.fixture
def copy_of_finished(finished_study: Workspace, tmp_path: Path) -> Workspace:
    return finished_study.copy(tmp_path)


def test_tables_have_the_columns_of_the_contract(finished_study: Workspace) -> None:
    for name, header in CONTRACT.items():
        lines = (finished_study.folder / "results/tiny" / name).read_text().splitlines()
        assert lines[0] == header
        assert len(lines) > 1


def rows_of(study: Workspace, name: str) -> list[dict[str, str]]:
    with (study.folder / "results/tiny" / name).open() as file:
        return list(csv.DictReader(file))


def test_curves_hold_every_model_epoch_and_split_once(finished_study: Workspace) -> None:
    for name, expected in (("classifier_curves", GRID), ("experiment_curves", EXPERIMENTS)):
        rows = rows_of(finished_study, f"{name}.csv")
        keys = ("init", "recipe", "scale", "documents", "classifier")
        plain = {"scale": "", "documents": "", "classifier": "conv1d"}
        models = {tuple((plain | row)[key] for key in keys) for row in rows}
        assert models == set(expected)
        # 3 epochs and the state before them, on train and validation; test once
        assert len(rows) == len(models) * (4 * 2 + 1)
        assert sum(row["split"] == "test" for row in rows) == len(models)


def test_every_run_is_a_row_with_its_test_predictions(finished_study: Workspace) -> None:
    rows = rows_of(finished_study, "runs.csv")
    keys = ("init", "recipe", "scale", "documents", "classifier")
    assert [tuple(row[key] for key in keys) for row in rows] == GRID + EXPERIMENTS + BASELINES
    correct = np.load(finished_study.folder / "results/tiny/correct.npy")
    assert correct.shape == (len(rows), 40)
    accuracies = [float(row["test_accuracy"]) for row in rows]
    assert correct.mean(axis=1) == pytest.approx(accuracies, abs=1e-6)


def test_tables_are_written_by_the_rules_that_are_named(finished_study: Workspace) -> None:
    found = {}
    for record in (finished_study.folder / ".snakemake/metadata").iterdir():
        output = Path(base64.urlsafe_b64decode(record.name).decode())
        if output.parent == Path("results/tiny") and output.suffix == ".csv":
            found[output.stem] = json.loads(record.read_text())["rule"]
    assert set(COLUMNS) <= set(found)
    assert found == {table: rule for table, rule in RULES.items() if table in found}


def test_every_claim_is_judged_once(finished_study: Workspace) -> None:
    rows = rows_of(finished_study, "claims.csv")
    assert list(dict.fromkeys(row["claim"] for row in rows)) == [claim.claim for claim in CLAIMS]
    # One seed: effects, but no verdicts.
    assert {row["verdict"] for row in rows} == {"not tested"}
    effects = {row["claim"] for row in rows if row["effect"]}
    assert effects == {"1", "2", "8", "9", "A", "B", "C"}


def test_a_finished_study_has_nothing_to_do(finished_study: Workspace) -> None:
    assert not finished_study.planned()


def test_a_run_on_one_core_killed_and_continued_on_two_gives_the_same_bytes(
    finished_study: Workspace, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)  # of the programs as they are, which are killed as a user's
    run = workspace.start("--cores", "1")
    logs = workspace.folder / "results/tiny/logs/train_sgns"
    deadline = time.monotonic() + 120
    while not (logs.is_dir() and any(logs.iterdir())):
        assert run.poll() is None, "the run ended before a training job started"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.5)  # into the job
    kill_group(run)
    assert not (workspace.folder / "results/tiny/claims.csv").exists()
    workspace.finish("claims")
    assert workspace.bytes_of_results() == finished_study.bytes_of_results()


def test_a_second_run_is_refused_while_one_works(finished_study: Workspace) -> None:
    results = finished_study.folder / "results/tiny"
    held = lock_study(results / "lock", results / "jobs.lock")
    try:
        # something to do, so that the run starts
        result = finished_study.run("--cores", "1", "--forcerun", "aggregate")
    finally:
        held.close()
    assert result.returncode != 0
    assert "another run" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not finished_study.planned()


def test_a_changed_figure_module_redraws_that_figure_and_the_report(
    copy_of_finished: Workspace,
) -> None:
    path = copy_of_finished.folder / "src/sgns_study/figures/sgns_curves.py"
    path.write_text(path.read_text() + "\nREDRAWN = True\n")
    output = copy_of_finished.dry_run()
    assert jobs(output) == {"figure": 1, "report": 1}
    assert "figures/sgns_curves.svg" in output


def test_a_changed_template_renders_the_report_only(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("src/sgns_study/report/template.md", "# References", "# Literature")
    assert copy_of_finished.planned() == {"report": 1}


def test_a_changed_classifier_parameter_retrains_classifiers_only(
    copy_of_finished: Workspace,
) -> None:
    copy_of_finished.edit("tiny.yaml", "dropout: 0.3", "dropout: 0.2")
    planned = copy_of_finished.planned()
    assert set(planned) == {"train_classifier"} | REPORTING
    assert planned["train_classifier"] == len(GRID + EXPERIMENTS)  # large too: of both sections


def test_a_changed_recipe_retrains_vectors_and_what_uses_them(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "weight_decay: 0.01", "weight_decay: 0.02")
    planned = copy_of_finished.planned()
    assert set(planned) == RETRAINING | REPORTING
    assert {planned[rule] for rule in RETRAINING} == {1}  # of the recipe alone


def test_a_parents_key_is_changed_in_all_that_are_like_it(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "learning_rate: 0.05", "learning_rate: 0.04")
    planned = copy_of_finished.planned()
    assert planned["train_sgns"] == planned["evaluate_vectors"] == 2  # one_negative is like it
    assert planned["train_classifier"] == 5  # of word2vec: all that read its vectors
    assert planned["train_baseline"] == 2  # mean_lr of all labels, and of 30


@pytest.mark.parametrize(
    ("module", "old", "new", "recipes"),
    [
        ("kernels/word2vec.py", "float32(0.33271185)", "float32(0.33271186)", WORD2VEC),
        ("kernels/adam.py", "BETA1, BETA2, EPS = 0.9", "BETA1, BETA2, EPS = 0.8", ("lab",)),
    ],
)
def test_a_changed_constant_of_a_kernel_retrains_its_recipes_and_what_follows(
    copy_of_finished: Workspace, module: str, old: str, new: str, recipes: tuple[str, ...]
) -> None:
    copy_of_finished.edit(f"src/sgns_study/{module}", old, new)
    output = copy_of_finished.dry_run()
    planned = jobs(output)
    assert planned["train_sgns"] == planned["evaluate_vectors"] == len(recipes)
    for recipe in recipes:
        assert f"embeddings/{recipe}-r2-d8-s1/vectors.safetensors" in output
    assert set(planned) >= REPORTING
    assert not PREPARING & set(planned)


EDGE = (  # edits of what only reads, writes, checks, words or draws
    ("sgns/stream.py", "the loss is {", "the loss became {"),
    ("tokens.py", "delete the folder and", "delete its folder and"),
    ("sgns/vectors.py", "LONGEST_NUMBER = 1 << 20", "LONGEST_NUMBER = 1 << 19"),
    ("figures/plotting.py", "import matplotlib", "import locale\nimport matplotlib"),
    ("cli.py", "Train word vectors by a recipe", "Learn word vectors by a recipe"),
    ("report/render.py", "import", "import locale\nimport"),
)


def test_what_only_reads_writes_checks_words_or_draws_trains_nothing(
    copy_of_finished: Workspace,
) -> None:
    for name, old, new in EDGE:
        copy_of_finished.edit(f"src/sgns_study/{name}", old, new)
    assert set(copy_of_finished.planned()) <= {"figure", "report"}


def test_a_comment_reruns_nothing(copy_of_finished: Workspace) -> None:
    for name in ("report/render.py", "sgns/lab.py", "artifacts.py"):
        path = copy_of_finished.folder / "src/sgns_study" / name
        path.write_text(path.read_text() + "\n# a comment\n")
    assert not copy_of_finished.planned()


def test_a_new_seed_trains_its_models_only(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "seeds: [1]", "seeds: [1, 2]")
    planned = copy_of_finished.planned()
    assert planned["train_sgns"] == len(RECIPES)
    assert planned["train_repeated"] == len(GRID + EXPERIMENTS)  # only the first seed is kept
    assert "train_classifier" not in planned
    assert planned["train_baseline"] == len(BASELINES)
    assert planned["sample"] == 1
    assert not {"tokenize", "build_text", "build_pairs"} & set(planned)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dropout: 0.3", "drop_out: 0.3", "did you mean 'dropout'?"),
        ("radii: [2]", "radii: [0]", "grid.radii.0: found 0"),
        ("dims: [8]", "dims: [8.5]", "grid.dims.0: found 8.5"),
    ],
)
def test_a_wrong_parameter_stops_before_any_job(
    workspace: Workspace, old: str, new: str, message: str
) -> None:
    workspace.edit("tiny.yaml", old, new)
    result = workspace.run("--cores", "1")
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not (workspace.folder / "results").exists()


def test_jobs_find_the_program_of_the_python_that_runs_snakemake(
    copy_of_finished: Workspace,
) -> None:
    copy_of_finished.environment |= {"PATH": "/usr/bin:/bin"}  # the environment is not activated
    said = copy_of_finished.finish("results/tiny/timings.csv", "--forcerun", "timings")
    assert "1 of 1 steps" in said


def test_every_rule_is_a_subcommand(finished_study: Workspace) -> None:
    rules = finished_study.run("--list-rules")
    listed = set((rules.stdout).split()) - {"all", "data", "embeddings", "vectors", "classifiers"}
    listed -= {"train_repeated"}  # it runs the command of the rule that it is made from
    result = subprocess.run(
        ["sgns-study", "--help"],
        env=finished_study.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for rule in listed:
        assert f"  {rule.replace('_', '-')} " in result.stdout


TOPICS = {
    "sea": ["ship", "wave", "harbour", "sail", "tide", "anchor"],
    "kitchen": ["oven", "bread", "soup", "knife", "pepper", "plate"],
    "garden": ["rose", "spade", "seed", "hedge", "lawn", "pond"],
}
GRAMMAR = ["the", "a", "and", "near", "with", "was", "old", "new", "seen", "under"]


def own_documents(number: int, rng: random.Random) -> list[tuple[str, str]]:
    """Texts of three classes in turn: half of their words tell the class."""
    found = []
    for i in range(number):
        label = list(TOPICS)[i % len(TOPICS)]
        words = [rng.choice(rng.choice((TOPICS[label], GRAMMAR))) for _ in range(12)]
        found.append((" ".join(words), label))
    return found


@pytest.fixture
def own_table(workspace: Workspace) -> Workspace:
    """A study of one's own table: CSV to train on, three of its rows broken, JSONL to test."""
    rng = random.Random(1)
    with (workspace.folder / "own.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "topic"])
        rows.writerows(own_documents(150, rng))
        rows.writerows([["  ", "sea"], ["one", "field", "too many"], ["", "garden"]])
    with (workspace.folder / "test.jsonl").open("w") as file:
        for text, topic in own_documents(45, rng):
            file.write(json.dumps({"text": text, "topic": topic}) + "\n")
    study = yaml.safe_load((workspace.folder / "tiny.yaml").read_text())
    named = {"path": "own.csv", "test": "test.jsonl", "text": "text", "label": "topic"}
    study |= {"study": "own", "corpus": {"kind": "table", **named}, "experiments": {}}
    # 28 words: fewer of them than of dimensions would meet more often than by chance times 5
    study["recipes"] = {"ppmi": study["recipes"]["ppmi"] | {"shift": 1}}
    study["grid"] |= {"recipes": ["ppmi"], "dims": [4]}
    study["baselines"] = {"models": ["majority"]}
    study["report"] |= {"title": "A {study} of my own text"}  # braces are no wildcard
    workspace.parameters = "own.yaml"
    (workspace.folder / "own.yaml").write_text(yaml.safe_dump(study))
    return workspace


class Text(HTMLParser):
    """The text of a page, on one line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_table_with_bad_rows_stops_before_any_job(own_table: Workspace) -> None:
    result = own_table.run("--cores", "1")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "3 rows cannot be used:" in output
    # The header is line 1, the 150 documents are lines 2 to 151.
    for line, reason in ((152, "no text"), (153, "wrong number of fields"), (154, "no text")):
        assert output.count(f"own.csv: line {line}: {reason}") == 1
    assert "on_bad_rows: skip" in output
    assert "Traceback" not in output
    assert not (own_table.folder / "results").exists()


def test_a_table_of_ones_own_runs_from_file_to_report(own_table: Workspace) -> None:
    own_table.edit("own.yaml", "kind: table", "kind: table\n  on_bad_rows: skip")
    output = own_table.finish()
    assert "own.csv: 3 rows are left out: 2 × no text, 1 × wrong number of fields" in output
    reports, results = (own_table.folder / name / "own" for name in ("reports", "results"))
    assert (reports / "report.pdf").read_bytes().startswith(b"%PDF")
    assert list(pd.read_csv(results / "claims.csv").columns) == COLUMNS["claims"]
    assert pd.read_csv(results / "tokens/classes.csv").iloc[:, -1].tolist() == sorted(TOPICS)
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False).set_index("init")
    # 50 of each class to learn from, 15 to test: the largest class has a third, and of its F1,
    # 2 · (1/3) · 1 / (1/3 + 1) = 1/2, the other classes have none.
    assert runs.loc["", "test_accuracy"] == pytest.approx(1 / 3)
    assert runs.loc["", "test_macro_f1"] == pytest.approx(1 / 6)
    page = Text((reports / "report.html").read_text()).text
    assert "150 labelled training documents, 45 labelled test documents" in page
    assert "3 classes" in page
    assert "A {study} of my own text" in page
    assert "garden (50 and 15), kitchen (50 and 15) and sea (50 and 15)" in page
    assert "3 rows that cannot be used are left out: 2 × no text and 1 × wrong number of" in page
    assert "softmax over the 3 classes" in page
    assert "binary cross-entropy" not in page
    for init in ("pretrained", "random"):
        assert f"{100 * runs.loc[init, 'test_macro_f1']:.1f}" in page
    assert "macro F1" in page
    prose = re.split("All parameters of the study", page)[0]
    assert "planted" not in prose
    assert "IMDB" not in prose
    assert "review" not in prose.lower()
