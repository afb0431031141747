"""Plain torch on a device against the fast kernels of the processor: the same mathematics.

Measured on torch's own `cpu`: losses differ by at most 1e-5 of themselves and single probabilities
by 3e-7 over all cases below, the bounds are ten times as wide. With a graphics card the same tests
run on it too.
"""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tqdm import tqdm

from sgns_study.classifiers.fit import Trainer, train_classifier
from sgns_study.classifiers.fit_on_device import DeviceTrainer, training_on
from sgns_study.classifiers.inits import random_table
from sgns_study.cli import cli
from sgns_study.devices import chosen
from sgns_study.errors import StudyError
from sgns_study.pairs import Pairs
from sgns_study.sgns import lab
from sgns_study.sgns.lab_on_device import DeviceSkipGram, skip_gram_on
from tests.conftest import Workspace
from tests.test_fit import DIM, SEED, SETTINGS, TEST, THREE_CLASSES, TRAIN, VALIDATION, VOCABULARY
from tests.test_sgns_lab import DIM as LAB_DIM
from tests.test_sgns_lab import RECIPE, SIZE, pairs  # noqa: F401  # a fixture

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="is about having no card")
on_devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])


@on_devices
@pytest.mark.parametrize("batch", [32, 2], ids=["most rows touched", "few rows touched"])
def test_the_lab_recipe_is_the_same_on_a_device(
    device: str,
    batch: int,
    pairs: Pairs,  # noqa: F811
) -> None:
    chosen(device)  # type: ignore[arg-type]
    recipe = RECIPE.model_copy(update={"batch": batch})
    fast = lab.train(pairs, SIZE, LAB_DIM, recipe, SEED)
    plain, again = (
        lab.train(pairs, SIZE, LAB_DIM, recipe, SEED, partial(DeviceSkipGram, device=device))
        for _ in range(2)
    )
    assert fast.curves.loss.iloc[-2] < 0.8 * fast.curves.loss[0]  # it learned
    keys = ["epoch", "split"]
    assert plain.curves[keys].equals(fast.curves[keys])
    start = slice(0, 2)  # epoch 0: nothing has moved yet, only float32's sums differ
    np.testing.assert_allclose(plain.curves.loss[start], fast.curves.loss[start], rtol=1e-7)
    np.testing.assert_allclose(plain.curves.loss, fast.curves.loss, rtol=1e-4)
    np.testing.assert_allclose(plain.curves.accuracy, fast.curves.accuracy, atol=1e-4)
    for ours, theirs in ((plain.centre, fast.centre), (plain.context, fast.context)):
        np.testing.assert_allclose(ours, theirs, atol=4e-4)
        assert not ours[0].any()
    assert plain.centre.tobytes() == again.centre.tobytes()
    assert plain.curves.equals(again.curves)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"linear_decay": True},
    {"embedding_learning_rate": 0.03},
    {"word_dropout": 0.3},
    {"epoch_steps": 6},
    {"linear_decay": True, "embedding_learning_rate": 1e-3, "epoch_steps": 10, "word_dropout": 0.2},
    {"epochs": 40},
]


@on_devices
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("frozen", "options"), [(True, {}), *((False, some) for some in OPTIONS)])
def test_the_classifier_is_the_same_on_a_device(
    device: str, classes: int, frozen: bool, options: dict[str, Any]
) -> None:
    chosen(device)  # type: ignore[arg-type]
    table, settings = random_table(VOCABULARY, DIM, SEED), SETTINGS.model_copy(update=options)
    splits = (TRAIN, VALIDATION, TEST) if classes == 2 else THREE_CLASSES
    on_device = partial(DeviceTrainer, device=device)
    fast = train_classifier(*splits, table, settings, SEED, frozen)
    plain, again = (
        train_classifier(*splits, table, settings, SEED, frozen, on_device) for _ in range(2)
    )
    keys = ["epoch", "split"]
    assert plain.curves[keys].equals(fast.curves[keys])
    start = slice(0, 2)
    np.testing.assert_allclose(plain.curves.loss[start], fast.curves.loss[start], rtol=1e-7)
    np.testing.assert_allclose(plain.curves.loss, fast.curves.loss, rtol=1e-5)
    np.testing.assert_array_equal(plain.curves.accuracy, fast.curves.accuracy)
    np.testing.assert_allclose(plain.probabilities, fast.probabilities, atol=3e-6)
    assert plain.selected_epoch == fast.selected_epoch
    assert plain.probabilities.tobytes() == again.probabilities.tobytes()


