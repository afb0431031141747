"""The report: every number from a file, nothing from outside, hostile text as text."""

import base64
import csv
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from shutil import which

import pandas as pd
import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from sgns_study.artifacts import ArtifactError, write_json, write_table
from sgns_study.config import check_study, read_study
from sgns_study.evaluation.claims import CLAIMS
from sgns_study.evaluation.tables import COLUMNS, RULES
from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures import draw_figure, figures_of, tables_of
from sgns_study.figures.wording import signed
from sgns_study.params import FurtherText
from sgns_study.report.checklist import reads, selections
from sgns_study.report.classifiers import doubtful
from sgns_study.report.markdown import caption, code, escape_markdown, numbered, reference
from sgns_study.report.records import Provenance, costs, parameters, provenance
from sgns_study.report.render import HERE, MARKDOWN, answer, context, fill, render
from tests.browser import CHROMIUM, Browser
from tests.conftest import REPOSITORY
from tests.curve_tables import (
    TIMINGS,
    TWEAKS,
    claims_of_a_study,
    classifier_curves,
    comparisons_table,
    run,
    runs_of,
    write_study,
)

# What they share is made once, in one process.
pytestmark = pytest.mark.xdist_group("report")

HOSTILE = (
    r"""<script>alert(1)</script> #let x = 1 $\frac // /* *a* @maas2011 [b](c) `d` {{7}} << e"""
)


def study(title="A title", compare=False, seeds=(1, 2)):
    sample = {"documents": 10, "validation_fraction": 0.5}
    recipe = {"kind": "lab", "negatives": 3, "epochs": 7, "batch": 11, "learning_rate": 0.001}
    return check_study(
        {
            "study": "tiny",
            "corpus": {"kind": "planted", "train": 10, "test": 13, "unlabelled": 0, "seed": 1},
            "tokens": {"tokenizer": "word"},
            "sampling": {"embedding": sample | {"seed": 1}, "classifier": sample},
            "pairs": {"max_tokens": 8, "validation_negatives": 3, "seed": 1},
            "recipes": {"lab": recipe | {"weight_decay": 0.0}},
            "grid": {
                "recipes": ["lab"],
                "radii": [2],
                "dims": [16],
                "seeds": list(seeds),
                "inits": ["pretrained", "random"],
            },
            "evaluation": {"public_sets": False},
            "classifier": {
                "max_tokens": 8,
                "filters": 2,
                "kernel": 3,
                "padding": 1,
                "dropout": 0.5,
                "learning_rate": 0.001,
                "batch": 2,
                "epochs": 2,
            },
            "report": {"title": title, "compare_with_lab": compare},
        },
        "test",
    )


def tweaks(title="Tweaks", recipes=None, scored=True):
    """A study without classifiers, of the recipes of TWEAKS."""
    words = {"good": ["good", "great"], "bad": ["bad", "awful"]} if scored else {}
    shared = {"alpha": 0.75, "window": "dynamic", "min_count": 5}
    trained = {"kind": "word2vec", "epochs": 2, "learning_rate": 0.025} | shared
    known = {
        "full": trained | {"negatives": 5, "subsample": 0.001},
        "bare": trained | {"negatives": 1, "subsample": 0.0},
        "ppmi": shared
        | {"kind": "ppmi", "shift": 5, "subsample": 0.001, "eigenvalue_weighting": 0.5},
    }
    for name, _, like, key, value, _ in TWEAKS:
        if like:
            known[name] = {"like": like, key: int(value) if key == "negatives" else float(value)}
    return check_study(
        {
            "study": "tweaks",
            "corpus": {"kind": "imdb"},
            "tokens": {"tokenizer": "word"},
            "sampling": {
                "embedding": {
                    "documents": 100_000,
                    "validation_fraction": 0.01,
                    "unlabelled": True,
                    "test": True,
                    "seed": 1,
                }
            },
            "pairs": {
                "max_tokens": 8,
                "validation_documents": 200,
                "validation_negatives": 3,
                "validation_alpha": 0.75,
                "seed": 1,
            },
            "recipes": known,
            "grid": {
                "recipes": recipes or [row[0] for row in TWEAKS],
                "radii": [5],
                "dims": [128],
                "seeds": [1, 2, 3],
                "inits": [],
            },
            "evaluation": {"public_sets": scored, "words": words},
            "report": {"title": title, "compare_with_lab": False},
        },
        "test",
    )


def write_claims(folder, *compared):
    """The tables of the claims, of those of `COMPARED` that are named and so many seeds."""
    write_table(folder / "claims.csv", claims_of_a_study(*compared))
    write_table(folder / "comparisons.csv", comparisons_table(*compared))


def draw_all(of_study, folder):
    for name in figures_of(of_study):
        draw_figure(name, folder, folder / f"figures/{name}.svg")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    write_study(folder, [2], [16], [1, 2], planted=True)
    record = {"commit": "c0ffee", "versions": {"numpy": "9.9"}, "inputs": {"pairs.npy": "ab" * 32}}
    write_json(folder / "embeddings/lab-r2-d16-s1/run.json", record)
    draw_all(study(), folder)
    return folder


@pytest.fixture(scope="module")
def tweaks_results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tweaks")
    write_study(folder, [5], [128], [1, 2, 3], [row[0] for row in TWEAKS])
    for name in ("classifier_curves", "runs", "convergence"):
        (folder / f"{name}.csv").unlink()
    write_claims(folder, ("6", "7"), 3)
    draw_all(tweaks(), folder)
    return folder


def rendered_pages(of_study, folder):
    render(of_study, folder, folder)
    return (folder / "report.html").read_text(encoding="utf-8"), folder / "report.pdf"


@pytest.fixture(scope="module")
def rendered(results):
    return rendered_pages(study(HOSTILE, compare=True), results)


@pytest.fixture(scope="module")
def rendered_tweaks(tweaks_results):
    return rendered_pages(tweaks(HOSTILE), tweaks_results)


@pytest.fixture(params=["rendered", "rendered_tweaks"])
def each(request):
    """The pages of a study with classifiers, and of one without."""
    return request.getfixturevalue(request.param)


