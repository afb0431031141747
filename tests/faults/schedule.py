"""Which faults there are, how many of each, and in which order they come."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.faults import damage, downloads, kills, mounts, two
from tests.faults.trial import Trial

KINDS: dict[str, tuple[int, Callable[[Trial], None]]] = {
    "a job killed": (28, partial(kills.killed, party="a job")),
    "Snakemake killed": (28, partial(kills.killed, party="Snakemake")),
    "all killed": (28, partial(kills.killed, party="all")),
    "killed again and again": (4, kills.killed_again_and_again),
    "file truncated": (14, partial(damage.harmed, harm="truncated")),
    "file bit-flipped": (18, partial(damage.harmed, harm="bit flipped")),
    "file deleted": (12, partial(damage.harmed, harm="deleted")),
    "file swapped": (8, partial(damage.harmed, harm="swapped")),
    "file made older": (8, partial(damage.harmed, harm="made older")),
    "file made newer": (8, partial(damage.harmed, harm="made newer")),
    "file damaged at rest": (16, damage.damaged_at_rest),
    "disk full": (28, mounts.full_disk),
    "folder read-only": (12, mounts.read_only_mount),
    "folder not writable": (12, mounts.not_writable),
    "two runs at once": (10, two.two_runs),
    "download": (56, downloads.bad_download),
}


@dataclass(frozen=True)
class Fault:
    """A fault of the schedule; where and when it strikes is drawn from its own generator."""

    number: int
    seed: int
    kind: str

    def strike(self, trial: Trial) -> None:
        """Bring the fault about and go on to the finished study."""
        KINDS[self.kind][1](trial)

    def rng(self, attempt: int = 0) -> Random:
        """The generator of an attempt: another one if the fault missed what it was aimed at."""
        return Random(f"{self.seed}/{self.number}/{attempt}")


def schedule(seed: int) -> list[Fault]:
    """All faults, in an order drawn by the seed; the first of each kind come first.

    So that any first part of the schedule has every kind.
    """
    rng = Random(seed)
    first, rest = (
        list(KINDS),
        [kind for kind, (count, _) in KINDS.items() for _ in range(count - 1)],
    )
    rng.shuffle(first)
    rng.shuffle(rest)
    return [Fault(number, seed, kind) for number, kind in enumerate([*first, *rest], start=1)]
