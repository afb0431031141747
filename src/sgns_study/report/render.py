"""The report of a study: numbers from its files into the template, and that to HTML and PDF."""

import base64
import json
import shutil
from collections.abc import Sequence
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
from sgns_study.artifacts import ArtifactError, reading, write_text, writing
from sgns_study.corpora.registry import class_names, corpus_sizes
from sgns_study.corpora.table import inspect
from sgns_study.errors import brief
from sgns_study.evaluation.claims import FEW
from sgns_study.evaluation.convergence import SHARE
from sgns_study.evaluation.statistics import ALPHA
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures import figures_of, wording
from sgns_study.params import Study, TableCorpus
from sgns_study.report import claims, markdown, records
from sgns_study.report.checklist import checks, reads
from sgns_study.report.classifiers import baselines, classifier_values
from sgns_study.report.markdown import Markdown, caption, pipe_table, reference, source_note
from sgns_study.report.vectors import scientific, vector_values
from sgns_study.splits import split_sizes
from sgns_study.tokens import LONGEST

HERE = Path(__file__).parent
# Raw HTML and TeX are off: nothing in the text can reach an output format unescaped.
MARKDOWN = "markdown-raw_html-raw_tex-raw_attribute-yaml_metadata_block"
# What each figure shows, for readers who cannot see it.
ALT_TEXTS = json.loads((HERE / "alt_texts.json").read_text(encoding="utf-8"))


def render(study: Study, results: Path, reports: Path) -> None:
    """Write the report of a study as one HTML page and as PDF, its appendix and its answer.

    `results` holds the tidy tables and the records of runs, `reports` gets `report.html`,
    `report.pdf`, `appendix.html` and, as plain text, `answer.txt`; its folder `figures` has the SVG
    files and captions. Raises ArtifactError naming the file that is missing or malformed.
    """
    figures = reports / "figures"
    values = context(study, results, figures)
    text, appendix = fill(values), fill(values, "appendix.md", "A")
    title = markdown.one_line(study.report.title)
    write_text(reports / "answer.txt", answer(values))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in figures_of(study):
            shutil.copy(figures / f"{name}.svg", folder)
        options = [
            f"--resource-path={folder}",
            f"--metadata=subtitle:Study {study.study}, {values['seeds']}",
        ]
        head = f"--metadata=title:{title}"
        try:
            render_html(text, [head, *options], reports / "report.html")
            render_html(appendix, [f"{head}: appendix", *options], reports / "appendix.html")
            render_pdf(text, [head, *options], folder, reports / "report.pdf")
        except RuntimeError as error:  # of Pandoc or of Typst
            raise ArtifactError(
                f"{figures}: no report can be made of these figures and the tables of {results} "
                f"({brief(str(error))}): delete the figures and run again"
            ) from error


def answer(values: dict[str, Any]) -> str:
    """The answer at the head of the report as plain text, a paragraph a line."""
    plain = pypandoc.convert_text(
        fill(values, "answer.md"), "plain", format=MARKDOWN, extra_args=["--wrap=none"]
    )
    lines = [" ".join(line.removeprefix("-").split()) for line in plain.splitlines()]
    return "".join(f"{line}\n" for line in lines if line)


def context(study: Study, results: Path, figures: Path) -> dict[str, Any]:
    """Everything the templates name: parameters, numbers, figures and functions.

    A string that is not `Markdown` is escaped when it is inserted. `classifiers` is None for a
    study whose grid has none, `trains` tells whether its experiments have any; `own` is None for a
    corpus that is not a table of the user's.
    """
    vectors = vector_values(study, results)
    classifiers = classifier_values(study, results) if study.grid.inits else None
    found = {"sets of word vectors": (vectors["found"], vectors["planned"])}
    if classifiers:
        found["classifiers"] = (classifiers["found"], classifiers["planned"])
    folder = f"results/{study.study}"
    recipes = {name: study.recipes[name] for name in plan.recipes(study)}
    return {
        "study": study,
        "sizes": sizes(study),
        "reads": reads(study.sampling.embedding),
        "shortened": [name for name in recipes if getattr(recipes[name], "documents", None)],
        "longest": LONGEST,
        "classes": class_names(study.corpus),
        "own": inspect(study.corpus) if isinstance(study.corpus, TableCorpus) else None,
        "kinds": sorted({recipe.kind for recipe in recipes.values()}),
        "seeds": classifiers["seeds"] if classifiers else vectors["seeds"],
        "found": found,
        "claims": claims.claims_values(results),
        "vectors": vectors,
        "classifiers": classifiers,
        "trains": bool(plan.runs(study)),
        "baselines": baselines(results) if plan.baselines(study) else [],
        "checks": checks(study, results),
        "records": records.provenance(results),
        "parameters": records.parameters(study),
        "costs": records.costs(read_tidy(results, "timings")),
        "alpha": ALPHA,
        "few": FEW,
        "share": SHARE,
        "digits": claims.DIGITS,
        "figures": {
            name: figure(figures, name, tables, folder)
            for name, tables in figures_of(study).items()
        },
        "files": lambda names: markdown.code_list(f"{folder}/{name}.csv" for name in names),
        "caption": partial(caption, "Table"),
        "fig": partial(reference, "Figure"),
        "tab": partial(reference, "Table"),
        "table": partial(pipe_table, folder),
        "scientific": scientific,
    }


