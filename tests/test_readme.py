"""What the README says of results is what the committed tables say."""

import re
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text()


def test_the_table_of_results_is_the_summary() -> None:
    summary = pd.read_csv(REPOSITORY / "results/imdb/summary.csv")
    rows = [line for line in README.splitlines() if re.match(r"\| (pretrained|random)", line)]
    expected = []
    for row in summary.itertuples():
        start = f"pretrained, R = {row.radius:.0f}" if row.init == "pretrained" else "random"
        percent = [
            f"{100 * row.validation_accuracy:.1f} ± {100 * row.validation_sd:.1f}",
            f"{100 * row.lab_validation_accuracy:.1f}",
            f"{100 * row.test_accuracy:.1f} ± {100 * row.test_sd:.1f}",
        ]
        expected.append(" | ".join([f"| {start}", str(row.dim), *percent]) + " |")
    assert rows == expected


def test_the_differences_from_the_lab_are_as_claimed() -> None:
    summary = pd.read_csv(REPOSITORY / "results/imdb/summary.csv")
    assert (summary["difference_points"].abs() < 1.5).all()
    test = summary.groupby(["init", "dim"])["test_accuracy"].max().unstack("init")
    assert (test["pretrained"] < test["random"]).all()


def test_every_path_in_the_readme_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    tree = re.findall(r"^  ?([\w/]+\.(?:py|yaml)|[\w/]+/)\s", README, flags=re.MULTILINE)
    assert links
    assert tree
    for name in links:
        assert (REPOSITORY / name).exists(), name
    for name in tree:
        places = (REPOSITORY / name, REPOSITORY / "src/sgns_study" / name)
        assert any(place.exists() for place in places), name
