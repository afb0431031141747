"""A file from which `embed` continues after a break, with the bits of an unbroken training.

It holds the arrays of the state (NumPy's .npz, whose parts have checksums) and, as JSON, what the
run is a function of, so that it is never used for another run.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, part_of, writing
from sgns_study.errors import VALUE, brief, reason, shown
from sgns_study.sgns.state import State

Arrays = dict[str, NDArray[Any]]


class Checkpoint:
    """The file of one run, saved at most once in `seconds`."""

    def __init__(self, path: Path, run: Mapping[str, Any], seconds: float) -> None:
        """`run`: all that the outcome depends on besides the state, fit for JSON."""
        self.path, self.run, self.seconds = path, run, seconds
        self.saved = time.monotonic()

    def save(self, state: State) -> None:
        """Write a state."""
        run = np.array(json.dumps(self.run))
        with writing(self.path) as part, part.open("wb") as file:
            np.savez(file, run=run, **vars(state))

    def save_if_due(self, state: State) -> None:
        """Write a state if the last time is long enough ago."""
        if time.monotonic() - self.saved >= self.seconds:
            self.save(state)
            self.saved = time.monotonic()

    def load(self) -> Arrays | None:
        """The arrays of a state by the names of its fields; None if there is no such file.

        Raises ArtifactError if the file is not whole or is of another run.
        """
        try:
            check_stored(self.path)
            with np.load(self.path, allow_pickle=False) as file:
                arrays = dict(file)
            run = dict(json.loads(str(arrays.pop("run"))))
        except FileNotFoundError:
            return None
        except Exception as error:  # damage shows differently, depending on where it is
            raise damaged(self.path, reason(error)) from None
        check_run(self.path, run, self.run)
        return arrays

    def restore(self, arrays: Arrays, state: State, tokens: int) -> None:
        """Change the state before training to the one that was loaded.

        Raises ArtifactError if that cannot be of training on a text of so many tokens.
        """
        try:
            for name, value in vars(state).items():
                if isinstance(value, list):
                    value[:] = map(float, arrays[name])
                else:
                    np.copyto(value, arrays[name], casting="no")
            for name, most in (("read", tokens), ("left", len(state.centre) - 1)):
                found = getattr(state, name)
                if not 0 <= found.min() <= found.max() <= most:
                    raise ValueError(
                        f"{name} has {found.min()} to {found.max()}, allowed is 0 to {most}"
                    )
        except (KeyError, TypeError, ValueError) as error:
            why = f"its arrays do not fit the text: {reason(error)}"
            raise damaged(self.path, why) from None


def check_stored(path: Path) -> None:
    """Raise ValueError if a part is compressed: it might take more memory than there is."""
    with ZipFile(path) as file:
        for part in file.infolist():
            if part.compress_type != ZIP_STORED:
                raise ValueError(f"{part.filename} is packed")


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


def damaged(path: Path, why: str) -> ArtifactError:
    """The error for a file that training cannot continue from."""
    return ArtifactError(f"{path}: not a whole checkpoint ({why}): delete it to start anew")


def remove(path: Path) -> None:
    """Delete a checkpoint, and the unfinished one that a killed run may have left."""
    path.unlink(missing_ok=True)
    part_of(path).unlink(missing_ok=True)