def fill(values: dict[str, Any], template: str = "template.md", letter: str = "") -> str:
    """A template with its values; raises UndefinedError for a name that has none.

    `letter` stands before the numbers of its figures and tables.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        finalize=markdown.markdown,
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
    environment.tests["missing"] = pd.isna
    environment.globals |= vars(wording) | vars(markdown) | vars(records) | vars(claims)
    return markdown.numbered(environment.get_template(template).render(values), letter)


def sizes(study: Study) -> dict[str, int]:
    """Documents of the corpus and of every sample, from the parameters and the corpus."""
    corpus = corpus_sizes(study.corpus)
    sample, classifier = study.sampling.embedding, study.sampling.classifier
    pool = corpus.pool(sample.unlabelled, sample.test)
    train, validation = split_sizes(sample.documents or pool, sample.validation_fraction)
    text = train
    if further := sample.further:
        left = corpus.pool(further.unlabelled, further.test) - train - validation
        text += left if further.documents is None else further.documents
    found = corpus._asdict() | {
        "text": text,
        "embedding_train": study.pairs.train_documents or train,
        "embedding_validation": study.pairs.validation_documents or validation,
    }
    if classifier:
        documents = classifier.documents or corpus.train
        parts = split_sizes(documents, classifier.validation_fraction)
        found |= {"classifier_train": parts[0], "classifier_validation": parts[1]}
    return found


def figure(figures: Path, name: str, tables: Sequence[str], folder: str) -> Markdown:
    """A figure with its caption, the tables it shows and a text for those who cannot see it.

    Raises ArtifactError if its image or caption is missing or not as it was written.
    """
    image, path = figures / f"{name}.svg", figures / f"{name}.md"
    with reading(image, "no image"):
        image.stat()
    with reading(path, "no caption"):
        words = path.read_text(encoding="utf-8").strip()
    source = source_note(folder, [*tables, "drawn by rule `figure`"])
    title = caption("Figure", name, markdown.escape_markdown(words), source)
    return Markdown(f'![{title}]({name}.svg){{#figure-{name} alt="{ALT_TEXTS[name]}"}}')


def render_html(text: str, options: Sequence[str], out: Path) -> None:
    """Markdown to one HTML page that holds its figures, style and script and asks for nothing else.

    Its Content-Security-Policy lets no script run but that one, known by its SHA-256.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8").strip()  # as Pandoc inserts it
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    headings = "--shift-heading-level-by=1"  # below the title, the only heading of the first level
    variables = (f"--variable=script:{script}", f"--variable=script-digest:sha256-{digest}")
    write_text(out, _pandoc(text, "html", headings, *variables, *options))


def render_pdf(text: str, options: Sequence[str], folder: Path, out: Path) -> None:
    """Markdown to PDF by way of Typst, with bundled fonts and a fixed timestamp.

    `folder` holds the images that the text names.
    """
    main = folder / "report.typ"
    main.write_text(_pandoc(text, "typst", *options), encoding="utf-8")
    with writing(out) as part:
        typst.compile(
            main,
            output=part,
            root=folder,
            ignore_system_fonts=True,
            format="pdf",
            timestamp=int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()),
        )


def _pandoc(text: str, to: str, *options: str) -> str:
    """The Markdown in another format, with citations; any warning of Pandoc's is an error."""
    template = {"html": "page.html", "typst": "page.typ"}[to]
    files = [f"--defaults={HERE / 'pandoc.yaml'}", f"--template={HERE / template}"]
    arguments = [*files, f"--columns={markdown.SOURCE_WIDTH}", *options]
    return pypandoc.convert_text(text, to, format=MARKDOWN, extra_args=arguments)
