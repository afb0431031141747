"""What the README and docs/results.md say of results is what the committed tables say."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from sgns_study.evaluation.recipes import settings
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures.wording import interval, signed
from sgns_study.report.claims import DIGITS

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text()
RESULTS = (REPOSITORY / "docs/results.md").read_text()
TREE = (REPOSITORY / "docs/tree.md").read_text()


def of_the_lab() -> pd.DataFrame:
    """The rows of the summary that the lab has too."""
    summary = pd.read_csv(REPOSITORY / "results/lab/summary.csv")
    return summary[summary["lab_validation_accuracy"].notna()]


def verdicts(study: str, names: Sequence[str] = ()) -> list[str]:
    """The rows of docs/results.md for the parts of these claims, all unless named."""
    claims = read_tidy(REPOSITORY / "results" / study, "claims")
    claims = claims[claims["effect"].notna()]
    rows = []
    for row in claims[claims["claim"].isin(names or claims["claim"])].to_dict("records"):
        digits = DIGITS[row["unit"]]
        effect = f"{signed(row['effect'], digits)} {row['unit']}"
        ends = interval(row["ci_low"], row["ci_high"], digits)
        part = f"{row['quantity']}, {row['part']}"
        cells = (row["claim"], row["statement"], row["claim_verdict"], part, row["verdict"])
        rows.append("| " + " | ".join(map(str, (*cells, effect, ends, row["n_seeds"]))) + " |")
    return rows


def test_the_tables_of_verdicts_are_those_of_the_studies() -> None:
    """All claims by the IMDB study, then those that the lab's reproduction says more of."""
    rows = [line for line in RESULTS.splitlines() if re.match(r"\| (\d+|[A-F]) \|", line)]
    assert rows == verdicts("imdb") + verdicts("lab", ["7", "14"])


@pytest.mark.parametrize("page", [README, RESULTS], ids=["README", "results"])
def test_the_table_of_kinds_is_that_of_the_runs(page: str) -> None:
    """Mean and standard deviation over seeds of what the README names."""
    runs = read_tidy(REPOSITORY / "results/imdb", "runs")
    runs = runs[runs["documents"].isna()]
    found = re.findall(r"(?m)^\| `(.+?)` \| [^|±]*\| ([\d.]+ ± [\d.]+) \|$", page)
    assert len(found) > 5
    expected, seeds = percent(runs, "test_accuracy"), names_of(runs).value_counts()
    for name, cell in found:
        assert seeds[name] >= 3
        assert expected[name] == cell


def test_the_table_of_averages_is_that_of_the_study() -> None:
    averages = read_tidy(REPOSITORY / "results/imdb", "averages")
    found = re.findall(r"(?m)^\| `(.+?)` \| ([\d.]+ ± [\d.]+) \|$", RESULTS)
    assert len(found) == 4
    expected = percent(averages, "test_accuracy")
    assert found == [(name, expected[name]) for name, _ in found]


def names_of(runs: pd.DataFrame) -> pd.Series:
    return pd.Series([label(row) for row in runs.to_dict("records")], index=runs.index)


def percent(table: pd.DataFrame, column: str) -> pd.Series:
    """Mean and standard deviation over seeds in percent, e.g. `91.7 ± 0.1`, by the run's words."""
    groups = (100 * table[column]).groupby(names_of(table))
    return groups.mean().map("{:.1f}".format) + " ± " + groups.std().map("{:.1f}".format)


def test_the_best_classifiers_are_those_of_their_study() -> None:
    folder = REPOSITORY / "results/best"
    runs, averages = read_tidy(folder, "runs"), read_tidy(folder, "averages")
    cells = [percent(runs, f"{split}_accuracy") for split in ("validation", "test")]
    expected = pd.concat([*cells, percent(averages, "test_accuracy")], axis=1).fillna("")
    rows = [line.split("|")[1:-1] for line in RESULTS.splitlines() if line.count(" ± ") > 1]
    rows = [[cell.strip(" `") for cell in row] for row in rows if row[0].startswith(" `")]
    assert len(rows) == 5
    for name, *found in rows:
        assert found == expected.loc[name].tolist()

    def gain(accuracies: pd.Series, names: pd.Series) -> float:
        means = 100 * accuracies.groupby(names).mean()
        return means[network] - means[twin]

    network, twin = "large frozen word2vec R5 d512", "large random d512"
    _, reached, averaged = expected.loc[network]
    words = f"reaches {reached} %, from a random start {expected.loc[twin].iloc[1]} %"
    assert f"{words}; averaged with two baselines {averaged} %" in " ".join(README.split())
    gains = [gain(table["test_accuracy"], names_of(table)) for table in (runs, averages)]
    assert "adds {:.1f} points to the network, and {:.1f} to the average".format(*gains) in RESULTS


def label(run: dict) -> str:
    """A run in the words of the README, e.g. `conv1d random x0.1 d128`."""
    parts = [run["classifier"], run["init"], run["recipe"]]
    parts += [f"R{run['radius']}"] * (not pd.isna(run["radius"]))
    parts += [f"x{run['scale']:g}"] * (not pd.isna(run["scale"]))
    parts += [f"d{run['dim']}"] * (not pd.isna(run["dim"]))
    return " ".join(part for part in parts if part)


def test_the_table_of_results_is_the_summary() -> None:
    summary = of_the_lab()
    rows = [line for line in RESULTS.splitlines() if re.match(r"\| (pretrained|random)", line)]
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
    summary = of_the_lab()
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
        for line in RESULTS.splitlines()
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
    assert f"reaches {mean['ppmi']:.1f}" in RESULTS


def test_every_path_in_the_readme_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    tree = re.findall(r"^  ?([\w/]+\.(?:py|yaml)|[\w/]+/)\s", TREE, flags=re.MULTILINE)
    assert links
    assert tree
    for name in links:
        assert (REPOSITORY / name).exists(), name
    for name in tree:
        places = (REPOSITORY / name, REPOSITORY / "src/sgns_study" / name)
        assert any(place.exists() for place in places), name


@pytest.mark.parametrize("page", [README, RESULTS], ids=["README", "results"])
def test_the_answer_is_that_of_the_verdicts(page: str) -> None:
    """Effects, intervals and verdicts of these parts, in this order."""
    claims = read_tidy(REPOSITORY / "results/imdb", "claims")
    expected = []
    for claim, part in (("C", 0), ("D", 0), ("A", 0), ("B", 0), ("E", 2), ("1", 0)):
        row = claims[claims["claim"] == claim].iloc[part]
        ends = interval(row["ci_low"], row["ci_high"])
        expected.append(f"{signed(row['effect'])} points ({ends}; {row['verdict']})")
    found = re.findall(r"[+−]?\d+\.\d points \([^()|]*; [a-z, ]+\)", " ".join(page.split()))
    assert found == expected
