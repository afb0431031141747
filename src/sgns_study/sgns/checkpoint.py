"""A file from which `embed` continues after a break, with the bits of an unbroken training.

It holds arrays (NumPy's .npz, whose parts have checksums) and, as JSON, what the run is a function
of, so that it is never used for another run.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, part_of, sha256, writing
from sgns_study.errors import VALUE, brief, reason, shown
from sgns_study.kernels.simd import LINE
from sgns_study.provenance import code_digest
from sgns_study.sgns.state import DRAWS, Position, State, copies

CODE = ("sgns.word2vec", "corpora.lines")


def digests(text: Path) -> dict[str, int | str]:
    """Size and digest of a text, and the digest of the code that reads it and trains on it.

    Raises ArtifactError if there is no such file.
    """
    try:
        size, content = text.stat().st_size, sha256(text)
    except OSError as error:
        raise ArtifactError(f"{text}: {error.strerror}: name a text file") from None
    code = "-".join(code_digest(module) for module in CODE)
    return {"text_bytes": size, "text_sha256": content, "code": code}


def save_state(path: Path, state: State, run: Mapping[str, Any]) -> None:
    """Write a state; `run`: all else that the outcome depends on, fit for JSON."""
    arrays = {
        "run": np.array(json.dumps(run)),
        "centre": state.centre,
        "context": state.context,
        "losses": np.array(state.losses),
        "held_out": np.array(state.held_out),
        "read": np.array([position.read for position in state.positions]),
        "draws": np.stack([position.draws for position in state.positions]),
        "sums": np.stack([position.sums for position in state.positions]),
    }
    left = {f"left{n}": position.left for n, position in enumerate(state.positions)}
    with writing(path) as part, part.open("wb") as file:
        np.savez(file, **arrays, **left)  # type: ignore[arg-type]  # mistakes them for its option


def load_state(path: Path, run: Mapping[str, Any]) -> State | None:
    """Read what `save_state` wrote for the same run; None if there is no such file.

    Raises ArtifactError if the file is not whole or is of another run.
    """
    try:
        check_stored(path)
        with np.load(path, allow_pickle=False) as file:
            check_run(path, json.loads(str(file["run"])), run)
            return _state(file)
    except FileNotFoundError:
        return None
    except ArtifactError:
        raise
    except Exception as error:  # damage shows differently, depending on where it is
        raise damaged(path, reason(error)) from None


def _state(file: Mapping[str, NDArray[Any]]) -> State:
    """The state from its arrays; raises ValueError if one has another type or number of axes."""

    def array(name: str, dtype: type[np.generic], ndim: int) -> NDArray[Any]:
        found = file[name]
        if found.dtype != dtype or found.ndim != ndim:
            raise ValueError(f"{name}: found {found.ndim} dimensions of {found.dtype}")
        return found

    centre, context = (copies(array(name, np.float32, 2), 1)[0] for name in ("centre", "context"))
    reads, draws, sums = (
        array("read", np.int64, 1),
        array("draws", np.uint64, 2),
        array("sums", np.float64, 2),
    )
    if draws.shape != (len(reads), len(DRAWS)) or sums.shape != (len(reads), 2):
        raise ValueError("its shards have other random states or sums")
    positions = [
        Position(int(read), draws[n], array(f"left{n}", np.int32, 1), sums[n])
        for n, read in enumerate(reads)
    ]
    losses, held_out = (array(name, np.float64, 1).tolist() for name in ("losses", "held_out"))
    return State(centre, context, positions, losses, held_out)


def check_stored(path: Path) -> None:
    """Raise ValueError if a part is compressed: it might take more memory than there is."""
    with ZipFile(path) as file:
        compressed = [part.filename for part in file.infolist() if part.compress_type != ZIP_STORED]
    if compressed:
        raise ValueError(f"{compressed[0]} is packed")


def check_fits(path: Path, state: State, words: int, tokens: int, dim: int, threads: int) -> None:
    """Raise ArtifactError unless a state can be of training on so many words and tokens."""
    width = -(-dim // LINE) * LINE
    fits = (
        state.centre.shape == state.context.shape == (words, width)
        and len(state.positions) == threads
        and all(0 <= position.read <= tokens for position in state.positions)
        and all(position.left.min(initial=0) >= 0 for position in state.positions)
        and all(position.left.max(initial=0) < words for position in state.positions)
    )
    if not fits:
        raise damaged(path, "its arrays do not fit the text")


def damaged(path: Path, why: str) -> ArtifactError:
    """The error for a file that training cannot continue from."""
    return ArtifactError(f"{path}: not a whole checkpoint ({why}): delete it to start anew")


def check_run(path: Path, found: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Raise ArtifactError naming what differs between the run of a checkpoint and this one."""
    differing = [
        f"{brief(key, VALUE)} was {shown(found.get(key))} and is {shown(run.get(key))}"
        for key in {**run, **found}
        if found.get(key) != run.get(key)
    ][: len(run)]
    if differing:
        raise ArtifactError(
            f"{path}: a checkpoint of another run: {'; '.join(differing)}: "
            "delete it to start anew, or name another file"
        )


def saver(path: Path, run: Mapping[str, Any], seconds: float) -> Callable[[State], None]:
    """A function that saves a state if the last save was at least so many seconds ago."""
    last = time.monotonic()

    def save_if_due(state: State) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            save_state(path, state, run)
            last = time.monotonic()

    return save_if_due


def remove(path: Path) -> None:
    """Delete a checkpoint, and the unfinished one that a killed run may have left."""
    path.unlink(missing_ok=True)
    part_of(path).unlink(missing_ok=True)
