"""The report of a study: numbers from its files into the template, and that to HTML and PDF."""

import base64
import json
import shutil
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pypandoc
import typst
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sgns_study import plan
from sgns_study.artifacts import ArtifactError, intact, write_text, writing
from sgns_study.corpora.registry import class_names, corpus_sizes
from sgns_study.corpora.table import inspect
from sgns_study.errors import brief, reason
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures import figure_module, figures_of
from sgns_study.figures.wording import counted, listed, number, percent, setting_value, whole
from sgns_study.params import Corpus, Study, TableCorpus
from sgns_study.report.checklist import checklist, reads
from sgns_study.report.claims import claims_values
from sgns_study.report.classifiers import classifier_values
from sgns_study.report.markdown import (
    SOURCE_WIDTH,
    Markdown,
    Numbering,
    Table,
    code,
    escape_markdown,
    markdown,
    pipe_table,
    source_note,
)
from sgns_study.report.records import Provenance, costs, duration, parameters, provenance, written
from sgns_study.report.vectors import vector_values
from sgns_study.splits import split_sizes

HERE = Path(__file__).parent
# Raw HTML and TeX are off: nothing in the text can reach an output format unescaped.
MARKDOWN = "markdown-raw_html-raw_tex-raw_attribute-yaml_metadata_block"

SHOWN = 20  # classes that are listed
LONGEST_CAPTION = 10_000  # characters
WORDS = (
    code,
    counted,
    listed,
    number,
    percent,
    setting_value,
    whole,
    written,
)  # functions of the template


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
        for name in figures_of(study):
            shutil.copy(_figure(figures, name), folder / f"{name}.svg")
        try:
            render_html(text, titles, folder, out_html)
            render_pdf(text, titles, folder, out_pdf)
        except RuntimeError as error:  # of Pandoc or of Typst
            raise ArtifactError(
                f"{figures}: no report can be made of these figures and the tables of {results} "
                f"({brief(str(error))}): delete the figures and run again"
            ) from error


def context(study: Study, results: Path, figures: Path) -> dict[str, Any]:
    """Everything the template names: parameters, numbers in words, tables, figures.

    A string that is not `Markdown` is escaped when it is inserted. `classifiers` is None for a
    study that trains none, `table` for a corpus that is none of the user's own.
    """
    vectors, made = vector_values(study, results)
    classifiers, of_classifiers = (
        classifier_values(study, results) if study.grid.inits else (None, {})
    )
    records = provenance(results)
    timings = costs(read_tidy(results, "timings"))
    claims, of_claims = claims_values(study, results)
    ending = appendix(study, timings, records)
    made |= of_claims | of_classifiers | ending
    drawn = figures_of(study)
    present = {*made, "contrastive", "checklist"}  # one stands in the template, one comes below
    order = tables_in_order(claims["sections"], ending)
    numbering = Numbering(list(drawn), [name for name in order if name in present])
    found = {"sets of word vectors": (vectors["found"], vectors["planned"])}
    if classifiers:
        found["classifiers"] = (classifiers["found"], classifiers["planned"])
    refer = partial(numbering.reference, "Table")
    made["checklist"] = checklist(study, results, records, timings, found, refer)
    folder = f"results/{study.study}"
    seeds = classifiers["seeds"] if classifiers else vectors["seeds"]
    kinds = sorted({study.recipes[name].kind for name in plan.recipes(study)})
    return {
        "study": study,
        "subtitle": f"Study {study.study}, {seeds}",
        "sizes": sizes(study),
        "reads": reads(study.sampling.embedding),
        "shortened": [code(name) for name in shortened(study)],
        "large": study.large_classifier if any(v.large for v in plan.variants(study)) else None,
        "classes": class_names(study.corpus),
        "table": own_text(study.corpus),
        "kinds": kinds,
        "equations": equations(kinds),
        "seeds": seeds,
        "claims": claims,
        "vectors": vectors,
        "classifiers": classifiers,
        "records": records,
        "cost": {
            "jobs": int(timings["jobs"].sum()),
            "total": duration(timings["total"].sum()),
            "memory": f"{number(timings['memory'].max(), 0)} MiB",
            "largest": timings["rule"].iloc[0],
        },
        "figures": {name: figure(numbering, figures, name, drawn[name], folder) for name in drawn},
        "tables": {name: numbered(numbering, name, table, folder) for name, table in made.items()},
        "fig": partial(numbering.reference, "Figure"),
        "tab": refer,
        "caption": lambda name, text: numbering.caption("Table", name, Markdown(text)),
        **{word.__name__: word for word in WORDS},
    }


