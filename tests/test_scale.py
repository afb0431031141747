"""The page on scale says what its program computes."""

import subprocess
import sys

from tests.conftest import REPOSITORY


def test_the_tables_of_the_page_are_those_of_the_program() -> None:
    program = [sys.executable, REPOSITORY / "benchmarks/scale.py"]
    printed = subprocess.check_output(program, text=True)
    page = (REPOSITORY / "docs/scale.md").read_text()
    assert all(table.strip() in page for table in printed.split("\n\n"))
