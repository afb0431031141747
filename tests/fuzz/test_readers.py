"""Every reader takes any file or refuses it with one clear message: a few, and all that failed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz import MEMORY_FOLDER
from tests.fuzz.bench import Bench
from tests.fuzz.campaign import CASES, HERE, folder_of
from tests.fuzz.targets import TARGETS

EXAMPLES = 50


@pytest.fixture(scope="module", params=TARGETS, ids=[target.name for target in TARGETS])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with TemporaryDirectory(prefix="fuzz-", dir=MEMORY_FOLDER) as folder:
        yield Bench(request.param, Path(folder))


def test_new_files(bench: Bench) -> None:
    """The same ones in every run, so that a failure has its cause in a change."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(bench.inputs())
    def tried(replaced: tuple[str, bytes]) -> None:
        bench.run(replaced)

    tried()


def test_files_that_failed(bench: Bench) -> None:
    for case in sorted(CASES.glob(f"{folder_of(bench.target.name)}/*")):
        for path in (path for path in case.rglob("*") if path.is_file()):
            bench.run((str(path.relative_to(case)), path.read_bytes()))


def test_the_documentation_says_what_the_campaign_found() -> None:
    table = pd.read_csv(HERE / "campaign.csv")
    assert set(table["reader"]) == {target.name for target in TARGETS}
    total, refused, accepted = table[["inputs", "refused", "accepted"]].sum()
    assert total >= 100_000
    text = " ".join((HERE.parents[1] / "docs/hostile-files.md").read_text().split())
    assert f"{total:,} inputs to {len(table)} readers" in text
    assert f"{refused:,} were refused, {accepted:,} taken" in text
    assert f"{table['failures'].sum()} failed" in text.replace("none failed", "0 failed")


def test_cases_belong_to_readers() -> None:
    assert {case.name for case in CASES.iterdir()} <= {folder_of(target.name) for target in TARGETS}
