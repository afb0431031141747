"""Where a result comes from: the code that made it, the versions it ran on, the commit."""

import ast
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from platform import python_version

PACKAGE = "sgns_study"
DECLARATIONS = f"{PACKAGE}.params"
ROOT = Path(__file__).parent
LIBRARIES = ("numba", "numpy", "pandas", "scipy", "snakemake", "tokenizers", "torch")


@cache
def code_digest(module: str) -> str:
    """Digest of a module of this package and of all it imports from the package.

    Taken over the parsed code without comments, docstrings and layout: it changes if and only
    if what the module does may change. A rule carries it as a parameter, so that a stage runs
    again when its own code changed, and only then. `params` is left out where it is imported: it
    says which values are allowed, and those in use reach a rule as values.
    """
    parts = [f"{name} {_parsed(name)}" for name in sorted(imported_modules(module))]
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def data_digest(package: str) -> str:
    """Digest of the files of a package that are not code, such as the report's template."""
    files = sorted(path for path in (ROOT / package).iterdir() if path.is_file())
    digest = sha256()
    for path in files:
        if path.suffix != ".py":
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def imported_modules(module: str) -> set[str]:
    """The module, the packages it lies in, and what they import of this package but `params`."""
    found: set[str] = set()
    open_ends = [f"{PACKAGE}.{module}"]
    while open_ends:
        name = open_ends.pop()
        if name not in found and (name != DECLARATIONS or not found):
            found.add(name)
            open_ends.extend(_imports(name))
            if "." in name:
                open_ends.append(name.rpartition(".")[0])
    return found


def _path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split(".")[1:])
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _tree(name: str) -> ast.Module:
    path = _path(name)
    if path is None:
        raise ValueError(f"no module {name} in {ROOT}")
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(name: str) -> set[str]:
    targets: set[str] = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            targets.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            targets.add(node.module)
            targets.update(f"{node.module}.{alias.name}" for alias in node.names)
    inside = {target for target in targets if target.split(".")[0] == PACKAGE}
    return {target for target in inside if _path(target) is not None}


def _parsed(name: str) -> str:
    tree = _tree(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries whose code decides the numbers."""
    return {"python": python_version()} | {name: version(name) for name in LIBRARIES}


@cache
def commit() -> str:
    """Commit of the source tree, with `-dirty` if files differ from it; empty outside git."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip()
