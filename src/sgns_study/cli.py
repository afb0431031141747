"""The command line `sgns-study`: one subcommand a rule; each parses, calls and writes.

Stage modules are imported inside their subcommand, so that `--help` and small jobs start at once.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

# Jobs are single-threaded; the libraries read these when they are first imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import click  # noqa: E402
from pydantic import BaseModel, TypeAdapter, ValidationError  # noqa: E402

from sgns_study import params  # noqa: E402

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
Function = TypeVar("Function", bound=Callable[..., Any])


class Settings(click.ParamType):
    """A section of the parameters as JSON, checked against its model."""

    name = "JSON"

    def __init__(self, model: Any) -> None:
        """`model`: the section's pydantic model or a union of models."""
        self.adapter = TypeAdapter(model)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Typed section; fails naming the key, the value and what is allowed."""
        if isinstance(value, BaseModel):
            return value
        try:
            return self.adapter.validate_json(value)
        except ValidationError as error:
            self.fail("; ".join(params.explain(e) for e in error.errors()), param, ctx)


def settings(flag: str, model: Any) -> Callable[[Function], Function]:
    """Option that takes a section of the parameters as JSON."""
    return click.option(
        flag, type=Settings(model), required=True, help="the section of the parameters, as JSON"
    )


def folder(flag: str, text: str) -> Callable[[Function], Function]:
    """Option that names a folder."""
    return click.option(flag, type=FOLDER, required=True, help=text)


def file(flag: str, text: str) -> Callable[[Function], Function]:
    """Option that names a file."""
    return click.option(flag, type=FILE, required=True, help=text)


seed = click.option("--seed", type=SEED, required=True, help="seed of the job")


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="sgns-study")
def cli() -> None:
    """Does pretraining word vectors help a text classifier, and which choices matter?

    One subcommand per rule of the workflow; `snakemake --cores all` calls them in order.
    """


def main() -> None:
    """Run the command line; an expected error is one message, not a traceback."""
    try:
        cli()
    except (ValueError, OSError) as error:
        click.echo(f"sgns-study: error: {error}", err=True)
        sys.exit(1)
