"""A file that training goes on from after a break, with the bits of a training without one.

It holds arrays (NumPy's .npz, whose parts have checksums) and, as JSON, what the run is a function
of, so that it is never used for another run.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sgns_study.artifacts import ArtifactError, part_of, sha256, writing
from sgns_study.provenance import code_digest
from sgns_study.sgns.state import Place, State, copies

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
        with np.load(path, allow_pickle=False) as file:
            check_run(path, json.loads(str(file["run"])), run)
            places = [
                Place(int(read), draws, file[f"left{n}"], sums)
                for n, (read, draws, sums) in enumerate(
                    zip(file["read"], file["draws"], file["sums"])
                )
            ]
            centre, context = (copies(file[name], 1)[0] for name in ("centre", "context"))
            return State(
                centre, context, places, file["losses"].tolist(), file["held_out"].tolist()
            )
    except FileNotFoundError:
        return None
    except ArtifactError:
        raise
    except Exception as error:  # what a damaged file leads to depends on where the damage is
        raise ArtifactError(
            f"{path}: not a whole checkpoint ({error}): delete it to start anew"
        ) from None


def check_run(path: Path, found: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Raise ArtifactError naming what differs between the run of a checkpoint and this one."""
    differing = [
        f"{key} was {found.get(key)!r} and is {run.get(key)!r}"
        for key in {**found, **run}
        if found.get(key) != run.get(key)
    ]
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
