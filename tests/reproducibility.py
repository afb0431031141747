"""A study under other processors: its own commands, each time with other instruction sets.

    python -m tests.reproducibility [--study tests/tiny.yaml] [ENVIRONMENT...]

prints, for each environment, which stages give the bits of this processor, and how far the others
are from them. What a library computes with is chosen by its environment variables: so one machine
stands for older ones.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from tests.conftest import REPOSITORY, Workspace
from tests.programs import ONE_THREAD

KERNELS = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}  # SSE2, nothing later
TORCH = {"ATEN_CPU_CAPABILITY": "default"}
NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL"}
MKL = {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}  # torch's matrix products
OPENBLAS = {"OPENBLAS_CORETYPE": "Prescott"}  # NumPy's and SciPy's; of 2004: SSE3
LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4"}  # exp and log of C
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "native": {},
    "again": {},
    "kernels": KERNELS,
    "torch": TORCH,
    "numpy": NUMPY,
    "mkl": MKL,
    "openblas": OPENBLAS,
    "libm": LIBM,
    "oldest": KERNELS | TORCH | NUMPY | MKL | OPENBLAS | LIBM,
    "avx2": {  # a processor of 2013 to 2017: docs/reproducibility.md
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
        "ATEN_CPU_CAPABILITY": "avx2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
CHOOSING = ("NUMBA_CPU", "ATEN_", "NPY_", "MKL_", "OPENBLAS_", "GLIBC_TUNABLES")
STAGES = {  # the first pattern that fits a file's path
    "map": r"map\.",
    "tokens, samples, text": r"(tokens|samples|text)/",
    "pairs": r"pairs/",
    "lab vectors": r"embeddings/lab.*vectors",
    "lab curves": r"embeddings/lab.*curves",
    "word2vec vectors": r"embeddings/(word2vec|one_negative).*vectors",
    "word2vec curves": r"embeddings/(word2vec|one_negative).*curves",
    "PPMI vectors": r"embeddings/ppmi.*vectors",
    "scores, neighbours": r"vectors/.*/(scores|neighbours)",
    "classifier curves": r"classifiers/.*curves",
    "classifier predictions": r"classifiers/.*predictions",
    "baselines": r"baselines/",
    "tables": r"[^/]*\.(csv|npy|json)$",
    "figures": r"figures/",
}


def study_commands(study: Workspace, *options: str) -> list[list[str]]:
    """The commands of a study in the order of a run, but for those that tell the time.

    They read the parameter file itself, since only a run writes what its jobs read.
    """
    said = study.run("--dry-run", "--forceall", "--printshellcmds", "--cores", "1", *options)
    found = re.findall(r"(sgns-study .*) 2> ", said.stdout)
    assert found, said.stdout + said.stderr
    parameters = str(study.folder / study.parameters)
    found = [re.sub(r"--study \S+/study.json", f"--study {parameters}", line) for line in found]
    words = [shlex.split(command) for command in found]
    return [line for line in words if line[1] not in ("download", "timings", "report")]


def carry_out(folder: Path, commands: list[list[str]]) -> None:
    """Run commands in a folder, all in this process."""
    from sgns_study.cli import cli

    with contextlib.chdir(folder):
        for _, *arguments in commands:
            cli.main(arguments, standalone_mode=False)


def start(
    folder: Path, commands: list[list[str]], variables: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Run commands in a new folder, in a process with these choices and no others."""
    folder.mkdir(parents=True)
    (folder / "commands.json").write_text(json.dumps(commands))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(CHOOSING)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reproducibility", "--carry-out", str(folder)],
        cwd=REPOSITORY,
        env=inherited | ONE_THREAD | variables,
    )


def differences(first: Path, second: Path) -> pd.DataFrame:
    """One row a stage, over the files of the first of two folders.

    How many files, how many of them with the same bytes, and the largest difference of a number in
    the others; NaN if anything but a number differs.
    """
    rows = []
    for path in first.rglob("*"):
        name = str(path.relative_to(first))
        stage = next((stage for stage, form in STAGES.items() if re.search(form, name)), None)
        others = path.name in ("run.json", "commands.json") or ".sha256" in path.parts
        if stage and path.is_file() and not others:
            same = path.read_bytes() == (second / name).read_bytes()
            rows.append((stage, same, 0.0 if same else distance(path, second / name)))
    found = pd.DataFrame(rows, columns=["stage", "same", "difference"]).groupby("stage")
    return pd.DataFrame(
        {
            "files": found.same.size(),
            "same": found.same.sum(),
            "difference": found.difference.max(skipna=False),
        }
    ).reindex(STAGES)


def distance(first: Path, second: Path) -> float:
    """Largest difference of a number in two files; NaN if anything else differs."""
    one, other = columns(first), columns(second)
    if [*one] != [*other] or any(one[name].shape != other[name].shape for name in one):
        return np.nan
    far = [0.0]
    for name, column in one.items():
        if column.dtype.kind == "U":
            far.append(0.0 if (column == other[name]).all() else np.nan)
        else:
            same = (column == other[name]) | (np.isnan(column) & np.isnan(other[name]))
            far.extend(np.abs(column[~same] - other[name][~same]))
    return float(np.max(far))


def columns(path: Path) -> dict[str, np.ndarray]:
    """The numbers and words of a file, by column or array; a text's are all in a row."""
    if path.suffix == ".safetensors":
        return {name: array.astype(float) for name, array in load_file(path).items()}
    if path.suffix == ".npy":
        return {"": np.load(path).astype(float)}
    if path.suffix == ".csv":
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
        numbers = {name for name in table if table[name].dtype.kind in "if"}
        return {
            name: table[name].to_numpy(float) if name in numbers else table[name].to_numpy(str)
            for name in table
        }
    text = re.sub(r"\b[a-z][0-9a-f]{10}\b", "id", path.read_text())  # digests of what is drawn
    number = r"-?\d+(?:\.\d+)?"
    return {
        "words": np.array(re.split(number, text)),
        "numbers": np.array(re.findall(number, text), float),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--carry-out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--study", type=Path, default=REPOSITORY / "tests/tiny.yaml")
    parser.add_argument("environments", nargs="*", default=[*ENVIRONMENTS][1:])
    options = parser.parse_args()
    if options.carry_out:
        commands = json.loads((options.carry_out / "commands.json").read_text())
        carry_out(options.carry_out, commands)
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan").mkdir()
        study = Workspace(Path(folder) / "plan")
        study.parameters = str(options.study.resolve())
        commands = study_commands(study)
        for name in ("native", *options.environments):
            shutil.rmtree(Path(folder) / name, ignore_errors=True)
            assert start(Path(folder) / name, commands, ENVIRONMENTS[name]).wait() == 0
            found = differences(Path(folder) / "native", Path(folder) / name)
            print(f"\n{name}: {ENVIRONMENTS[name]}\n{found.to_string()}", flush=True)


if __name__ == "__main__":
    main()