ATTACKS = [  # each with a letter of its own, so that none is part of another
    *("<script>window.alien = 1</script>", '<img src=x onerror="window.alien = 2">'),
    *('"><svg onload=window.alien=3>', "</p></td></table><iframe src=//127.0.0.1:9/4></iframe>"),
    *("<link rel=stylesheet href=http://127.0.0.1:9/x.css>", "<!-- c -->", "--> d", "]]> e"),
    *("[f](javascript:window.alien=5)", "![g](http://127.0.0.1:9/g.png)", "![h](/etc/passwd)"),
    *("<http://127.0.0.1:9/i>", "http://127.0.0.1:9/j", "&lt;k&gt; &#x4b;", "`l`{=html}"),
    *("{#m .m}", "`n`{.n onclick=window.alien=6}", "*o* _o_ **o**", "# p", "| q | q |", "``r`` `"),
    *("~~~ s", "---t", "::: u", "[^v]", "@maas2011 [@levy2014]", "^w^ ~w~", "1. x", "- y", "> z"),
    *("'A' \"A\" ... --", '#eval("1+1") B', '#image("/etc/passwd")', '#include "/etc/passwd"'),
    *("#let D = 1; #D", "$ E $", "$$F$$", r"\input{/etc/passwd}", r"\immediate\write18{id}"),
    *(r"$\frac{1}{G$", "H \\", "%I", "~J", "{{ 7*7 }}", "<< study.report.title >>", "<% raw %>"),
    *("<# K #>", "${7*7}", "L=cmd|' /C calc'!A0"),
]


def hostile_study(folder):
    """One of a table whose names, classes and words are all of ATTACKS, and its tables."""
    name = folder / "own `x`|&lt;b&amp;$x$ #y.csv"  # none has a `<`: it is refused
    label = "<i>la|bel</i> `"
    with name.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", label])
        writer.writerows((f"text {n}", ATTACKS[n % 20]) for n in range(20 * 14))
    content = tweaks(" ".join(ATTACKS)[:200]).model_dump()
    content["corpus"] = {"kind": "table", "path": str(name), "text": "text", "label": label}
    content["sampling"]["embedding"] |= {"documents": 200, "unlabelled": False, "test": False}
    content["pairs"]["validation_documents"] = 2
    content["evaluation"]["words"] = {ATTACKS[0]: ATTACKS[:4], ATTACKS[-1]: ATTACKS[4:]}
    found = check_study(content, "test")
    write_study(folder, [5], [128], [1, 2, 3], [row[0] for row in TWEAKS])
    for table in ("classifier_curves", "runs", "convergence"):
        (folder / f"{table}.csv").unlink()
    write_claims(folder, ("6", "7"), 3)
    near = [
        (recipe, 5, 128, seed, word, rank, ATTACKS[(n + rank) % len(ATTACKS)], 0.5)
        for recipe in ("full", "bare", "ppmi")
        for seed in (1, 2, 3)
        for n, word in enumerate(ATTACKS)
        for rank in range(1, 7)
    ]
    write_table(folder / "neighbours.csv", pd.DataFrame(near, columns=COLUMNS["neighbours"]))
    places = [
        ("full", 5, 128, 1, word, ATTACKS[n % 4], n % 7, n // 7) for n, word in enumerate(ATTACKS)
    ]
    write_table(folder / "map.csv", pd.DataFrame(places, columns=COLUMNS["map"]))
    counts = {word: 3 * (len(ATTACKS) - n) for n, word in enumerate(ATTACKS)}
    total = sum(counts.values())
    noise = [(a, word, n, n / total) for a in (1, 0.5) for word, n in counts.items()]
    write_table(folder / "noise.csv", pd.DataFrame(noise, columns=COLUMNS["noise"]))
    inputs = dict.fromkeys(ATTACKS, "ab" * 32)
    record = {"commit": ATTACKS[0], "versions": dict.fromkeys(ATTACKS, ATTACKS[1])}
    write_json(folder / "embeddings/lab-r2-d16-s1/run.json", record | {"inputs": inputs})
    draw_all(found, folder)
    return found


@pytest.fixture(scope="module")
def rendered_hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return rendered_pages(hostile_study(folder), folder)


def without_space(text):
    return "".join(text.split())


def test_text_with_the_syntax_of_five_languages_is_text_on_the_page(rendered_hostile):
    page = Page(rendered_hostile[0])
    text = without_space(page.text)
    assert [attack for attack in ATTACKS if without_space(attack) not in text] == []
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{}]
    assert not {"iframe", "link", "svg", "object", "form"} & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    links = [attrs["href"] for _, attrs in page.tags if "href" in attrs]
    ours = ("#", "https://", "appendix.html")
    assert all(link.startswith(ours) and "127.0.0.1" not in link for link in links)
    images = [attrs["src"] for _, attrs in page.tags if "src" in attrs]
    assert len(images) == 6
    assert all(image.startswith("data:image/svg+xml") for image in images)


@pytest.mark.skipif(which("pdftotext") is None, reason="pdftotext (poppler) is not installed")
def test_text_with_the_syntax_of_five_languages_is_text_in_the_pdf(rendered_hostile):
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    pdf = str(rendered_hostile[1])
    text = without_space(said("pdftotext", "-raw", pdf, "-")).replace("\u200b", "")
    text = text.replace("…", "...")  # Typst sets three dots as one sign
    assert [attack for attack in ATTACKS if without_space(attack) not in text] == []
    assert said("pdfinfo", "-js", pdf).strip() == ""
    assert "127.0.0.1" not in said("pdfinfo", "-url", pdf)
    assert "root:x:" not in text  # of the file that some name


def rows_of(text, table):
    """The cells of the rows of a table in the Markdown of a report, as plain text."""
    lines = text.partition(f"{{#table-{table} ")[2].partition("\n:::")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ")][2:]  # after the head and the rule
    return [
        [re.sub(r"\\(.)", r"\1", cell).replace("`", "") for cell in row[2:-2].split(" | ")]
        for row in rows
    ]


def text_of(of_study, results, figures=None, **other):
    """The Markdown of a report and of its appendix; `other` values may replace those found."""
    values = context(of_study, results, (figures or results) / "figures") | other
    return fill(values) + fill(values, "appendix.md")


def plain_text(*args):
    text = text_of(*args)
    return pypandoc.convert_text(text, "plain", format=MARKDOWN, extra_args=["--wrap=none"])


