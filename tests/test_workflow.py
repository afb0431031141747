"""What the workflow promises: the same bytes always, nothing run twice, nothing lost to a kill."""

import csv
import subprocess
import time
from pathlib import Path

import pytest

from sgns_study.artifacts import lock_study
from tests.conftest import Workspace, kill_group

pytestmark = pytest.mark.workflow

REPORTING = {"aggregate", "summarise", "timings", "figure", "report"}
RETRAINING = {"train_sgns", "evaluate_vectors", "train_classifier"}
CONTRACT = {
    "sgns_curves.csv": "recipe,radius,dim,seed,epoch,split,loss,accuracy",
    "classifier_curves.csv": "init,recipe,radius,dim,seed,epoch,split,loss,accuracy",
    "vectors.csv": "recipe,radius,dim,seed,dataset,metric,value,coverage",
    "timings.csv": "rule,wildcards,seconds,peak_memory_mib",
}


RECIPES = ("lab", "word2vec", "one_negative", "ppmi")


@pytest.fixture
def copy_of_finished(finished_study: Workspace, tmp_path: Path) -> Workspace:
    return finished_study.copy(tmp_path)


def test_tables_have_the_columns_of_the_contract(finished_study: Workspace) -> None:
    for name, header in CONTRACT.items():
        lines = (finished_study.folder / "results/tiny" / name).read_text().splitlines()
        assert lines[0] == header
        assert len(lines) > 1


def test_curves_hold_every_model_epoch_and_split_once(finished_study: Workspace) -> None:
    with (finished_study.folder / "results/tiny/classifier_curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    models = {(row["init"], row["recipe"], row["radius"], row["dim"], row["seed"]) for row in rows}
    assert models == {
        ("random", "", "", "8", "1"),
        *(("pretrained", recipe, "2", "8", "1") for recipe in RECIPES),
    }
    # 3 epochs and the state before them, on train and validation; test once
    assert len(rows) == len(models) * (4 * 2 + 1)
    assert sum(row["split"] == "test" for row in rows) == len(models)


def test_a_finished_study_has_nothing_to_do(finished_study: Workspace) -> None:
    assert finished_study.planned() == set()


def test_one_and_two_cores_give_the_same_bytes(
    finished_study: Workspace, workspace: Workspace
) -> None:
    workspace.finish(cores=1)
    assert workspace.bytes_of_results() == finished_study.bytes_of_results()


def test_a_killed_run_continues_to_the_same_bytes(
    finished_study: Workspace, workspace: Workspace
) -> None:
    run = workspace.start("--cores", "2")
    logs = workspace.folder / "results/tiny/logs/train_sgns"
    deadline = time.monotonic() + 120
    while not (logs.is_dir() and any(logs.iterdir())):
        assert run.poll() is None, "the run ended before a training job started"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.5)  # into the job
    kill_group(run)
    assert not (workspace.folder / "reports/tiny/report.html").exists()
    workspace.finish(cores=2)
    assert workspace.bytes_of_results() == finished_study.bytes_of_results()


def test_a_second_run_is_refused_while_one_works(finished_study: Workspace) -> None:
    results = finished_study.folder / "results/tiny"
    held = lock_study(results / "lock")
    try:
        # something to do, so that the run starts
        result = finished_study.run("--cores", "1", "--forcerun", "aggregate")
    finally:
        held.close()
    assert result.returncode != 0
    assert "another run" in result.stdout + result.stderr
    assert finished_study.planned() == set()


def test_a_changed_figure_module_redraws_that_figure_and_the_report(
    copy_of_finished: Workspace,
) -> None:
    path = copy_of_finished.folder / "src/sgns_study/figures/sgns_curves.py"
    path.write_text(path.read_text() + "\nREDRAWN = True\n")
    assert copy_of_finished.planned() == {"figure", "report"}
    output = copy_of_finished.dry_run()
    assert "figures/sgns_curves.svg" in output
    assert output.count("rule figure:") == 1


def test_a_changed_classifier_parameter_retrains_classifiers_only(
    copy_of_finished: Workspace,
) -> None:
    copy_of_finished.edit("tiny.yaml", "dropout: 0.3", "dropout: 0.2")
    assert copy_of_finished.planned() == {"train_classifier"} | REPORTING


def test_a_changed_recipe_retrains_vectors_and_what_uses_them(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "weight_decay: 0.01", "weight_decay: 0.02")
    assert copy_of_finished.planned() == RETRAINING | REPORTING
    output = copy_of_finished.dry_run()
    for rule in RETRAINING:
        assert output.count(f"rule {rule}:") == 1  # of the recipe alone


def test_a_parents_key_is_changed_in_all_that_are_like_it(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "learning_rate: 0.05", "learning_rate: 0.04")
    output = copy_of_finished.dry_run()
    for rule in RETRAINING:
        assert output.count(f"rule {rule}:") == 2  # word2vec and one_negative


def test_a_changed_kernel_retrains_its_recipes_only(copy_of_finished: Workspace) -> None:
    path = copy_of_finished.folder / "src/sgns_study/sgns/word2vec.py"
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    output = copy_of_finished.dry_run()
    assert output.count("rule train_sgns:") == 2
    for recipe in ("word2vec", "one_negative"):
        assert f"embeddings/{recipe}-r2-d8-s1/vectors.safetensors" in output


def test_a_comment_reruns_nothing(copy_of_finished: Workspace) -> None:
    for name in ("report/render.py", "sgns/lab.py", "artifacts.py"):
        path = copy_of_finished.folder / "src/sgns_study" / name
        path.write_text(path.read_text() + "\n# a comment\n")
    assert copy_of_finished.planned() == set()


def test_a_new_seed_trains_its_models_only(copy_of_finished: Workspace) -> None:
    copy_of_finished.edit("tiny.yaml", "seeds: [1]", "seeds: [1, 2]")
    output = copy_of_finished.dry_run()
    assert output.count("rule train_sgns:") == len(RECIPES)
    assert output.count("rule train_classifier:") == len(RECIPES) + 1
    assert "rule tokenize:" not in output


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


def test_every_rule_is_a_subcommand(finished_study: Workspace) -> None:
    rules = finished_study.run("--list-rules")
    listed = set((rules.stdout).split()) - {"all", "data", "embeddings", "vectors", "classifiers"}
    result = subprocess.run(
        ["sgns-study", "--help"],
        env=finished_study.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for rule in listed:
        assert f"  {rule.replace('_', '-')} " in result.stdout
