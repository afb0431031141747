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
from tqdm import tqdm

from sgns_study.classifiers import conv1d as definition
from sgns_study.classifiers.fit import Fitted, Training, fit, train_classifier
from sgns_study.classifiers.inits import random_table
from sgns_study.config import ParamsError, check_study, read_study
from sgns_study.devices import torch_device
from sgns_study.errors import StudyError
from sgns_study.kernels import conv1d as kernels
from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs
from sgns_study.params import Device
from sgns_study.plan import device_of
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
    torch_device(device)
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
    torch_device(device)
    table, settings = random_table(VOCABULARY, DIM, SEED), SETTINGS.model_copy(update=options)
    splits = (TRAIN, VALIDATION, TEST) if classes == 2 else THREE_CLASSES

    def in_plain_torch() -> Fitted:
        training = Training(splits[0], table, settings, SEED, frozen, classes, device, plain=True)
        return fit(training, *splits)

    fast, plain, again = (
        train_classifier(*splits, table, settings, SEED, frozen),
        in_plain_torch(),
        in_plain_torch(),
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
    torch_device(device)
    table = random_table(VOCABULARY, DIM, SEED)
    table[0] = 0.5
    fast = Training(TRAIN, table, SETTINGS, SEED, frozen, 2)
    plain = Training(TRAIN, table, SETTINGS, SEED, frozen, 2, device, plain=True)
    for epoch in (1, 2):
        scores = [training.epoch(epoch, tqdm(disable=True)) for training in (fast, plain)]
        np.testing.assert_allclose(*scores, rtol=1e-6)
    found = plain.model.embedding.detach().cpu().numpy()
    np.testing.assert_allclose(found, fast.model.embedding, atol=1e-5)
    untouched = ~np.isin(np.arange(VOCABULARY), TRAIN.tokens) | (np.arange(VOCABULARY) == 0)
    assert untouched.sum() > 1
    np.testing.assert_array_equal(found[untouched], table[untouched])
    assert np.array_equal(found, table) == frozen
    for name in ("conv.weight", "conv.bias", "linear.weight", "linear.bias"):
        ours, theirs = (training.model.get_parameter(name) for training in (plain, fast))
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-6)


def test_the_processor_takes_the_fast_kernels() -> None:
    assert torch_device("cpu") == "cpu"
    assert skip_gram_on("cpu") is SkipGram
    table = random_table(VOCABULARY, DIM, SEED)
    fast, plain = (
        Training(TRAIN, table, SETTINGS, SEED, False, 2, plain=plain) for plain in (False, True)
    )
    assert fast.model.features is kernels.embed_conv_max
    assert plain.model.features is definition.embed_conv_max
    ours = train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)
    theirs = fit(fast, TRAIN, VALIDATION, TEST)
    assert ours.probabilities.tobytes() == theirs.probabilities.tobytes()


def test_auto_takes_the_card_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_device("auto") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = []
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda mode, warn_only: asked.append(mode)
    )
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert torch_device("auto") == torch_device("cuda") == "cuda"
    assert asked == [True, True]
    assert not torch.backends.cudnn.allow_tf32


@without_cuda
def test_cuda_without_a_card_is_one_error() -> None:
    message = r"device: found 'cuda', but torch .* no graphics card here, allowed: 'cpu', 'auto'"
    with pytest.raises(StudyError, match=message):
        torch_device("cuda")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The tiny study on `auto`."""
    study = Workspace(tmp_path_factory.mktemp("devices"))
    path = study.folder / study.parameters
    path.write_text(path.read_text() + "\ndevice: auto\n")
    return study


@pytest.fixture(scope="module")
def commands(workspace: Workspace) -> list[list[str]]:
    """Those of the study; what models are trained on is there."""
    found = study_commands(workspace)
    prepare = ("tokenize", "sample", "build-text", "build-pairs")
    carry_out(workspace.folder, [words for words in found if words[1] in prepare])
    return found


def test_only_what_torch_trains_is_on_the_device() -> None:
    study = read_study(REPOSITORY / "tests/tiny.yaml").model_copy(update={"device": "auto"})
    assert {recipe: device_of(study, recipe) for recipe in study.recipes} == {
        "lab": "auto",
        "word2vec": "cpu",
        "one_negative": "cpu",
        "ppmi": "cpu",
    }


def on_cuda(workspace: Workspace, words: list[str]) -> list[str]:
    """A command of the same study with `device: cuda`."""
    auto = workspace.folder / workspace.parameters
    cuda = auto.with_name("cuda.yaml")
    cuda.write_text(auto.read_text().replace("device: auto", "device: cuda"))
    return [str(cuda) if word == str(auto) else word for word in words]


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("command", "out"),
    [
        (["train-sgns", "lab"], "embeddings/lab-r2-d8-s1"),
        (["train-classifier", "random-d8"], "classifiers/random-d8-s1"),
    ],
)
def test_a_job_records_its_device_or_stops_before_any_work(
    workspace: Workspace,
    commands: list[list[str]],
    command: list[str],
    out: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = next(words for words in commands if {*command} < {*words})
    folder = workspace.folder / "results/tiny" / out
    with pytest.raises(StudyError, match="found 'cuda'"):
        carry_out(workspace.folder, [on_cuda(workspace, words)])
    assert not folder.exists()
    carry_out(workspace.folder, [words])
    assert json.loads((folder / "run.json").read_text())["parameters"]["device"] == "cpu"


@pytest.mark.workflow
@pytest.mark.parametrize("recipe", ["word2vec", "ppmi"])
def test_what_does_not_train_on_cuda_needs_no_card(
    workspace: Workspace,
    commands: list[list[str]],
    recipe: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = next(words for words in commands if {"train-sgns", recipe} < {*words})
    carry_out(workspace.folder, [on_cuda(workspace, words)])
    record = workspace.folder / f"results/tiny/embeddings/{recipe}-r2-d8-s1/run.json"
    assert "device" not in json.loads(record.read_text())["parameters"]


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
