"""A code digest changes if and only if what a stage runs may have changed."""

from pathlib import Path

import pytest

from sgns_study import provenance

MODULES = {
    "__init__.py": "",
    "stage.py": "from sgns_study import params, part\nfrom sgns_study.deep.leaf import f\n",
    "part.py": '"""About."""\nX = 1\n',
    "params.py": "ALLOWED = 1\n",
    "other.py": "Y = 1\n",
    "deep/__init__.py": "",
    "deep/leaf.py": "def f():\n    return 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def digest() -> str:
    provenance.code_digest.cache_clear()
    return provenance.code_digest("stage")


def test_imports_are_followed(package: Path) -> None:
    modules = provenance.imported_modules("stage")
    expected = {"", ".deep", ".deep.leaf", ".part", ".stage"}
    assert modules == {f"sgns_study{name}" for name in expected}


@pytest.mark.parametrize("name", ["stage.py", "part.py", "deep/leaf.py", "deep/__init__.py"])
def test_code_that_runs_changes_the_digest(package: Path, name: str) -> None:
    before = digest()
    path = package / name
    path.write_text(path.read_text() + "\nZ = 2\n")
    assert digest() != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other.py", "Y = 2\n"),
        ("params.py", "ALLOWED = 2\n"),
        ("part.py", '"""Another text."""\n\n\nX = 1  # why\n'),
        ("deep/leaf.py", 'def f():\n    """Return one."""\n    return (\n        1\n    )\n'),
    ],
)
def test_comments_layout_and_other_modules_do_not(package: Path, name: str, text: str) -> None:
    before = digest()
    (package / name).write_text(text)
    assert digest() == before


def test_params_have_a_digest_of_their_own(package: Path) -> None:
    assert provenance.imported_modules("params") == {"sgns_study", "sgns_study.params"}


def test_a_module_that_is_not_there(package: Path) -> None:
    with pytest.raises(ValueError, match=r"no module sgns_study\.none"):
        provenance.imported_modules("none")
