"""Plain torch on a device against the fast kernels of the processor: the same mathematics.

Measured on torch's own `cpu`, over all cases below: losses of the lab recipe differ by at most 9e-6
of themselves and tables by 4e-5, losses of the classifier by 8e-7 of themselves and probabilities
by 3e-7. Bounds are ten times as wide. Where there is a graphics card the same tests run on it too.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from click import UsageError
from tqdm import tqdm

from sgns_study.classifiers.fit import Trainer, train_classifier
from sgns_study.classifiers.fit_on_device import DeviceTrainer, training_on
from sgns_study.classifiers.inits import random_table
from sgns_study.devices import chosen
from sgns_study.errors import StudyError
from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs
from sgns_study.params import Device, ParamsError, check_study
from sgns_study.sgns import lab, reference
from sgns_study.sgns.recipes import skip_gram_on
from tests.conftest import REPOSITORY, Workspace
from tests.reproducibility import carry_out, study_commands
from tests.test_fit import DIM, SEED, SETTINGS, TEST, THREE_CLASSES, TRAIN, VALIDATION, VOCABULARY
from tests.test_sgns_lab import DIM as LAB_DIM
from tests.test_sgns_lab import RECIPE, SIZE, pairs  # noqa: F401  # a fixture

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="is about having no card")
pytestmark = pytest.mark.xdist_group("devices")
on_devices = pytest.mark.parametrize("device", ["cpu", "cuda"][: 1 + torch.cuda.is_available()])


@on_devices
@pytest.mark.parametrize("batch", [32, 2], ids=["most rows touched", "few rows touched"])
def test_the_lab_recipe_is_the_same_on_a_device(
    device: Device,
    batch: int,
    pairs: Pairs,  # noqa: F811
) -> None:
    chosen(device)
    recipe = RECIPE.model_copy(update={"batch": batch})
    fast = lab.train(pairs, SIZE, LAB_DIM, recipe, SEED)
    plain, again = (
        lab.train(pairs, SIZE, LAB_DIM, recipe, SEED, partial(reference.SkipGram, device=device))
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
    device: Device, classes: int, frozen: bool, options: dict[str, Any]
) -> None:
    chosen(device)
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
def test_weights_on_a_device_are_those_of_the_processor(device: Device, frozen: bool) -> None:
    """Rows that occur in no document, and the padding row, whatever it holds, stay as they are."""
    chosen(device)
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
    assert skip_gram_on("cpu") is SkipGram
    assert training_on("cpu") is Trainer


def test_auto_takes_the_card_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = []
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda mode, warn_only: asked.append(mode)
    )
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
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def commands(workspace: Workspace) -> list[list[str]]:
    """Those of the tiny study on `auto`; what models are trained on is there."""
    found = study_commands(workspace, "--config", "device=auto")
    prepare = ("tokenize", "sample-embedding", "sample-classifier", "build-text", "build-pairs")
    carry_out(workspace.folder, [words for words in found if words[1] in prepare])
    return found


@pytest.mark.workflow
def test_the_workflow_gives_the_device_to_what_torch_trains(commands: list[list[str]]) -> None:
    devices = {
        (words[1], words[words.index("--recipe") + 1] if "--recipe" in words else ""): words[
            words.index("--device") + 1
        ]
        for words in commands
        if "--device" in words
    }
    assert devices == {
        ("train-sgns", "lab"): "auto",
        ("train-sgns", "word2vec"): "cpu",
        ("train-sgns", "one_negative"): "cpu",
        ("train-sgns", "ppmi"): "cpu",
        ("train-classifier", ""): "auto",
    }


@pytest.mark.workflow
@pytest.mark.parametrize("command", [["train-sgns", "lab"], ["train-classifier", "random"]])
def test_a_job_records_its_device_or_stops_before_any_work(
    workspace: Workspace,
    commands: list[list[str]],
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = next(words for words in commands if {*command} < {*words})
    out = workspace.folder / words[words.index("--out") + 1]
    on_cuda = ["cuda" if word == "auto" else word for word in words]
    with pytest.raises(StudyError, match="found 'cuda'"):
        carry_out(workspace.folder, [on_cuda])
    assert not out.exists()
    carry_out(workspace.folder, [words])
    assert json.loads((out / "run.json").read_text())["parameters"]["device"] == "cpu"


@pytest.mark.workflow
@pytest.mark.parametrize("recipe", ["word2vec", "ppmi"])
def test_cuda_for_what_does_not_train_on_it_is_refused(
    workspace: Workspace, commands: list[list[str]], recipe: str
) -> None:
    words = list(next(words for words in commands if {"train-sgns", recipe} < {*words}))
    words[words.index("--device") + 1] = "cuda"
    with pytest.raises(UsageError, match=f"kind {recipe} trains on the processor"):
        carry_out(workspace.folder, [words])
    assert not (workspace.folder / words[words.index("--out") + 1]).exists()


@pytest.mark.workflow
@without_cuda
def test_a_study_on_cuda_without_a_card_stops_before_any_job(tmp_path: Path) -> None:
    study = Workspace(tmp_path)
    result = study.run("--cores", "1", "--config", "device=cuda")
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert "device: found 'cuda'" in said
    assert "Traceback" not in said
    assert not (study.folder / "results/tiny/tokens").exists()


def test_an_unknown_device() -> None:
    tiny = yaml.safe_load((REPOSITORY / "tests/tiny.yaml").read_text())
    with pytest.raises(ParamsError, match="device: found 'gpu', allowed: 'cpu', 'cuda' or 'auto'"):
        check_study(tiny | {"device": "gpu"}, "tiny.yaml")
    assert check_study(tiny, "tiny.yaml").device == "cpu"
