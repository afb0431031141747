"""The report of a study: numbers from its files into the template, and that to HTML and PDF."""

import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pypandoc
import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sgns_study.artifacts import ArtifactError, read_table, write_text, writing
from sgns_study.evaluation.summary import effects, summarise
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures import FIGURES, figure_module
from sgns_study.figures.style import model_label
from sgns_study.figures.wording import (
    counted,
    listed,
    number,
    percent,
    seeds_range,
    signed,
    whole,
)
from sgns_study.params import Study, corpus_sizes
from sgns_study.report import PUBLISHED_LAB_CURVES
from sgns_study.report.markdown import (
    SOURCE_WIDTH,
    Markdown,
    Numbering,
    code,
    escape_markdown,
    markdown,
    pipe_table,
)
from sgns_study.report.records import Provenance, costs, parameters, provenance, written
from sgns_study.splits import split_sizes

HERE = Path(__file__).parent
# Raw HTML and TeX are off: nothing in the text can reach an output format unescaped.
MARKDOWN = "markdown-raw_html-raw_tex-raw_attribute-yaml_metadata_block"
TABLES = ("contrastive", "variants", "gains", "costs", "parameters", "inputs")  # as they stand

WORDS = (code, counted, listed, number, percent, whole, written)  # functions of the template


def render(study: Study, results: Path, figures: Path, out_html: Path, out_pdf: Path) -> None:
    """Write the report of a study as one HTML page and as PDF.

    `results` holds the tidy tables and the records of runs, `figures` the SVG files and captions.
    Raises ArtifactError naming the file that is missing or malformed.
    """
    values = context(study, results, figures)
    text = fill(values)
    titles = {"title": escape_markdown(study.report.title), "subtitle": values["subtitle"]}
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in FIGURES:
            shutil.copy(_figure(figures, name), folder / f"{name}.svg")
        render_html(text, titles, folder, out_html)
        render_pdf(text, titles, folder, out_pdf)


def context(study: Study, results: Path, figures: Path) -> dict[str, Any]:
    """Everything the template names: parameters, numbers in words, tables, figures.

    A string that is not `Markdown` is escaped when it is inserted.
    """
    curves = read_tidy(results, "classifier_curves")
    published = read_table(PUBLISHED_LAB_CURVES) if study.report.compare_with_lab else None
    lab_recipes = [name for name, recipe in study.recipes.items() if recipe.kind == "lab"]
    summary = summarise(curves, published, study.report.lab_tolerance, lab_recipes)
    gains = effects(curves)
    numbering = Numbering(list(FIGURES), TABLES)
    records = provenance(results)
    timings = costs(read_tidy(results, "timings"))
    return {
        "study": study,
        "subtitle": f"Study {study.study}, {seeds_range(summary['n_seeds'])}",
        "sizes": sizes(study),
        "several_recipes": len(study.grid.recipes) > 1,
        "answers": answers(summary, gains, several=len(study.grid.recipes) > 1),
        "seeds": seeds_range(summary["n_seeds"]),
        "runs": completeness(study, results, curves),
        "deviations": deviations(summary) if published is not None else [],
        "compared": int(summary["lab_validation_accuracy"].notna().sum())
        if published is not None
        else 0,
        "records": records,
        "cost": {
            "jobs": int(timings["jobs"].sum()),
            "total": duration(timings["total"].sum()),
            "memory": f"{number(timings['memory'].max(), 0)} MiB",
            "largest": timings["rule"].iloc[0],
        },
        "figures": {name: figure(numbering, figures, name) for name in FIGURES},
        "tables": tables(study, summary, gains, timings, records, numbering),
        "fig": lambda name: numbering.reference("Figure", name),
        "tab": lambda name: numbering.reference("Table", name),
        "caption": lambda name, text: numbering.caption("Table", name, Markdown(text)),
        **{word.__name__: word for word in WORDS},
    }