class Page(HTMLParser):
    """Tags, their attributes and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_page_asks_for_nothing(each):
    html, _ = each
    page = Page(html)
    sources = [
        attrs[key] for tag, attrs in page.tags for key in ("src", "srcset", "data") if key in attrs
    ]
    # Claims, SGNS, similarity; of classifiers two more, else the ablation, the noise and the map.
    assert len(sources) == (5 if "The corpus is planted" in html else 6)
    assert all(source.startswith("data:image/svg+xml") for source in sources)
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{}]
    targets = [attrs["href"] for tag, attrs in page.tags if "href" in attrs]
    beside = ("#", "appendix.html")
    outside = [target for target in targets if not target.startswith(beside)]
    cited = html[html.index('id="refs"') :]  # works that are cited may be followed by a click
    assert all(target.startswith("https://") for target in outside)
    assert all(f'href="{target}"' in cited for target in outside)
    assert not re.search(r"@import|url\((?!['\"]?data:)", re.sub(r"data:[^\"]*", "", html))


def test_the_policy_lets_the_one_script_run_and_nothing_else(each):
    html, _ = each
    policy = next(attrs["content"] for tag, attrs in Page(html).tags if "http-equiv" in attrs)
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [attr for _, attrs in Page(html).tags for attr in attrs if attr.startswith("on")]


def test_every_figure_and_table_names_its_file_and_rule(each):
    html, pdf = each
    name = "tiny" if "The corpus is planted" in html else "tweaks"
    boxes = re.findall(r"<(?:figcaption|caption).*?</(?:figcaption|caption)>", html, re.DOTALL)
    captions = [" ".join(Page(box).text.split()) for box in boxes]
    assert all("Source: " in caption for caption in captions)
    sources = "; ".join(caption.partition("Source: ")[2].rstrip(".") for caption in captions)
    named = re.findall(r"(results/[^;]*?), rule (\w+)", sources)
    assert len(named) > 5
    for files, rule in named:
        for file in files.split(", "):
            folder, table = file.rsplit("/", 1)
            assert folder == f"results/{name}"
            assert RULES[table.removesuffix(".csv")] == rule
    figures = [caption for caption in captions if caption.startswith("Figure")]
    assert len(figures) == (5 if name == "tiny" else 6)
    assert all(caption.endswith("; drawn by rule figure.") for caption in figures)
    if which("pdftotext"):
        command = ["pdftotext", "-raw", str(pdf), "-"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert text.count("Source:") == len(captions)


def test_hostile_text_is_shown_as_text(each):
    html, pdf = each
    assert HOSTILE in Page(html).text
    assert "a|<b>*_1, a|<b>*_2" in Page(html).text
    assert html.count("<script") == 1
    assert pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(which("pdftotext") is None, reason="pdftotext (poppler) is not installed")
def test_hostile_text_is_shown_in_the_pdf(rendered):
    command = ["pdftotext", "-raw", str(rendered[1]), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "".join(HOSTILE.split()) in "".join(text.split())


def test_figures_and_tables_are_numbered_in_order_and_references_resolve(each):
    page = Page(each[0])
    anchors = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(anchors) == len(set(anchors))
    links = [
        attrs["href"][1:]
        for tag, attrs in page.tags
        if tag == "a" and attrs.get("href", "").startswith("#")
    ]
    assert set(links) <= set(anchors)
    for kind in ("Figure", "Table"):
        captions = [int(n) for n in re.findall(rf"<strong>{kind} (\d+)\.</strong>", each[0])]
        assert captions == list(range(1, len(captions) + 1))
        named = dict(re.findall(rf'href="#({kind.lower()}-\w+)"[^>]*>{kind}\s(\d+)<', each[0]))
        in_order = [anchor for anchor in anchors if anchor.startswith(kind.lower() + "-")]
        assert len(in_order) == len(captions)
        assert {a: in_order.index(a) + 1 for a in named} == {a: int(n) for a, n in named.items()}


def test_only_works_that_are_cited_are_listed(each):
    html, _ = each
    cited = {key for keys in re.findall(r'data-cites="([^"]*)"', html) for key in keys.split()}
    assert set(re.findall(r'id="ref-(\w+)"', html)) == cited
    assert {"levy2014", "mikolov2013distributed"} <= cited
    # The planted study has classifiers and nothing but the lab's recipe.
    planted = "The corpus is planted" in html
    assert ("kim2014" in cited) == planted
    for key in ("maas2011", "hill2015", "bruni2014", "ji2016", "levy2015", "vandermaaten2008"):
        assert (key in cited) == (not planted)


def test_numbers_of_the_prose_are_those_of_the_tables(results):
    plain = plain_text(study(), results)
    # Of `COMPARED`, and 4 verdicts for the claim, 3 undecided.
    assert (
        "Pretraining, against a random start, each at its best scale, step size and epochs, may or "
        "may not change test accuracy: 0.0 points (95 % interval −1.0 to +1.0, 2 seeds, adjusted "
        "p = 0.40), undecided." in plain
    )
    assert "classifiers/a-s1/model.safetensors, the best on validation of those" in plain
    assert "its start has 78.8 % on test" in plain
    assert "Of the 7 claims that this study can test, 4 supported, 3 undecided (Table" in plain
    assert "test loss, pretrained − random: 0.500 against 0.375 nats, a difference of" in plain
    assert (
        "The claim is that it lies below zero or within the margin: supported (below zero: "
        "p = 0.004)." in plain
    )
    # Each part is an item of a list, behind the paragraph with the verdict on the claim.
    assert re.search(r"Undecided\.\n\n- +test accuracy, each at its best", plain)
    # Pretrained 0.74 and 0.75, random 0.79 and 0.80 on the test documents of seeds 1 and 2.
    assert "74.5 ± 0.7" in plain
    assert "79.5 ± 0.7" in plain
    assert "with K = 3 by AdamW" in plain
    assert "13 test documents" in plain
    assert "75.5 ± 0.7" in plain
    assert "The 4 jobs took 60.5 s in all" in plain
    assert "commit c0ffee with numpy 9.9." in plain
    assert "Differences from the published figures" not in plain


def test_the_answer_of_an_ablation_is_that_of_the_tables(tweaks_results):
    plain = plain_text(tweaks(), tweaks_results)
    # By hand in test_figures: K makes +3 (± 2.5) and +3 (± 0), t nothing and −1 (± 2.5).
    assert "leaves out zero in 2 of 4 comparisons" in plain
    text = text_of(tweaks(), tweaks_results)
    assert rows_of(text, "settings") == [
        ["K", "full", "5", "1", "+3.0", "+0.5 to +5.5", "better", "5"],
        ["K", "bare", "5", "1", "+3.0", "+3.0 to +3.0", "better", "20"],
        ["t", "full", "10⁻³", "off", "0.0", "−2.5 to +2.5", "undecided", "10⁻³"],
        ["t", "bare", "10⁻³", "off", "−1.0", "−3.5 to +1.5", "undecided", "off"],
    ]
    assert "full against bare: +10.0 points (+10.0 to +10.0)" in plain
    assert "ppmi that is +5.0 points (+5.0 to +5.0)" in plain
    # 0.6, 0.5 and 0.1 and 0.02 more on average: 42 points, of full
    assert "Best recipe: full, with 42.0 points" in plain
    assert "the highest mean of the 7 recipes of the ablation" in plain
    assert "24 sets of word vectors, 3 seeds per recipe" in plain


def test_the_table_of_the_ablation_keeps_nulls_and_losses(tweaks_results):
    text = text_of(tweaks(), tweaks_results)
    lines = [line.replace("\\", "") for line in text.splitlines() if line.startswith("| `")]
    rows = {line.split("`")[1]: [cell.strip() for cell in line.split("|")[2:-1]] for line in lines}
    assert [name for name in rows if name in {row[0] for row in TWEAKS}] == [
        *("full", "full_k1", "full_t0", "bare", "bare_k5", "bare_k20", "bare_t3")
    ]
    # Seeds add 1 point each: mean 62 and ± t(2) / √3 = 2.5; the loss of sgns_table at epoch 3
    # and R = 5: 2 − 0.375 + 0.25 + 0.05 + 1/64, ± 2.484 / 64.
    sets = ["62.0 ± 2.5", "52.0 ± 2.5", "12.0 ± 2.5"]
    loss = "1.941 ± 0.039"
    assert rows["full"] == ["", *sets, "", "", "", loss, "88 %"]
    assert rows["full_t0"][:1] == ["t off"]
    assert rows["full_t0"][4:] == ["0.0", "−2.5 to +2.5", "3", loss, "88 %"]
    assert rows["bare_k20"][4:7] == ["+4.0", "+4.0 to +4.0", "3"]


def test_a_study_without_classifiers_says_nothing_of_them(tweaks_results):
    plain = plain_text(tweaks(), tweaks_results)
    assert "No classifier is trained" in plain
    prose, table, _ = plain.partition("tokens.tokenizer")  # the parameters say what is left out
    assert table
    for absent in ("test accuracy", "ReLU", "best validation accuracy", "AdamW"):
        assert absent not in prose
    assert "Texts of the test documents are among them" in plain
    assert "drawn from the counts of the training documents to the power 0.75" in plain
    assert "full (word2vec): K = 5, α = 0.75, dynamic windows, t = 10⁻³, min_count 5" in plain
    assert "around bare, K to 5 and 20; t to 10⁻³, one at a time." in plain
    text = text_of(tweaks(), tweaks_results)
    equations = re.findall(r"\\qquad *\((\d+)\)", text)
    assert equations == [str(number) for number in range(1, 11)]


def test_classifiers_of_experiments_alone_are_in_the_report(tweaks_results, tmp_path):
    folder = shutil.copytree(tweaks_results, tmp_path / "more")
    place = {"recipes": ["full"], "radii": [5], "dims": [128]}
    content = tweaks().model_dump()
    content["sampling"]["classifier"] = study().sampling.classifier.model_dump()
    content |= {
        "classifier": study().classifier.model_dump(),
        "experiments": {"read": place | {"inits": ["frozen"]}},
        "baselines": place | {"models": ["mean_lr"]},
    }
    of_study = check_study(content, "test")
    # 0.81, 0.82 and 0.83 of the network, 0.1 less of the mean; on validation 0.05 more
    rows = [
        (
            init,
            "full",
            5,
            None,
            None,
            classifier,
            128,
            seed,
            epoch,
            test + 0.05,
            0.5,
            test,
            0.5,
            test,
        )
        for init, classifier, epoch, less in (
            ("frozen", "conv1d", 2, 0),
            ("pretrained", "mean_lr", None, 0.1),
        )
        for seed, test in ((n, 0.8 + 0.01 * n - less) for n in (1, 2, 3))
    ]
    runs = pd.DataFrame(rows, columns=COLUMNS["runs"])
    write_table(folder / "runs.csv", runs)
    seeds = [run("frozen", "full", 5, 128, n, [0.5, 0.8, 0.85], 0.8) for n in (1, 2, 3)]
    curves = classifier_curves([row for rows_of_seed in seeds for row in rows_of_seed])
    write_table(folder / "classifier_curves.csv", curves)
    draw_all(of_study, folder)
    plain = plain_text(of_study, folder)
    assert "and to classifiers that read them" in plain
    assert "No classifier is trained" not in plain
    assert "Each seed draws 5 of the training documents to train its classifiers" in plain
    table = [" ".join(line.split()) for line in plain.splitlines()]
    assert any(
        line.startswith("conv1d frozen (full), R = 5, d = 128 3 87.0 ± 1.0") for line in table
    )
    assert any("72.0 ± 1.0" in line for line in table if line.startswith("mean_lr"))


def test_scores_analogies_and_other_sets_are_listed_with_what_they_cover(tweaks_results):
    text = text_of(tweaks(), tweaks_results)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = [[cell.replace("\\", "") for cell in row] for row in rows]
    # 0.6, 0.5, 0.1 and a quarter, and 0.02 more on average, ± 4.303 · 0.01 / √3
    scores = ["0.620 ± 0.025", "0.520 ± 0.025", "0.120 ± 0.025", "27.0 ± 2.5", "27.0 ± 2.5"]
    assert ["full", "3", *scores] in rows
    assert ["covered", "", "87.5 %", "87.5 %", "87.5 %", "50.0 %", "50.0 %"] in rows
    assert ["RG-65", "87.5 %", "0.420", "0.320", "0.370"] in rows  # full, bare and ppmi
    assert ["family", "75.0 %", "52.0 %", "42.0 %", "47.0 %"] in rows
    # 10,000^α by the sums of noise_table
    assert ["the", "10,000", "0.99", "0.97", "0.9"] in rows
    near = ", ".join(f"null_{rank}" for rank in range(1, 7))
    assert ["null", near, near, near] in rows


def test_a_study_with_classifiers_scores_its_vectors_too(results):
    plain = plain_text(study(), results)
    # 0.5 and 0.01 or 0.02 more: t = 12.706 for one degree of freedom, times 0.00707 / √2
    assert "0.515 ± 0.064" in plain
    assert "words of one set of synonyms stand in the same places" in plain
    assert "drawn uniformly from the words that are not positives of their batch" in plain
    assert "no text of the test documents is seen before the one scoring" in plain
    assert "drawn from the training documents, the same for all models" in plain
    assert "Subsampling" not in plain


def test_a_study_has_the_figures_and_tables_that_it_can_have():
    of_classifiers = ["classifier_validation", "classifier_training", "convergence"]
    assert list(figures_of(study())) == ["claims", *of_classifiers, "sgns_curves", "similarity"]
    everything = ["claims", "sgns_curves", "tweaks", "noise", "similarity", "map"]
    assert list(figures_of(tweaks())) == everything
    assert "classifier_curves" not in tables_of(tweaks())
    assert {"recipes", "vectors", "neighbours", "runs"} <= set(tables_of(study()))
    assert "experiment_curves" not in tables_of(study())
    assert list(figures_of(tweaks(recipes=["ppmi"]))) == ["claims", "similarity"]
    # With no sets to score on and no words to look at, training is all there is to see.
    of_training = ["claims", "comparisons", "noise", "recipes", "sgns_curves"]
    assert tables_of(tweaks(scored=False)) == of_training
    # Without its parent a recipe is one of its own.
    assert "tweaks" not in figures_of(tweaks(recipes=["full_k1", "bare"]))
    # The scale is swept by the study's own classifier, here by a larger one alone.
    assert "scale" in figures_of(read_study(REPOSITORY / "params.yaml"))
    assert "scale" not in figures_of(read_study(REPOSITORY / "config/best.yaml"))


def test_vectors_that_nothing_scores_have_a_report(tweaks_results):
    plain = plain_text(tweaks(scored=False), tweaks_results)
    assert "scored on nothing but their own task, so there is no answer" in plain
    assert "21 of 24 sets of word vectors" in plain  # PPMI has no curves to be known by
    assert "Spearman" not in plain


def test_of_a_recipe_like_another_only_what_differs_is_listed():
    keys = [row.key for row in parameters(tweaks()) if row.key.startswith("recipes.full_k1.")]
    assert keys == ["recipes.full_k1.like", "recipes.full_k1.negatives"]


def test_a_table_of_ones_own_is_described_with_what_is_left_out(results, tmp_path, monkeypatch):
    rows = [f"text {i},{'abc'[i % 3]}" for i in range(60)]
    broken = ["one,a,two", ",b", "  ,c"]
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *rows, *broken, "unlabelled,"]))
    test = [f"text {i},{'abc'[i % 3]}" for i in range(57, 66)]  # three are training texts
    (tmp_path / "test.csv").write_text("\n".join(["text,label", *test]))
    (tmp_path / "more.csv").write_text("text\nmore\n")
    monkeypatch.chdir(tmp_path)
    content = study().model_dump()
    table = {"kind": "table", "path": "own.csv", "test": "test.csv", "unlabelled": "more.csv"}
    content["corpus"] = table | {"text": "text", "label": "label", "on_bad_rows": "skip"}
    plain = plain_text(check_study(content, "test"), results)
    assert "60 labelled training documents, 9 labelled test documents, those of test.csv" in plain
    assert "and 2 without a label, those of more.csv among them" in plain
    assert "The 3 classes, with their training and test documents, are a (20 and 3)" in plain
    assert "3 rows that cannot be used are left out: 2 × no text and 1 × wrong number of" in plain
    assert "3 test documents have the text of a training document" in plain
    assert "softmax over the 3 classes" in plain
    # A column of its own between test and epoch; `runs_of` has 0.7.
    row = next(line.split("  ") for line in plain.splitlines() if "74.5 ± 0.7" in line)
    cells = [cell.strip() for cell in row if cell.strip()]
    assert cells[1:] == ["2", "75.5 ± 0.7", "74.5 ± 0.7", "+1.0", "70.0 ± 0.0", "1.0"]
    prose = plain.partition("All parameters of the study")[0]
    for absent in ("planted", "IMDB", "Movie"):
        assert absent not in prose


def test_every_claim_has_one_section():
    """What stands at a place of its own is not among those that follow in order."""
    template = (HERE / "results_claims.md").read_text()
    named = re.findall(r'with name = "(\w+)"', template)
    left_out = re.search(r'if name not in "(.+?)".split', template)[1].split()
    assert sorted(named) == sorted(left_out)
    assert set(named) < {claim.claim for claim in CLAIMS}


def test_a_row_of_the_head_table_has_the_numbers_of_one_part(results):
    text = text_of(study(), results).replace("\\", "")
    lines = text.partition("| claim and part")[2].partition("\n:::")[0].splitlines()
    rows = [
        [cell.strip() for cell in line.split(" | ")] for line in lines if "test accuracy" in line
    ]
    parts = claims_of_a_study()
    parts = parts[parts["quantity"] == "test accuracy"]
    assert len(rows) == len(parts) == 4
    for (name, effect, interval, verdict), part in zip(rows, parts.itertuples()):
        assert name.endswith(f"*test accuracy, {part.part}*")
        assert effect == f"{signed(part.effect)} points"
        assert interval == f"{signed(part.ci_low)} to {signed(part.ci_high)}"
        assert verdict.removesuffix(" |") == part.verdict


def test_a_study_half_done_says_what_is_there(results):
    text = text_of(study(seeds=(1, 2, 3)), results)
    assert "2 of 3 sets of word vectors and 4 of 6 classifiers" in text


def test_one_seed_claims_nothing(results, tmp_path):
    write_study(tmp_path, [2], [16], [1], planted=True)
    write_claims(tmp_path, ("C", "7"), 1)
    text = text_of(study(seeds=(1,)), tmp_path, results)
    plain = pypandoc.convert_text(text, "plain", format=MARKDOWN, extra_args=["--wrap=none"])
    assert "may or may not change test accuracy: 0.0 points (1 seed), not tested." in plain
    assert "add seeds to the grid, for one tests nothing" in plain
    assert "Of the 2 claims that this study can test, 2 not tested" in plain
    assert "The claim is that it lies" not in plain
    assert "No record of a run was found" in plain


def test_a_classifier_that_may_not_be_at_its_best_is_named(results, tmp_path):
    rows = run("random", None, None, 16, 1, [0.5, 0.7, 0.6], 0.7)  # its best is not the last
    rows += run("random", None, None, 16, 2, [0.5, 0.6, 0.7], 0.6)
    rows += run("pretrained", "lab", 2, 16, 1, [0.5, 0.7, 0.6], 0.7)
    curves = classifier_curves(rows)
    majority = {"classifier": "majority", "seed": 1, "test_accuracy": 0.6}
    runs = pd.concat([runs_of(curves), pd.DataFrame([majority])])
    (found,) = doubtful(runs, curves)
    counts = [found[key] for key in ("label", "seeds", "last", "majority")]
    assert counts == ["random, d = 16", 2, 1, 1]
    (found,) = doubtful(runs_of(curves), curves)  # without the baseline nothing is known of it
    assert (found["last"], found["majority"]) == (1, 0)
    write_study(tmp_path, [2], [16], [1], planted=True)
    write_claims(tmp_path, ())
    text = fill(context(study(), tmp_path, results / "figures"))
    assert "Some classifiers may not be at their best" in text  # of both inits random ends so
    assert r"| conv1d | random\, d \= 16 | all | 1 | 1 | 0 |" in text


def test_without_a_random_start_there_is_no_answer_yet(results, tmp_path):
    write_study(tmp_path, [2], [16], [1], planted=True)
    curves = classifier_curves(run("pretrained", "lab", 2, 16, 1, [0.5, 0.6], 0.6))
    write_table(tmp_path / "classifier_curves.csv", curves)
    write_claims(tmp_path, ())
    text = text_of(study(), tmp_path, results)
    assert "This study can test none of the claims." in text
    assert "#claim-" not in text
    assert "against a random start" not in text
    assert "What to do" not in text


def test_a_variant_far_from_the_lab_is_remarked_on(results, tmp_path):
    write_study(
        tmp_path, [2], [128], [1], planted=True
    )  # pretrained 75.0 and random 80.0 at their best
    text = text_of(study(compare=True), tmp_path, results)
    assert "2 of the 2 that the lab has too differ" in text.replace("variants ", "")
    plain = pypandoc.convert_text(text, "plain", format=MARKDOWN, extra_args=["--wrap=none"])
    assert "random, d = 128: 80.0 % here, 86.3 % published (−6.3 points)" in plain


def test_a_name_that_the_template_lacks_is_an_error(results):
    values = context(study(), results, results / "figures")
    del values["seeds"]
    with pytest.raises(UndefinedError, match="seeds"):
        fill(values)


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    for name in "ab":
        shutil.copytree(results / "figures", tmp_path / name / "figures")
        render(study(), results, tmp_path / name)
    for name in ("report.html", "report.pdf", "appendix.html", "answer.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def best_of_two(verdict, gain=(-2.0, -3.0, -1.0, 3, 0.1)):
    """The answer of a study whose claim C has this verdict, and its network that much more."""
    row = {"claim": "C", "verdict": verdict, "effect": 0.7, "unit": "points", "n_seeds": 3}
    row |= {"ci_low": 0.1, "ci_high": 1.3, "p_adjusted": 0.0452, "detectable": 0.9}
    return {"answers": {"all": row}}, {
        "best": {"Conv1d, pretrained": 80.0, "NB-SVM": 82.0},
        "gain": Estimate(*gain),
        "majority": 0.5,
    }


@pytest.mark.parametrize(
    ("verdict", "found", "advised"),
    [
        ("supported", "raises test accuracy:", "start it from pretrained vectors"),
        ("supported, but negligible", "but by less than the margin of 0.5", "that is simpler"),
        ("no difference", "does not measurably change", "start it at random, which does as well"),
        ("opposite", "lowers test accuracy", "start it at random."),
        ("undecided", "may or may not change", "3 seeds find a difference of 0.9 points"),
    ],
)
def test_the_words_of_the_answer_are_those_of_the_verdict(results, verdict, found, advised):
    values = context(study(), results, results / "figures")
    claims, standing = best_of_two(verdict)
    values |= {"claims": claims, "classifiers": values["classifiers"] | {"standing": standing}}
    baseline, pretraining, advice, model = answer(values).splitlines()
    assert baseline == (
        "Best baseline, by validation: NB-SVM, 82.0 % on test. The best network, Conv1d, "
        "pretrained, has 80.0 %, −2.0 points (95 % interval −3.0 to −1.0); the most frequent class "
        "has 50.0 %."
    )
    assert found in pretraining
    assert f"3 seeds, adjusted p = 0.045), {verdict}." in pretraining
    assert advice.startswith("What to do: use NB-SVM, which does better than the best network here")
    assert advised in advice
    assert model.startswith("Best model to use: classifiers/a-s1/model.safetensors")
    assert ("measurably" in pretraining) == (verdict == "no difference")


@pytest.mark.parametrize(
    ("gain", "words"),
    [((2, 1, 3), "train the network, which does better"), ((1, -1, 3), "too close to call")],
)
def test_the_advice_follows_the_interval_of_network_against_baseline(results, gain, words):
    values = context(study(), results, results / "figures")
    claims, standing = best_of_two("supported", (*gain, 3, 0.1))
    values |= {"claims": claims, "classifiers": values["classifiers"] | {"standing": standing}}
    assert words in answer(values)


def test_a_missing_figure_or_caption_is_named(results, tmp_path):
    with pytest.raises(ArtifactError, match=r"claims\.svg"):
        context(study(), results, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("claims.svg", b"<svg", "no report can be made of these figures"),
        ("claims.svg", b"<!DOCTYPE s [<!ENTITY a '&a;'>]><svg>&a;</svg>", "no report can be made"),
        (
            "claims.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1:9/x'/></svg>",
            "URLs are not allowed",
        ),
        ("claims.md", b"\xff", "claims.md: no caption"),
    ],
)
def test_a_damaged_figure_is_named(results, tmp_path, name, content, message):
    shutil.copytree(results / "figures", tmp_path / "figures")
    (tmp_path / "figures" / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=message):
        render(study(), results, tmp_path)


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"commit": "x"}))
    with pytest.raises(ArtifactError, match=r"run\.json: not the record of a run"):
        provenance(tmp_path)


def test_every_parameter_is_listed_with_its_meaning():
    rows = {row.key: row for row in parameters(study())}
    assert rows["recipes.lab.negatives"].value == "3"
    assert rows["recipes.lab.negatives"].meaning == "negatives per positive, K"
    assert rows["tokens.vocabulary_size"].value == "(empty)"
    assert rows["grid.seeds"].value == "1, 2"
    assert rows["recipes.lab.learning_rate"].value == "0.001"

    def leaves(content, prefix=""):
        for key, value in content.items():
            yield from (
                leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
            )

    assert list(rows) == list(leaves(study().model_dump()))
    assert all(row.meaning for row in rows.values())


def test_costs_by_hand():
    table = costs(TIMINGS).set_index("rule")
    assert table.loc["train_sgns"].to_dict() == {
        "jobs": 3,
        "total": 60.0,
        "median": 20.0,
        "memory": 300.5,
    }
    assert list(table.index) == ["train_sgns", "aggregate"]


def checked(of_study, results, **other):
    """Answers of the checklist by point, as plain text; `other` values may replace those found."""
    text = text_of(of_study, results, **other)
    return {point: answer for point, answer, _ in rows_of(text, "checklist")}


def test_the_checklist_is_filled_in_from_the_run(results):
    answers = checked(study(), results, found={"classifiers": (4, 4)})
    assert answers["seeds"].startswith("1 and 2: each fixes initial values")
    assert "corpus.seed" in answers["seeds"]
    assert answers["what is missing"] == "4 of 4 classifiers that were planned; each seed has runs."
    once = "4 of 4 classifiers with one test score; for 4 it is that of the first epoch of best"
    assert answers["validation selects, test is read once"].startswith(once)
    assert answers["test texts in pretraining"].startswith("No text of the test documents")
    assert answers["parameters"] == f"{len(parameters(study()))} parameters"
    assert answers["code"].startswith("1 run with a record, of 1 commit, none of them with changes")
    assert answers["versions"] == "One of each: numpy 9.9."
    assert answers["inputs"].startswith("1 file read by runs, each with the same SHA-256")
    assert answers["cost"].startswith("4 jobs, 60.5 s in all")
    assert "make study PARAMS=FILE" in answers["how to run it again"]


def test_the_checklist_tells_what_is_not_as_it_should_be(results, tweaks_results):
    files = {"a.npy": ["1" * 64, "2" * 64], "b.npy": ["3" * 64]}
    commits = ["aa-dirty", "bb", "outside a repository"]
    records = Provenance(7, commits, {"numpy": ["1.0", "2.0"], "torch": ["3"]}, files)
    found = {"classifiers": (4, 8)}
    answers = checked(study(seeds=(1, 2, 3, 4)), results, records=records, found=found)
    assert answers["what is missing"] == (
        "4 of 8 classifiers that were planned; seeds without a run: 3 and 4."
    )
    assert answers["code"] == (
        "7 runs with a record, of 2 commits, 1 of them with changes that are in no commit. "
        "Some runs were outside a repository."
    )
    assert answers["versions"] == "More than one of numpy: numpy 1.0 and 2.0, torch 3."
    assert answers["inputs"].endswith("1 of them in more than one version: a.npy.")
    none = checked(tweaks(), tweaks_results, records=Provenance(0, [], {}, {}))
    assert none["records of runs"] == "None was found beside the results."
    assert "validation selects, test is read once" not in none
    assert none["test texts in pretraining"].startswith("The word vectors have read texts")
    further = study().sampling.embedding.model_copy(update={"further": FurtherText(test=True)})
    assert reads(further) == {"unlabelled": True, "test": True}
    assert reads(study().sampling.embedding) == {"unlabelled": False, "test": False}


def test_selections_by_hand():
    curves = classifier_curves(
        [
            *run("random", None, None, 8, 1, [0.9, 0.6, 0.7, 0.7]),  # no test
            *run("random", None, None, 8, 2, [0.5, 0.6, 0.7, 0.7], 0.7),  # at 2, the first of two
            *run("random", None, None, 16, 1, [0.9, 0.6, 0.7], 0.7),  # before training
            *run("pretrained", "lab", 2, 8, 1, [0.5, 0.8, 0.7], 0.7),
            ("pretrained", "lab", 2, 8, 1, 2, "test", 0.1, 0.7),  # once more, at another epoch
        ]
    )
    rows = selections(curves).to_dict("list")
    assert rows["tests"] == [0, 1, 1, 2]
    assert rows["at_best"] == [False, True, False, False]


in_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@in_browser
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("83.6 ± 0.8", 83.6),
        ("−0.3", -0.3),
        ("+1.2", 1.2),
        ("+1.0*", 1.0),
        ("−0.3 to +0.5", -0.3),
        ("+3.2 (+2.5 to +3.9)", 3.2),
        ("1,234", 1234),
        ("1,332,828", 1332828),
        ("2.0 min", 120),
        ("60.5 s", 60.5),
        ("3.0 h", 10800),
        ("83.4 %", 83.4),
        ("98.3 % to 99.5 %", 98.3),
        ("10⁻³", 0.001),
        ("1.5 · 10⁻⁵", 1.5e-5),
        ("1, 2, 3", None),
        ("R = 5, d = 128", None),
        ("12ab", None),
    ],
)
def test_the_page_reads_numbers_as_they_are_written(rendered, browser, text, value):
    if browser.ask("typeof numberOf") != "function":
        browser.open(rendered[1].with_suffix(".html"))
    found = browser.ask(f"[numberOf({json.dumps(text)})].map((x) => (Number.isNaN(x) ? null : x))")
    assert found == [value if value is None else pytest.approx(value)]


@in_browser
def test_ties_keep_their_order_and_missing_values_are_last(rendered, browser):
    browser.open(rendered[1].with_suffix(".html"))
    texts = ["2.0 min", "–", "90 s", "90.0 s", "", "1.0 h"]
    assert browser.ask(f"sortedPlaces({json.dumps(texts)}, 1)") == [2, 3, 0, 5, 1, 4]
    assert browser.ask(f"sortedPlaces({json.dumps(texts)}, -1)") == [5, 0, 2, 3, 1, 4]
    words = ["R = 10", "R = 2", "–", "R = 5"]
    assert browser.ask(f"sortedPlaces({json.dumps(words)}, 1)") == [1, 3, 0, 2]


@in_browser
def test_tables_sort_by_click_and_by_key(rendered, browser):
    browser.open(rendered[1].with_name("appendix.html"))
    rows = (
        "[...document.querySelectorAll('#table-costs tbody tr')].map((r) => r.cells[0].innerText)"
    )
    head = "document.querySelector('#table-costs th:nth-child(2)')"
    first = browser.ask(rows)
    assert first == ["train_sgns", "aggregate", "all"]
    seen = []
    for press in (f"{head}.querySelector('button').click()", None, None):
        if press:
            browser.ask(press)
        else:
            browser.ask(f"{head}.querySelector('button').focus()")
            browser.press("Enter")
        seen.append((browser.ask(f"{head}.getAttribute('aria-sort')"), browser.ask(rows)))
    assert seen == [
        ("ascending", ["aggregate", "train_sgns", "all"]),  # 1 and 3 jobs; the sum stays below
        ("descending", first),
        (None, first),
    ]
    other = "document.querySelector('#table-costs th:nth-child(1) button')"
    browser.ask(f"{head}.querySelector('button').click(), {other}.click()")
    assert browser.ask("document.querySelectorAll('#table-costs [aria-sort]').length") == 1
    assert browser.ask(rows) == ["aggregate", "train_sgns", "all"]


@in_browser
def test_figures_open_large_and_escape_goes_back(rendered, browser):
    browser.open(rendered[1].with_suffix(".html"))
    assert (
        browser.ask("document.querySelectorAll('figure .enlarge img[alt]:not([alt=\"\"])').length")
        == 5
    )
    opened = "document.querySelector('dialog').open"
    browser.ask("document.querySelector('#figure-similarity .enlarge').focus()")
    browser.press("Enter")
    assert browser.ask(opened)
    figure = "document.querySelector('#figure-similarity img')"
    assert browser.ask(f"document.querySelector('dialog img').alt === {figure}.alt")
    assert browser.ask("document.querySelector('dialog').innerText.includes('Figure 5.')")
    assert browser.ask(f"document.querySelector('dialog img').width > 1.3 * {figure}.width")
    browser.press("Escape")
    assert not browser.ask(opened)
    assert browser.ask(f"document.activeElement.contains({figure})")
    browser.ask(f"{figure}.click()")
    assert browser.ask(opened)
    browser.ask("document.querySelector('dialog button').click()")
    assert not browser.ask(opened)


@in_browser
@pytest.mark.parametrize(("width", "is_open"), [(360, False), (1280, True)])
def test_no_window_is_too_narrow_for_the_page(each, browser, width, is_open):
    browser.open(each[1].with_suffix(".html"), width)
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth")
    assert browser.ask("document.querySelector('nav details').open") == is_open
    browser.ask("document.querySelector('#refs').scrollIntoView()")
    assert browser.ask("document.querySelector('nav').getBoundingClientRect().top") in (0, 16)


@in_browser
def test_the_verdicts_fit_a_phone(rendered, browser):
    browser.open(rendered[1].with_suffix(".html"), 390)
    box = "document.querySelector('#table-verdicts')"
    assert browser.ask(f"{box}.scrollWidth <= {box}.clientWidth")
    heads = browser.ask(f"[...{box}.querySelectorAll('th')].map((head) => head.innerText)")
    assert heads == ["claim and part", "effect", "95 %", "verdict"]


# In a sentence, of its own and in a list: wider than any window, whatever the fonts are.
WIDE = '<math display="{}"><mspace width="2000px"></mspace></math>'
EQUATIONS = f"""<p>From {WIDE.format("inline")} it follows that</p><p>{WIDE.format("block")}</p>
<ul><li>{WIDE.format("inline")}</li><li>{WIDE.format("block")}</li></ul>"""


@in_browser
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [320, 360, 390])
def test_an_equation_wider_than_the_window_scrolls_by_itself(
    each, browser, tmp_path, width, scripts
):
    html = re.sub('<main id="the-text"[^>]*>', lambda main: main.group() + EQUATIONS, each[0])
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "page.html", width, scripts=scripts)
    assert browser.ask("document.scrollingElement.scrollWidth <= innerWidth")
    wide = "[...document.querySelectorAll('math:has(> mspace)')]"
    boxes = browser.ask(f"{wide}.map((math) => [math.clientWidth, math.scrollWidth])")
    assert len(boxes) == 4
    assert all(0 < seen < width and whole >= 2000 for seen, whole in boxes)
    browser.ask(f"{wide}.forEach((math) => math.scrollBy(1e6, 0))")
    assert all(browser.ask(f"{wide}.map((math) => math.scrollLeft > 1500)"))


@in_browser
def test_the_browser_asks_for_nothing_and_finds_nothing_wrong(each, browser):
    page = each[1].with_suffix(".html")
    browser.problems.clear()
    browser.requests.clear()
    browser.open(page)
    assert browser.problems == []
    assert browser.requests == [page.resolve().as_uri()]


@in_browser
def test_no_script_runs_and_no_request_leaves_for_hostile_text(rendered_hostile, browser):
    page = rendered_hostile[1].with_suffix(".html")
    browser.problems.clear()
    browser.requests.clear()
    browser.open(page)
    assert browser.problems == []
    assert browser.requests == [page.resolve().as_uri()]
    assert browser.ask("[typeof alien, typeof numberOf]") == ["undefined", "function"]
    text = without_space(browser.ask("document.body.innerText"))
    assert [attack for attack in ATTACKS if without_space(attack) not in text] == []
    cells = "[...document.querySelectorAll('#table-neighbours td:first-child')]"
    shown = browser.ask(f"{cells}.map((cell) => cell.innerText)")
    assert [without_space(word) for word in shown] == [without_space(word) for word in ATTACKS]
    browser.ask("document.querySelector('#table-neighbours th button').click()")
    browser.ask("document.querySelector('figure .enlarge').click()")
    assert browser.problems == []
    assert browser.ask("typeof alien") == "undefined"


@in_browser
def test_no_other_script_runs(rendered, browser, tmp_path):
    html = rendered[0].replace("</main>", "<script>window.alien = 1</script></main>")
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "page.html")
    assert browser.ask("[typeof alien, typeof numberOf]") == ["undefined", "function"]
    assert any("Content Security Policy" in problem for problem in browser.problems)
    browser.problems.clear()


@in_browser
def test_without_scripts_the_page_is_whole(rendered, browser):
    browser.open(rendered[1].with_suffix(".html"), 360, scripts=False)
    assert browser.ask("document.querySelectorAll('button, dialog').length") == 0
    assert browser.ask("document.querySelector('nav details').open")
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth")


# What neither controls a device nor the direction of writing; that becomes space.
SEEN = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\u202a\u202b\u202c\u202d"
    "\u202e\u2066\u2067\u2068\u2069"
)  # fmt: skip


@settings(max_examples=10)
@given(
    st.lists(
        st.text(SEEN, min_size=1),
        min_size=20,
        max_size=40,
    )
)
def test_escaped_text_comes_out_as_it_was(texts):
    expected = [" ".join(text.split()) for text in texts]
    expected = [text for text in expected if text]
    source = "\n\n".join(f"x{escape_markdown(text)}x" for text in expected)
    html = pypandoc.convert_text(source, "html", format=MARKDOWN, extra_args=["--wrap=none"])
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= {"p"}
    lines = [" ".join(line.split()) for line in page.text.split("\n") if line.strip()]
    assert lines == [f"x{text}x" for text in expected]


def test_code_keeps_backticks():
    html = pypandoc.convert_text(code("a``b` <c>"), "html", format=MARKDOWN)
    assert Page(html).text.strip() == "a``b` <c>"


def test_figures_and_tables_are_numbered_by_their_captions():
    text = f"{reference('Table', 'b')}, {reference('Figure', 'b')}"
    text += "".join(f"\n{caption('Table', name, '*x*')}" for name in "ab")
    text += f"\n{caption('Figure', 'b', 'y', '[z]')}"
    assert numbered(text).splitlines() == [
        "[Table 2](#table-b), [Figure 1](#figure-b)",
        *("**Table 1.** *x*", "**Table 2.** *x*", "**Figure 1.** y [z]"),
    ]
    with pytest.raises(ValueError, match="Figure z"):
        numbered(text + reference("Figure", "z"))


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_looks_like_a_number_to_come(text):
    assert numbered(escape_markdown(text) + code(text)) == escape_markdown(text) + code(text)
    for escaped in (escape_markdown(text), code(text)):
        assert not {"\x01", "\x02"} & set(escaped)