# Tables that stand with a claim, after its own.
WITH_CLAIM = {
    "1": ("variants", "gains"),
    "9": ("ablation",),
    "11": ("noise",),
    "13": ("scores", "sets"),
}


def tables_in_order(claims: Iterable[str], ending: Iterable[str]) -> list[str]:
    """Names of the tables that a report can have, as they follow each other in the template."""
    of_claims = [name for c in claims for name in (f"claim_{c}", *WITH_CLAIM.get(c, ()))]
    behind = ["tests", "baselines", "neighbours", "checklist"]
    return ["verdicts", "contrastive", *of_claims, *behind, *ending]


def equations(kinds: Collection[str]) -> dict[str, Markdown]:
    """Numbers of the equations that only some recipes need, after the seven that all studies have.

    They stand in this order.
    """
    needed = {
        "word2vec": "word2vec" in kinds,
        "noise": "word2vec" in kinds,
        "subsampling": bool({"word2vec", "ppmi"} & set(kinds)),
        "ppmi": "ppmi" in kinds,
        "svd": "ppmi" in kinds,
    }
    names = [name for name, is_needed in needed.items() if is_needed]
    return {name: Markdown(f"({place})") for place, name in enumerate(names, 8)}


def numbered(numbering: Numbering, name: str, table: Table, folder: str) -> Markdown:
    """A table as Markdown, with its number, its source and the identifier for references."""
    source = source_note(folder, table.source)
    caption = numbering.caption("Table", name, table.caption, source)
    anchor = numbering.anchor("Table", name)
    return pipe_table(
        table.header, table.rows, table.align, caption, anchor, table.widths, table.foot
    )


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
    """Documents of the corpus and of every sample, from the parameters and the corpus."""
    corpus = corpus_sizes(study.corpus)
    sample, classifier = study.sampling.embedding, study.sampling.classifier
    pool = corpus.pool(sample.unlabelled, sample.test)
    drawn = split_sizes(sample.documents or pool, sample.validation_fraction)
    text = drawn[0]
    if sample.further:
        left = corpus.pool(sample.further.unlabelled, sample.further.test) - sum(drawn)
        text += left if sample.further.documents is None else sample.further.documents
    found = {
        "train": corpus.train,
        "test": corpus.test,
        "unlabelled": corpus.unlabelled,
        "text": text,
        "embedding_train": study.pairs.train_documents or drawn[0],
        "embedding_validation": study.pairs.validation_documents or drawn[1],
    }
    if classifier:
        documents = classifier.documents or corpus.train
        parts = split_sizes(documents, classifier.validation_fraction)
        found |= {"classifier_train": parts[0], "classifier_validation": parts[1]}
    return found


def shortened(study: Study) -> list[str]:
    """The recipes that read fewer documents than there are."""
    return [
        name
        for name in plan.recipes(study)
        if getattr(study.recipes[name], "documents", None) is not None
    ]


def own_text(corpus: Corpus) -> dict[str, Any] | None:
    """What the template says of a table of the user's own; None if the corpus is another."""
    if not isinstance(corpus, TableCorpus):
        return None
    contents = inspect(corpus)
    per_class = list(zip(contents.classes, *contents.class_sizes.values(), strict=True))
    reasons = contents.bad_rows_by_reason.items()
    return {
        "classes": [f"{name} ({train} and {test})" for name, train, test in per_class[:SHOWN]],
        "more_classes": len(per_class[SHOWN:]),
        "left_out": len(contents.bad_rows),
        "reasons": [f"{n} × {reason}" for reason, n in reasons],
        "repeated": contents.repeated,
    }


