"""The command line with one source more, made up, that has no address but the one given to it.

`python -m tests.faults.made_up download made-up.bin --folder data/raw`; MADE_UP_ADDRESS is its
public address, and waits are short, so that hundreds of downloads can go wrong in a few minutes.
"""

import os
from hashlib import sha256
from random import Random

from sgns_study import cli
from sgns_study.corpora import sources

FILE = "made-up.bin"
CONTENT = Random(1).randbytes(300_000)


def main() -> None:
    checksum = f"sha256:{sha256(CONTENT).hexdigest()}"
    copy = sources.Copy(FILE, len(CONTENT), checksum, os.environ.get("MADE_UP_ADDRESS"))
    sources.SOURCES["made_up"] = sources.Source(FILE, (copy,))
    sources.ANSWER, sources.STALL = 2, 3
    cli.main()


if __name__ == "__main__":
    main()
