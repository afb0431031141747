"""One input after the other through a reader, with what counts as a failure."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from hypothesis import strategies as st

from sgns_study.errors import StudyError
from tests.fuzz import alarm
from tests.fuzz.damage import damaged
from tests.fuzz.targets import Target

PATIENCE = 20  # seconds for one small file
MEMORY = 1 << 30  # bytes of address space that one small file may take above what is in use
LONGEST = 10_000  # characters of a message
Input = tuple[str, bytes]  # the name of a file, and what it holds instead of what is valid


class Bench:
    """A folder of valid files, of which one at a time is replaced and the reader run."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        folder.mkdir(parents=True, exist_ok=True)
        target.make(folder)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self.valid = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        assert self.run(next(iter(self.valid.items()))), "the valid files are refused"

    def inputs(self) -> st.SearchStrategy[Input]:
        """Files of the target: damaged ones, others made on purpose, and random bytes."""
        kinds = []
        for name, whole in self.valid.items():
            ways = [damaged(whole), st.binary(max_size=100)] if self.target.damage else []
            if name in self.target.others:
                ways += [self.target.others[name]] * (len(ways) or 1)
            kinds += [st.tuples(st.just(name), st.one_of(ways))] if ways else []
        return st.one_of(kinds)

    def run(self, replaced: Input) -> bool:
        """Whether the reader took the input; False if it refused it with one clear message.

        Any other exception is a failure, and so is a message that does not name the file or its
        folder, more memory or time than a small file deserves, and code that was run.
        """
        name, content = replaced
        path = self.folder / name
        path.write_bytes(content)
        alarm.rung.clear()
        try:
            with bounded():
                found = self.target.read(path if self.target.each else self.folder)
                self.target.use(found)
            return True
        except (StudyError, click.ClickException) as error:
            message = error.message if isinstance(error, click.ClickException) else str(error)
            assert message.strip(), "an empty message"
            assert len(message) < LONGEST, f"a message of {len(message)} characters"
            if self.target.named:
                assert name in message or str(self.folder) in message, f"unnamed: {message}"
            return False
        finally:
            path.write_bytes(self.valid.get(name, content) if hasattr(self, "valid") else content)
            assert not alarm.rung, "code was run from data"


@contextmanager
def bounded() -> Iterator[None]:
    """Limits on time and on the memory that is taken; MemoryError and TimeoutError if exceeded."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    before = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def too_slow(_signal: int, _frame: FrameType | None) -> None:
    """The handler of the alarm clock."""
    raise TimeoutError(f"not read within {PATIENCE} s")