def fill(values: dict[str, Any]) -> str:
    """The template with its values; raises UndefinedError for a name that has none."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        finalize=_finalize,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    return environment.get_template("template.md").render(values)


def _finalize(value: object) -> object:
    """Escape what is inserted; an undefined name passes, so that printing it raises its error."""
    return value if isinstance(value, StrictUndefined) else markdown(value)


def sizes(study: Study) -> dict[str, int]:
    """Documents of the corpus and of every sample, from the parameters."""
    train, test, unlabelled = corpus_sizes(study.corpus)
    sample, classifier = study.sampling.embedding, study.sampling.classifier
    drawn = split_sizes(sample.documents, sample.validation_fraction)
    found = {
        "train": train,
        "test": test,
        "unlabelled": unlabelled,
        "text": drawn[0],
        "embedding_train": study.pairs.train_documents or drawn[0],
        "embedding_validation": study.pairs.validation_documents or drawn[1],
    }
    if classifier:
        parts = split_sizes(classifier.documents, classifier.validation_fraction)
        found |= {"classifier_train": parts[0], "classifier_validation": parts[1]}
    return found


def answers(summary: pd.DataFrame, gains: pd.DataFrame, several: bool) -> list[dict[str, Any]]:
    """For each dimension: the pretrained variant best in validation against the random start."""
    found = []
    random = summary[summary["init"] == "random"].set_index("dim")
    merged = gains.merge(summary.drop(columns="n_seeds"), on=["init", "recipe", "radius", "dim"])
    for dim, variants in merged[merged["init"] == "pretrained"].groupby("dim"):
        best = variants.loc[variants["validation_accuracy"].idxmax()]
        low, high = best["test_points_low"], best["test_points_high"]
        direction = "above" if low > 0 else "below" if high < 0 else "both sides of"
        found.append(
            {
                "dim": dim,
                "label": model_label(best, several),
                "test": percent(best["test_accuracy"]),
                "random": percent(random.loc[dim, "test_accuracy"]),
                "gain": signed(best["test_points"]),
                "interval": interval(low, high),
                "direction": "" if pd.isna(low) else direction,
                "n_seeds": int(best["n_seeds"]),
                "epoch": number(best["selected_epoch"], 1),
                "random_epoch": number(random.loc[dim, "selected_epoch"], 1),
            }
        )
    return found


def completeness(study: Study, results: Path, curves: pd.DataFrame) -> dict[str, int]:
    """How many models of the grid are in the tables."""
    grid, run = study.grid, ["recipe", "radius", "dim", "seed"]
    cells = len(grid.dims) * len(grid.seeds)
    trained = len(grid.recipes) * len(grid.radii) * cells
    classifiers = sum(trained if init == "pretrained" else cells for init in study.grid.inits)
    embeddings = read_tidy(results, "sgns_curves")[run].drop_duplicates()
    return {
        "embeddings": len(embeddings),
        "embeddings_planned": trained,
        "classifiers": len(curves[["init", *run]].drop_duplicates()),
        "classifiers_planned": classifiers,
    }


def deviations(summary: pd.DataFrame) -> list[dict[str, str]]:
    """The variants whose best validation accuracy differs from the lab's by more than allowed."""
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    return [
        {
            "label": model_label(row, several),
            "ours": percent(row["validation_accuracy"]),
            "lab": percent(row["lab_validation_accuracy"]),
            "points": signed(row["difference_points"]),
        }
        for row in summary[summary["differs"]].to_dict("records")
    ]


def figure(numbering: Numbering, figures: Path, name: str) -> Markdown:
    """A figure with its number, its caption and a text for who cannot see it."""
    path = _figure(figures, name).with_suffix(".md")
    if not path.is_file():
        raise ArtifactError(
            f"{path}: no such file: draw the figure again, its caption goes with it"
        )
    caption = numbering.caption("Figure", name, path.read_text(encoding="utf-8").strip())
    alt = figure_module(name).ALT
    anchor = numbering.anchor("Figure", name)
    return Markdown(f'![{caption}]({name}.svg){{#{anchor} alt="{alt}"}}')


def _figure(figures: Path, name: str) -> Path:
    path = figures / f"{name}.svg"
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: run the figure stage")
    return path


def tables(
    study: Study,
    summary: pd.DataFrame,
    gains: pd.DataFrame,
    timings: pd.DataFrame,
    records: Provenance,
    numbering: Numbering,
) -> dict[str, Markdown]:
    """The tables of the report that are made from data, by name."""

    def table(
        name: str,
        caption: str,
        header: list[str],
        align: str,
        rows: Iterable[list[object]],
        widths: Sequence[int] = (),
    ) -> Markdown:
        text = numbering.caption("Table", name, Markdown(caption))
        return pipe_table(header, rows, align, text, numbering.anchor("Table", name), widths)

    return {
        "variants": table("variants", *variants_table(summary)),
        "gains": table(
            "gains",
            "What pretraining adds to accuracy over the random start of the same dimension, paired "
            "by seed: mean in points with its 95 % t interval.",
            ["variant", "seeds", "best validation", "95 %", "test", "95 %"],
            "lrrlrl",
            gains_rows(gains),
        ),
        "parameters": table(
            "parameters",
            "All parameters of the study.",
            ["key", "value", "meaning"],
            "lll",
            ([code(row.key), row.value, Markdown(row.meaning)] for row in parameters(study)),
            widths=(40, 18, 42),
        ),
        "costs": table(
            "costs",
            "Cost by rule: wall time of its jobs on one thread each, and the largest peak memory.",
            ["rule", "jobs", "total", "median job", "peak memory (MiB)"],
            "lrrrr",
            cost_rows(timings),
        ),
        "inputs": table(
            "inputs",
            "Input files of the runs, with the first 16 digits of their SHA-256. Word vectors are "
            "left out: they are results of runs themselves.",
            ["file", "SHA-256"],
            "ll",
            (
                [code(name), code(", ".join(digest[:16] for digest in digests))]
                for name, digests in records.inputs.items()
                if "/embeddings/" not in name
            ),
        ),
    }


