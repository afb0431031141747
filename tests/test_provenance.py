"""A code digest changes if and only if what a stage computes may have changed."""

from pathlib import Path

import pytest

from sgns_study import provenance

MODULES = {
    "__init__.py": "",
    "stage.py": """\
import math
from sgns_study import artifacts, deep, part
from sgns_study.deep.leaf import f as g
from sgns_study.params import Settings

BOUND = 9
LEAST = 2


def run(x: Settings) -> int:
    check_range(x)
    return Model(x).step() + part.half(LEAST)


class Model:
    def __init__(self, x):
        if x == 0:
            raise ValueError("no such number")
        self.x = x

    def step(self):
        from sgns_study.late import h

        return g(self.x) + h(1)


def check_range(x):
    if x > BOUND:
        raise ValueError(f"{x} is above {BOUND}")


def save(path, x):
    artifacts.write(path, x)
""",
    "part.py": '"""About."""\nHALF = 0.5\nOTHER = 1\n\n\ndef half(x):\n    return HALF * x\n',
    "late.py": "from sgns_study.part import OTHER\n\n\ndef h(x):\n    return OTHER + x\n",
    "artifacts.py": "def write(path, x):\n    return 1\n",
    "params.py": "class Settings:\n    allowed = 1\n",
    "unused.py": "Y = 1\n",
    "deep/__init__.py": "",
    "deep/leaf.py": "import os\n\nos.environ['A'] = '1'\n\n\ndef f(x):\n    return x\n\n\n"
    "@os.register_at_fork\ndef at_fork():\n    print(7)\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def forget() -> None:
    clear()


def clear() -> None:
    for function in vars(provenance).values():
        getattr(function, "cache_clear", lambda: None)()


def digest(name: str = "stage.run") -> str:
    clear()
    return provenance.code_digest(name)


def edit(package: Path, name: str, old: str, new: str) -> None:
    text = (package / name).read_text()
    assert text.count(old) == 1
    (package / name).write_text(text.replace(old, new))


def test_names_are_followed_into_other_modules(package: Path) -> None:
    found = {f"{module}.{name}" for module, name in provenance.reached("stage.run")}
    assert found == {
        f"sgns_study.{name}"
        for name in (
            *("stage.run", "stage.Model", "stage.LEAST", "part.half", "part.HALF", "part.OTHER"),
            *("late.h", "deep.leaf.f", "deep.leaf.os"),
            "deep.leaf.",  # what the module does when it is imported
        )
    }


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage.py", "LEAST = 2", "LEAST = 3"),
        ("stage.py", "self.x = x", "self.x = -x"),
        ("stage.py", "if x == 0:", "if x == 1:"),
        ("part.py", "HALF = 0.5", "HALF = 0.25"),
        ("part.py", "OTHER = 1", "OTHER = 2"),
        ("late.py", "OTHER + x", "OTHER - x"),
        ("deep/leaf.py", "return x", "return 2 * x"),
        ("deep/leaf.py", "'1'", "'2'"),
        ("deep/leaf.py", "print(7)", "print(8)"),  # registered, so that nothing has to name it
    ],
)
def test_what_computes_changes_the_digest(package: Path, name: str, old: str, new: str) -> None:
    before = digest()
    edit(package, name, old, new)
    assert digest() != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage.py", "no such number", "zero is not a number of steps"),
        ("stage.py", "BOUND = 9", "BOUND = 10"),
        ("stage.py", "is above", "is greater than"),
        ("stage.py", "    check_range(x)\n", ""),
        ("stage.py", "artifacts.write(path, x)", "artifacts.write(path, x + 1)"),
        ("stage.py", "import artifacts, deep, part", "import artifacts, part"),
        ("artifacts.py", "return 1", "return 2"),
        ("params.py", "allowed = 1", "allowed = 2"),
        ("unused.py", "Y = 1", "Y = 2"),
        ("part.py", '"""About."""\n', '"""Another text."""\n\n\nW = 1  # why\n'),
        (
            "deep/leaf.py",
            "def f(x):\n    return x",
            'def f(x):\n    """x."""\n    return (\n        x\n    )',
        ),
    ],
)
def test_what_only_reads_writes_checks_or_words_does_not(
    package: Path, name: str, old: str, new: str
) -> None:
    before = digest()
    edit(package, name, old, new)
    assert digest() == before


def test_a_module_stands_for_all_that_it_defines(package: Path) -> None:
    before = digest("part")
    edit(package, "part.py", "OTHER = 1", "OTHER = 2")
    assert digest("part") != before


def test_a_module_used_as_a_value_counts_whole(package: Path) -> None:
    edit(package, "stage.py", "part.half(LEAST)", "[part][0].half(LEAST)")
    before = digest()
    edit(package, "part.py", "OTHER = 1", "OTHER = 1\n\n\ndef third(x):\n    return x / 3")
    assert digest() != before


@pytest.mark.parametrize("name", ["none", "stage.none", "deep.none.f"])
def test_a_definition_that_is_not_there(package: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"no definition sgns_study\.{name}"):
        provenance.reached(name)
