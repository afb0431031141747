"""The figures of the report, one module a figure, each drawn from the tidy tables alone.

A figure's module has `draw(*tables)` and `caption(*tables)`: the numbers of its caption, whose
sentences are in `captions/<figure>.md`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sgns_study import plan
from sgns_study.artifacts import write_text
from sgns_study.evaluation.recipes import of_amounts, recipes_table, variants
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures import wording
from sgns_study.params import CONV1D, Study

# Each figure and the tidy tables that `draw` and `caption` take, in the order of the report.
FIGURES = {
    "claims": ("claims",),
    "classifier_validation": ("classifier_curves",),
    "classifier_training": ("classifier_curves",),
    "convergence": ("convergence",),
    "radius_and_dim": ("classifier_curves",),
    "sgns_curves": ("recipes", "sgns_curves"),
    "scarcity": ("runs",),
    "tweaks": ("recipes", "vectors", "sgns_curves"),
    "noise": ("noise",),
    "similarity": ("recipes", "vectors"),
    "amount_of_text": ("amounts", "vectors"),
    "controls": ("runs",),
    "scale": ("runs",),
    "baselines": ("runs",),
    "map": ("recipes", "map"),
}
MAPPED = 4  # fewer words make no map
CAPTIONS = Path(__file__).parent / "captions"


def figures_of(study: Study) -> dict[str, tuple[str, ...]]:
    """The figures that a study has, with their tables, in the order of the report."""
    kinds = {study.recipes[name].kind for name in plan.recipes(study)}
    classifiers, trains = plan.variants(study), bool(study.grid.inits)
    has = {  # all others are in every study
        "classifier_validation": trains,
        "classifier_training": trains,
        "convergence": trains,
        "radius_and_dim": trains and len(study.grid.radii + study.grid.dims) > 2,
        "sgns_curves": bool(kinds & {"lab", "word2vec"}),  # the others have no epochs
        "scarcity": any(variant.documents for variant in classifiers),
        "tweaks": scored(study) and not variants(recipes_table(study)).empty,
        "noise": "word2vec" in kinds,
        "similarity": scored(study),
        "amount_of_text": study.evaluation.public_sets and bool(of_amounts(study)),
        "controls": len({variant.init for variant in classifiers if is_plain(variant)}) > 2,
        "scale": any(one.scale and is_plain(one._replace(scale=None)) for one in classifiers),
        "baselines": bool(plan.baselines(study)),
        "map": "word2vec" in kinds and words_shown(study) >= MAPPED,
    }
    return {name: tables for name, tables in FIGURES.items() if has.get(name, True)}


def tables_of(study: Study) -> list[str]:
    """The tidy tables that the figures and the report of a study read, but for the timings."""
    plain = [is_plain(variant) for variant in plan.variants(study)]
    has = {
        "neighbours": words_shown(study) > 0,
        "runs": bool(plain),
        "averages": any(variant.documents is None for variant in plan.variants(study))
        and any(baseline.kind in plan.ON_TEXT for baseline in plan.baselines(study)),
        "classifier_curves": any(plain),
        "experiment_curves": not all(plain),
    }
    drawn = {table for tables in figures_of(study).values() for table in tables}
    return sorted(drawn | {"recipes", "comparisons"} | {name for name in has if has[name]})


def is_plain(variant: plan.Variant) -> bool:
    """Whether it is the study's classifier on all documents, its embedding not rescaled."""
    return (variant.scale, variant.documents, variant.classifier) == (None, None, CONV1D)


def scored(study: Study) -> bool:
    """Whether there is anything to score the vectors on."""
    return study.evaluation.public_sets or study.corpus.kind == "planted"


def words_shown(study: Study) -> int:
    """The number of probe words; the planted corpus has some of its own."""
    named = sum(len(words) for words in study.evaluation.words.values())  # `map` is a figure here
    return MAPPED if not named and study.corpus.kind == "planted" else named


def figure_module(name: str) -> ModuleType:
    """The module of a figure; raises ValueError with the known names if there is none.

    It is imported only now because matplotlib takes long to load and the Snakefile, which reads
    this package before every job, draws nothing.
    """
    if name not in FIGURES:
        raise ValueError(f"figure {name!r} is not known; there are: {', '.join(FIGURES)}")
    return import_module(f"sgns_study.figures.{name}")


def caption_of(name: str, tables: Sequence[pd.DataFrame]) -> str:
    """A figure's caption on one line: the numbers of its module in the sentences of its template.

    `tables` are those that FIGURES names; the sentences may call all functions of `wording`.
    """
    environment = Environment(loader=FileSystemLoader(CAPTIONS), undefined=StrictUndefined)
    environment.globals |= vars(wording)
    values = figure_module(name).caption(*tables)
    return " ".join(environment.get_template(f"{name}.md").render(values).split())


def draw_figure(name: str, results_folder: Path, out: Path) -> None:
    """Draw a figure from the tables in `results_folder`: SVG to `out`, its caption beside as `.md`.

    The same tables give the same bytes. Raises ArtifactError if a table is missing or malformed.
    """
    from sgns_study.figures.plotting import published, save_svg

    module = figure_module(name)
    tables = [read_tidy(results_folder, table) for table in FIGURES[name]]
    with published():
        save_svg(module.draw(*tables), out)
    write_text(out.with_suffix(".md"), caption_of(name, tables) + "\n")
