"""The size of the house: `python -m tests.test_house` prints it, and it may not grow unseen."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"
LARGEST = {
    "lines of src": 14_669,
    "lines of the Snakefile": 90,
    "lines of rules": 260,
    "words of the README": 1_300,
    "lines of the longest function": 60,
    "lines of the reading path": 2_400,
}


def lines(*paths: Path) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def code() -> list[Path]:
    return sorted((REPOSITORY / "src").rglob("*.py"))


def longest_function() -> int:
    """From `def` to the last line, with the docstring."""
    nodes = (node for path in code() for node in ast.walk(ast.parse(path.read_text())))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    return max(function.end_lineno - function.lineno + 1 for function in functions)


def reading_path() -> list[Path]:
    """The files that the README names for reading, in their order."""
    section = README.read_text().partition("## Read it")[2].partition("\n## ")[0]
    named = re.findall(r"\]\(([\w/]+(?:\.(?:py|yaml))?)\)", section)
    paths = [REPOSITORY / name for name in named]
    return [
        file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])
    ]


def sizes() -> dict[str, int]:
    return {
        "lines of src": lines(*code()),
        "lines of the Snakefile": lines(REPOSITORY / "Snakefile"),
        "lines of rules": lines(*(REPOSITORY / "rules").iterdir()),
        "words of the README": len(README.read_text().split()),
        "lines of the longest function": longest_function(),
        "lines of the reading path": lines(*reading_path()),
    }


@pytest.mark.parametrize("size", LARGEST)
def test_the_house_is_no_larger_than_it_may_be(size: str) -> None:
    assert 0 < sizes()[size] <= LARGEST[size]


def test_the_fixed_top_level_is_there() -> None:
    top = ("Snakefile", "dvc.yaml", "params.yaml", "src", "data", "results", "reports", "tests")
    assert all((REPOSITORY / name).exists() for name in top)
    assert (REPOSITORY / "data/README.md").is_file()


if __name__ == "__main__":
    for size, found in sizes().items():
        print(f"{found:7,} of at most {LARGEST[size]:7,} {size}")