@on_devices
@pytest.mark.parametrize("frozen", [False, True])
def test_weights_on_a_device_are_those_of_the_processor(device: str, frozen: bool) -> None:
    """Rows that occur in no document, and the padding row, whatever it holds, stay as they are."""
    chosen(device)  # type: ignore[arg-type]
    table = random_table(VOCABULARY, DIM, SEED)
    table[0] = 0.5
    fast = Trainer(TRAIN, table, SETTINGS, SEED, frozen, 2)
    plain = DeviceTrainer(TRAIN, table, SETTINGS, SEED, frozen, 2, device)
    for epoch in (1, 2):
        scores = [trainer.epoch(epoch, tqdm(disable=True)) for trainer in (fast, plain)]
        np.testing.assert_allclose(*scores, rtol=1e-6)
    found = plain.model.table.detach().cpu().numpy()
    np.testing.assert_allclose(found, fast.model.table, atol=1e-5)
    untouched = ~np.isin(np.arange(VOCABULARY), TRAIN.tokens) | (np.arange(VOCABULARY) == 0)
    assert untouched.sum() > 1
    np.testing.assert_array_equal(found[untouched], table[untouched])
    assert np.array_equal(found, table) == frozen
    for ours, theirs in zip(plain.layers.parameters(), fast.layers.parameters()):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-6)


def test_the_processor_takes_the_fast_kernels() -> None:
    assert chosen("cpu") == "cpu"
    assert skip_gram_on("cpu") is lab.SkipGram
    assert training_on("cpu") is Trainer


def test_auto_takes_the_card_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert chosen("auto") == chosen("cuda") == "cuda"
    assert asked == [True, True]
    assert not torch.backends.cudnn.allow_tf32


@without_cuda
def test_cuda_without_a_card_is_one_error() -> None:
    message = r"device: found 'cuda', but torch .* no graphics card here, allowed: 'cpu', 'auto'"
    with pytest.raises(StudyError, match=message):
        chosen("cuda")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The tiny study up to what is trained on."""
    workspace = Workspace(tmp_path_factory.mktemp("prepared"))
    workspace.finish("data")
    return workspace


def train(prepared: Workspace, command: str, *options: str) -> dict[str, Any]:
    """Run a subcommand that trains, as a user would; the parameters in the record of the run."""
    study = prepared.folder / "results/tiny"
    words = {
        "train-sgns": f"--pairs {study}/pairs/r2 --vocabulary {study}/tokens/vocabulary.csv "
        f"--recipe lab --settings {RECIPE.model_dump_json()} --radius 2",
        "train-classifier": f"--tokens {study}/tokens --sample {study}/samples/classifier-s1.csv "
        f"--init random --settings {SETTINGS.model_dump_json()}",
    }[command].split()
    out = study / f"{command}{''.join(options)}"
    words += ["--dim", "4", "--seed", "1", "--out", str(out), *options]
    result = CliRunner().invoke(cli, [command, *words])
    if result.exception:
        assert not out.exists()  # before any work
        raise result.exception
    parameters: dict[str, Any] = json.loads((out / "run.json").read_text())["parameters"]
    return parameters


@pytest.mark.workflow
@without_cuda
@pytest.mark.parametrize("command", ["train-sgns", "train-classifier"])
def test_a_job_records_its_device_or_stops_before_any_work(
    prepared: Workspace, command: str
) -> None:
    assert train(prepared, command)["device"] == "cpu"
    assert train(prepared, command, "--device", "auto")["device"] == "cpu"
    with pytest.raises(StudyError, match="found 'cuda'"):
        train(prepared, command, "--device", "cuda")


@pytest.mark.workflow
@without_cuda
def test_a_study_on_cuda_without_a_card_stops_before_any_job(workspace: Workspace) -> None:
    result = workspace.run("--cores", "1", "--config", "device=cuda")
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert "device: found 'cuda'" in said
    assert "Traceback" not in said
    assert not (workspace.folder / "results/tiny/tokens").exists()


@pytest.mark.workflow
def test_the_workflow_gives_the_device_to_what_torch_trains(workspace: Workspace) -> None:
    said = workspace.run(
        "--cores", "1", "--dry-run", "--printshellcmds", "--config", "device=auto"
    ).stdout
    commands = [line for line in said.splitlines() if "sgns-study train-" in line]
    on_auto = [line for line in commands if "--device auto" in line]
    assert {line for line in commands if "--recipe lab" in line or "train-classifier" in line} == {
        *on_auto
    }
    assert 1 < len(on_auto) < len(commands)


def test_an_unknown_device(workspace: Workspace) -> None:
    said = workspace.run("--cores", "1", "--dry-run", "--config", "device=gpu").stderr
    assert "device: found 'gpu', allowed: 'cpu', 'cuda' or 'auto'" in said
