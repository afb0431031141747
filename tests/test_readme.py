"""What the README says of results is what the committed tables say."""

import re
from pathlib import Path

import pandas as pd

from sgns_study.evaluation.recipes import settings
from sgns_study.evaluation.tables import read_tidy

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


def test_the_table_of_tweaks_is_that_of_the_study() -> None:
    folder = REPOSITORY / "results/tweaks"
    scores = read_tidy(folder, "vectors")
    scores = scores[scores["dataset"].isin(["EN-MEN-TR-3k", "EN-WS-353-ALL", "EN-SIMLEX-999"])]
    assert (scores.groupby("recipe")["value"].size() == 3 * 3).all()  # sets, seeds
    mean = 100 * scores.groupby("recipe")["value"].mean()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in README.splitlines()
        if re.match(r"\| (negatives K|noise α|window|subsampling t|min_count) ", line)
    ]
    tried = settings(read_tidy(folder, "recipes"))
    assert len(rows) == tried["key"].nunique()
    for row, (key, part) in zip(rows, tried.groupby("key", sort=False)):
        for parent, cell in (("full", row[2]), ("bare", row[3])):
            around = part[part["parent"] == parent]
            values = row[1].replace("off", "0").split(", ")
            if key == "window":
                assert values == around["value"].tolist()
            else:
                assert [*map(float, values)] == [*map(float, around["value"])]
            assert cell == ", ".join(f"{mean[recipe]:.1f}" for recipe in around["recipe"])
    assert f"reaches {mean['ppmi']:.1f}" in README


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