def figure(
    numbering: Numbering, figures: Path, name: str, tables: Iterable[str], folder: str
) -> Markdown:
    """A figure with its number, its caption, the tables it shows and a text for who cannot see."""
    path = _figure(figures, name).with_suffix(".md")
    source = source_note(folder, tables, drawn=True)
    try:
        with intact(path).open(encoding="utf-8") as file:
            text = file.read(LONGEST_CAPTION).strip()
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: no such file: draw the figure again, its caption goes with it"
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise ArtifactError(
            f"{path}: no caption ({reason(error)}): draw the figure again"
        ) from None
    caption = numbering.caption("Figure", name, text, source)
    alt = figure_module(name).ALT
    anchor = numbering.anchor("Figure", name)
    return Markdown(f'![{caption}]({name}.svg){{#{anchor} alt="{alt}"}}')


def _figure(figures: Path, name: str) -> Path:
    path = figures / f"{name}.svg"
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: run the figure stage")
    return intact(path)


def appendix(study: Study, timings: pd.DataFrame, records: Provenance) -> dict[str, Table]:
    """The tables that every report ends with."""
    return {
        "costs": Table(
            "Cost by rule: wall time of its jobs on one thread each, and the largest peak memory.",
            ["rule", "jobs", "total", "median job", "peak memory (MiB)"],
            "lrrrr",
            cost_rows(timings),
            source=("timings",),
            foot=1,
        ),
        "parameters": Table(
            "All parameters of the study; of a recipe that is like another only what differs.",
            ["key", "value", "meaning"],
            "lll",
            [[code(row.key), row.value, Markdown(row.meaning)] for row in parameters(study)],
            widths=(40, 18, 42),
            source=(Markdown("the parameter file of the study, checked when it is read"),),
        ),
        "inputs": Table(
            "Input files of the runs, with the first 16 digits of their SHA-256. Word vectors are "
            "left out: they are results of runs themselves.",
            ["file", "SHA-256"],
            "ll",
            [
                [code(name), code(", ".join(digest[:16] for digest in digests))]
                for name, digests in records.inputs.items()
                if "/embeddings/" not in name
            ],
            source=(Markdown(f"the records {code('run.json')} beside the files of every run"),),
        ),
    }


def cost_rows(timings: pd.DataFrame) -> Iterable[list[object]]:
    """Rows of the table of costs, with a total."""
    for row in timings.to_dict("records"):
        times = [duration(row["total"]), duration(row["median"])]
        yield [code(row["rule"]), row["jobs"], *times, number(row["memory"], 0)]
    total, memory = timings["total"].sum(), timings["memory"].max()
    yield ["all", timings["jobs"].sum(), duration(total), "", number(memory, 0)]


def render_html(text: str, titles: dict[str, str], folder: Path, out: Path) -> None:
    """Markdown to one HTML page that holds its figures, style and script and asks for nothing else.

    Its Content-Security-Policy lets no script run but that one, known by its SHA-256.
    `titles` are `title` and `subtitle`, Markdown; `folder` holds the images that the text names.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8").strip()  # as Pandoc inserts it
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    variables = [f"--variable=script:{script}", f"--variable=script-digest:sha256-{digest}"]
    # Sections are one level below the title, which is the page's only heading of the first.
    levels = ["--shift-heading-level-by=1", "--toc-depth=4"]
    options = ["--embed-resources", "--mathml", *levels, *variables]
    page = _pandoc(text, titles, folder, "html", "page.html", *options)
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
        f"--lua-filter={HERE / 'source.lua'}",
        f"--resource-path={folder}",
        f"--variable=style:{style}",
        *options,
    ]
    return pypandoc.convert_text(text, to, format=MARKDOWN, extra_args=arguments)
