"""Where a result comes from: the code that made it, the versions it ran on, the commit."""

import ast
import re
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from platform import python_version

PACKAGE = "sgns_study"
ROOT = Path(__file__).parent
# Modules that read, write, refuse or declare, but compute nothing. Which values are allowed is
# declared in `params`; those in use reach a rule as values.
EDGE = {f"{PACKAGE}.{name}" for name in ("artifacts", "config", "errors", "guards", "params")}
IMPORT = ast.Import | ast.ImportFrom
# A module and the name of its function, class or constant; "" is what it does when imported.
Definition = tuple[str, str]
LIBRARIES = ("numba", "numpy", "pandas", "scipy", "snakemake", "tokenizers", "torch")


@cache
def code_digest(*names: str) -> str:
    """Digest of definitions of this package, such as `pairs.build_pairs`, and of all they reach.

    A rule carries it as a parameter, so that a stage runs again when the code that computes it
    has changed, and only then. A definition reaches the functions, classes and constants that it
    names, in its own module or imported from another. Left out is what cannot change a result:
    comments, docstrings, layout, what a `raise` statement says, functions named `check_...`, which
    return nothing and may only raise, and the modules in EDGE.
    """
    digest = sha256()
    for module, name in sorted(reached(*names)):
        digest.update(f"{module}.{name} {_code(module, name)}\n".encode())
    return digest.hexdigest()[:16]


def data_digest(*names: str) -> str:
    """Digest of files of the package, or of all under its folders that are not code: templates."""
    digest = sha256()
    for name in names:
        for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]:
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def reached(*names: str) -> set[Definition]:
    """The definitions that stand behind names and all that these reach.

    A module's name stands for all that it defines. Raises ValueError for a name that the package
    does not have.
    """
    found: set[Definition] = set()
    targets = [f"{PACKAGE}.{name}" for name in names]
    while targets:
        module, name = _split(targets.pop())
        if module in EDGE or name.startswith("check_"):
            continue
        for end in [name, ""] if name else list(_statements(module)):
            if (module, end) not in found and end in _statements(module):
                found.add((module, end))
                targets.extend(_targets(module, end))
    return found


@cache
def _split(target: str) -> Definition:
    """The longest part of a dotted name that is a module, and the definition after it, if any."""
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        if _path(module):
            name = "".join(parts[end : end + 1])
            if name and name not in _statements(module):
                break
            return module, name
    raise ValueError(f"no definition {target} in {ROOT}")


@cache
def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split(".")[1:])
    paths = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in paths if path.is_file()), None)


@cache
def _statements(module: str) -> dict[str, list[ast.stmt]]:
    """The statements of a module by the names that they bind, those that bind none under ""."""
    path = _path(module)
    assert path
    tree = _Computing().visit(ast.parse(path.read_text(encoding="utf-8")))
    statements: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _bound(statement) or [""]:
            statements.setdefault(name, []).append(statement)
        if "register" in " ".join(map(ast.unparse, getattr(statement, "decorator_list", []))):
            statements.setdefault("", []).append(statement)  # used though nothing names it
    return statements


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, IMPORT):
        return {alias.asname or alias.name for alias in statement.names}
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in stored if isinstance(node.ctx, ast.Store)}


class _Computing(ast.NodeTransformer):
    """Leaves of a module what may change a result."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drop docstrings and calls of checks."""
        called = node.value.func if isinstance(node.value, ast.Call) else node.value
        name = getattr(called, "attr", getattr(called, "id", ""))
        return None if isinstance(called, ast.Constant) or name.startswith("check_") else node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """Drop what is raised."""
        return ast.Raise()


def _imported(statement: ast.stmt) -> dict[str, str]:
    """What a statement imports, in full, by the names that it binds."""
    imported: dict[str, str] = {}
    for node in ast.walk(statement):
        if isinstance(node, IMPORT):
            within = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            imported |= {name.asname or name.name: within + name.name for name in node.names}
    return imported


def _used(statement: ast.stmt) -> set[str]:
    """The names that a statement uses; a chain of attributes of a name is one dotted name."""
    chains = [node for node in ast.walk(statement) if isinstance(node, ast.Attribute | ast.Name)]
    links = {node.value for node in chains if isinstance(node, ast.Attribute)}
    dotted = {ast.unparse(node) for node in chains if node not in links}
    return {name for name in dotted if re.fullmatch(r"[\w.]+", name)}


@cache
def _code(module: str, name: str) -> str:
    """A definition's syntax tree; of an import, only what the name stands for."""
    return " ".join(
        _imported(each)[name] if isinstance(each, IMPORT) else ast.dump(each)
        for each in _statements(module)[name]
    )


@cache
def _targets(module: str, name: str) -> set[str]:
    """The definitions of this package that a definition names, in full."""
    found = set()
    for statement in _statements(module)[name]:
        places = _places(module) | _imported(statement)
        heads = (dotted.partition(".") for dotted in _used(statement))
        found |= {f"{places[head]}.{rest}".rstrip(".") for head, _, rest in heads if head in places}
    return {target for target in found if target.startswith(f"{PACKAGE}.")}


@cache
def _places(module: str) -> dict[str, str]:
    """The names that a module binds, each with where it is defined if that is in this package."""
    places = {name: f"{module}.{name}" for name in _statements(module) if name}
    for statement in chain.from_iterable(_statements(module).values()):
        if isinstance(statement, IMPORT):
            full = _imported(statement).items()
            places |= {name: at for name, at in full if at.startswith(f"{PACKAGE}.")}
    return places


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