def variants_table(
    summary: pd.DataFrame,
) -> tuple[str, list[str], str, Iterable[list[object]]]:
    """Caption, header, alignment and rows of the table of variants, with the lab's where given."""
    beside_lab = "lab_validation_accuracy" in summary
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    caption = (
        "Accuracy of every variant in percent, mean and standard deviation over seeds: the best "
        "validation accuracy, and the test accuracy at the epoch selected."
    )
    header = ["variant", "seeds", "best validation", "test", "epoch"]
    if beside_lab:
        caption += (
            " Beside it the best validation accuracy that the lab published (one run) and our "
            "difference from it in points; \\* marks more than the tolerance."
        )
        header += ["lab", "difference"]
    rows = []
    for row in summary.to_dict("records"):
        cells: list[object] = [model_label(row, several), row["n_seeds"]]
        for split in ("validation", "test"):
            cells.append(spread(row[f"{split}_accuracy"], row[f"{split}_sd"]))
        cells.append(number(row["selected_epoch"], 1))
        if beside_lab:
            cells.append(number(100 * row["lab_validation_accuracy"], 1))
            cells.append(signed(row["difference_points"]) + "*" * bool(row["differs"]))
        rows.append(cells)
    return caption, header, "l" + "r" * (len(header) - 1), rows


def gains_rows(gains: pd.DataFrame) -> Iterable[list[object]]:
    """Rows of the table of gains."""
    several = gains["recipe"].nunique() > 1
    for row in gains.to_dict("records"):
        cells: list[object] = [model_label(row, several), row["n_seeds"]]
        for points in ("validation_points", "test_points"):
            cells += [signed(row[points]), interval(row[f"{points}_low"], row[f"{points}_high"])]
        yield cells


def cost_rows(timings: pd.DataFrame) -> Iterable[list[object]]:
    """Rows of the table of costs, with a total."""
    for row in timings.to_dict("records"):
        times = [duration(row["total"]), duration(row["median"])]
        yield [code(row["rule"]), row["jobs"], *times, number(row["memory"], 0)]
    total, memory = timings["total"].sum(), timings["memory"].max()
    yield ["all", timings["jobs"].sum(), duration(total), "", number(memory, 0)]


def spread(fraction: float, sd: float) -> str:
    """A mean and its standard deviation in percent, e.g. `83.4 ± 0.2`; the mean alone of one."""
    mean = number(100 * fraction, 1)
    return mean if pd.isna(sd) else f"{mean} ± {number(100 * sd, 1)}"


def interval(low: float, high: float) -> str:
    """An interval in points, a dash if there is none."""
    return number(low) if pd.isna(low) else f"{signed(low)} to {signed(high)}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 1)} {unit}"
    return f"{number(seconds, 1)} s"


def render_html(text: str, titles: dict[str, str], folder: Path, out: Path) -> None:
    """Markdown to one HTML page that holds its figures and style and asks for nothing else.

    `titles` are `title` and `subtitle`, Markdown; `folder` holds the images that the text names.
    """
    page = _pandoc(text, titles, folder, "html", "page.html", "--embed-resources", "--mathml")
    write_text(out, page)


def render_pdf(text: str, titles: dict[str, str], folder: Path, out: Path) -> None:
    """Markdown to PDF by way of Typst, with the fonts that come with it and no clock."""
    main = folder / "report.typ"
    main.write_text(_pandoc(text, titles, folder, "typst", "page.typ"), encoding="utf-8")
    with writing(out) as part:
        typst.compile(
            main,
            output=part,
            root=folder,
            font_paths=[],
            ignore_system_fonts=True,
            format="pdf",
            timestamp=int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()),
        )


def _pandoc(
    text: str, titles: dict[str, str], folder: Path, to: str, template: str, *options: str
) -> str:
    """Convert with citations resolved; any warning of Pandoc's is an error."""
    metadata = folder / "metadata.json"
    metadata.write_text(json.dumps(titles), encoding="utf-8")
    style = (HERE / "style.css").read_text(encoding="utf-8")
    arguments = [
        "--standalone",
        "--citeproc",
        "--fail-if-warnings",
        "--toc",
        f"--columns={SOURCE_WIDTH}",
        f"--bibliography={HERE / 'references.json'}",
        f"--metadata-file={metadata}",
        f"--template={HERE / template}",
        f"--resource-path={folder}",
        f"--variable=style:{style}",
        *options,
    ]
    return pypandoc.convert_text(text, to, format=MARKDOWN, extra_args=arguments)
