"""A file that training goes on from after a break, with the bits of a training without one.

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
from sgns_study.provenance import code_digest
from sgns_study.sgns.state import DRAWS, LINE, Place, State, copies

TABLES, LOSSES = ("centre", "context"), ("losses", "held_out")
CODE = ("sgns.word2vec", "corpora.lines")


def digests(text: Path) -> dict[str, int | str]:
    """Of a text, its size included, and of the code that reads it and trains on it.

    Raises ArtifactError if there is no such file.
    """
    try:
        size, content = text.stat().st_size, sha256(text)
    except OSError as error:
        raise ArtifactError(f"{text}: {error.strerror}: name a text file") from None
    code = "-".join(code_digest(module) for module in CODE)
    return {"text_bytes": size, "text_sha256": content, "code": code}


def save_state(path: Path, state: State, run: Mapping[str, Any]) -> None:
    """Write a state; `run`: what else the outcome depends on, fit for JSON."""
    arrays = {
        "run": np.array(json.dumps(run)),
        "centre": state.centre,
        "context": state.context,
        "losses": np.array(state.losses),
        "held_out": np.array(state.held_out),
        "read": np.array([place.read for place in state.places]),
        "draws": np.stack([place.draws for place in state.places]),
        "sums": np.stack([place.sums for place in state.places]),
    }
    left = {f"left{n}": place.left for n, place in enumerate(state.places)}
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
            centre, context = (copies(typed(file[name], np.float32, 2), 1)[0] for name in TABLES)
            reads, draws = typed(file["read"], np.int64, 1), typed(file["draws"], np.uint64, 2)
            sums = typed(file["sums"], np.float64, 2)
            left = [typed(file[f"left{n}"], np.int32, 1) for n in range(len(reads))]
            if draws.shape != (len(reads), len(DRAWS)) or sums.shape != (len(reads), 2):
                raise ValueError("its shards have other random states or sums")
            places = [
                Place(int(read), *of_place) for read, *of_place in zip(reads, draws, left, sums)
            ]
            losses, held_out = (typed(file[name], np.float64, 1).tolist() for name in LOSSES)
            return State(centre, context, places, losses, held_out)
    except FileNotFoundError:
        return None
    except ArtifactError:
        raise
    except Exception as error:  # what a damaged file leads to depends on where the damage is
        raise damaged(path, reason(error)) from None


def typed(array: NDArray[Any], kind: type[np.generic], ndim: int) -> NDArray[Any]:
    """The array itself; raises ValueError if it is of another kind or has other dimensions."""
    if array.dtype != kind or array.ndim != ndim:
        raise ValueError(f"found {array.ndim} dimensions of {array.dtype}, expected {ndim}")
    return array


def check_stored(path: Path) -> None:
    """Raise ValueError if a part is packed: it might unpack to more than there is memory for."""
    with ZipFile(path) as file:
        packed = [part.filename for part in file.infolist() if part.compress_type != ZIP_STORED]
    if packed:
        raise ValueError(f"{packed[0]} is packed")


def check_fits(path: Path, state: State, words: int, tokens: int, dim: int, threads: int) -> None:
    """Raise ArtifactError unless a state is one of training on so large a text and vocabulary."""
    width = -(-dim // LINE) * LINE
    fits = (
        state.centre.shape == state.context.shape == (words, width)
        and len(state.places) == threads
        and all(0 <= place.read <= tokens for place in state.places)
        and all(place.left.min(initial=0) >= 0 for place in state.places)
        and all(place.left.max(initial=0) < words for place in state.places)
    )
    if not fits:
        raise damaged(path, "its arrays do not fit the text")


def damaged(path: Path, why: str) -> ArtifactError:
    """The error for a file that training cannot go on from."""
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
    """A function that saves the state it is given, if the last time is so many seconds ago."""
    last = time.monotonic()

    def save_if_due(state: State) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            save_state(path, state, run)
            last = time.monotonic()

    return save_if_due


def remove(path: Path) -> None:
    """Delete a checkpoint, and what a killed run may have left of an unfinished one."""
    path.unlink(missing_ok=True)
    part_of(path).unlink(missing_ok=True)
