# Does pretraining word vectors help a text classifier, and which choices matter?
#
#   download → tokenize → sample → build_text, build_pairs{radius}
#       → train_sgns{recipe,radius,dim,seed} → evaluate_vectors
#       → train_classifier{init,…,seed}, train_baseline → aggregate → claims, summarise
#       → figure → report
#
# Each rule is one call of the command line `sgns-study`. A rule runs again when its inputs, its own
# section of the parameters or the code it runs (`code_digest`) changed, and only then.
import os
import re
import sys
import time
from pathlib import Path

from snakemake.logging import logger

from sgns_study import plan
from sgns_study.artifacts import JOBS_LOCK, lock_study
from sgns_study.corpora.registry import corpus_sizes, own_files, required_sources
from sgns_study.corpora.sources import SOURCES, evaluation_sources
from sgns_study.devices import chosen
from sgns_study.errors import StudyError
from sgns_study.guards import check_writable, speak_plainly
from sgns_study.figures import figures_of, tables_of
from sgns_study.params import check_study, read_parameters
from sgns_study.provenance import code_digest, data_digest
from sgns_study.restore import check_recorded

if not workflow.overwrite_configfiles:

    configfile: "params.yaml"


try:
    study = check_study(config, origin=" + ".join(map(str, workflow.configfiles)))
    study.check_documents(corpus_sizes(study.corpus))
    for file in workflow.configfiles if workflow.is_main_process else []:
        read_parameters(Path(file))  # of a key given twice Snakemake has taken one without a word
    if workflow.is_main_process and not {"--touch", "-t"} & set(sys.argv):
        check_recorded(Path("results", study.study))
except (StudyError, ValueError) as error:
    raise WorkflowError(str(error)) from None

# Texts of the user's own are parameters by way of functions: in a string Snakemake would take braces
# for wildcards.
RESULTS = f"results/{study.study}"
REPORTS = f"reports/{study.study}"
os.environ[JOBS_LOCK] = f"{RESULTS}/jobs.lock"  # for all jobs
RAW = [f"data/raw/{SOURCES[name].file}" for name in required_sources(study.corpus, study.tokens)]
RAW += own_files(study.corpus)
PUBLIC_SETS = [
    f"data/raw/{SOURCES[name].file}"
    for name in evaluation_sources()
    if study.evaluation.public_sets
]
FIGURES = figures_of(study)
TABLES = [f"{RESULTS}/{name}.csv" for name in tables_of(study)]
SEEDS = study.grid.seeds
MODELS, VARIANTS, BASELINES = plan.models(study), plan.variants(study), plan.baselines(study)
SGNS = "{recipe}-r{radius}-d{dim}-s{seed}"
EMBEDDINGS, SCORES, NEIGHBOURS, MAPS = (
    expand(f"{RESULTS}/{file}", model=[model.name for model in MODELS], seed=SEEDS)
    for file in (
        "embeddings/{model}-s{seed}/curves.csv",
        "vectors/{model}-s{seed}/scores.csv",
        "vectors/{model}-s{seed}/neighbours.csv",
        "vectors/{model}-s{seed}/map.csv",
    )
)
CLASSIFIERS = [
    f"{RESULTS}/classifiers/{variant.name}-s{seed}/curves.csv" for variant, seed in plan.runs(study)
]
BASELINE_RUNS = expand(
    f"{RESULTS}/baselines/{{run}}-s{{seed}}/curves.csv",
    run=[baseline.name for baseline in BASELINES],
    seed=SEEDS,
)
PREDICTIONS = [
    path.replace("curves.csv", "predictions.csv") for path in CLASSIFIERS + BASELINE_RUNS
]
OF_CLASSIFIERS = [  # tables of studies that train any
    f"{RESULTS}/{name}"
    for name in ("runs.csv", "correct.npy", "classifier_curves.csv", "experiment_curves.csv")
    if VARIANTS
]
TOKENS = multiext(f"{RESULTS}/tokens/", "ids.npy", "offsets.npy", "documents.csv", "vocabulary.csv")
TEXT = multiext(f"{RESULTS}/text/", "ids.npy", "offsets.npy", "counts.npy")
PAIRS = expand(
    f"{RESULTS}/pairs/r{{{{radius}}}}/{{part}}.npy",
    part=[
        "train_stream",
        "train_centres",
        "validation_stream",
        "validation_centres",
        "validation_negatives",
    ],
)


wildcard_constraints:
    recipe="|".join({model.recipe for model in MODELS}),
    radius=r"\d+",
    dim=r"\d+",
    seed="|".join(map(str, SEEDS)),
    variant="|".join(re.escape(variant.name) for variant in VARIANTS) or "none",
    baseline="|".join(baseline.name for baseline in BASELINES) or "none",
    figure="|".join(FIGURES),


WRITTEN = [RESULTS, REPORTS, ".snakemake"]
STARTED = time.time()
speak_plainly(logger)


onstart:
    global lock  # held until this process ends
    try:
        check_writable(WRITTEN)
        lock = lock_study(Path(RESULTS, "lock"), Path(os.environ[JOBS_LOCK]), since=STARTED)
        if workflow.local_exec:  # the jobs of a cluster see for themselves
            chosen(study.device)
    except StudyError as error:
        raise WorkflowError(str(error)) from None


onerror:
    said = "".join(Path(name).read_text(errors="replace") for name in log)
    if "sgns-study: error:" not in said:  # on a full disk it found no room
        try:
            check_writable(WRITTEN)
        except StudyError as error:
            print(f"sgns-study: error: {error}", file=sys.stderr)


rule all:
    input:
        multiext(f"{REPORTS}/report", ".html", ".pdf"),
        f"{RESULTS}/timings.csv",


rule data:
    input:
        RAW,
        PUBLIC_SETS,
        TOKENS,
        TEXT,
        expand(PAIRS, radius={model.radius for model in MODELS}),
        expand(f"{RESULTS}/samples/classifier-s{{seed}}.csv", seed=SEEDS if VARIANTS else []),


rule embeddings:
    input:
        EMBEDDINGS,


rule vectors:
    input:
        SCORES,


rule classifiers:
    input:
        CLASSIFIERS,
        BASELINE_RUNS,


rule download:
    output:
        "data/raw/{file}",
    log:
        "data/logs/download/{file}.log",
    benchmark:
        "data/benchmarks/download/{file}.tsv"
    retries: 2
    localrule: True  # the nodes of a cluster often reach no network
    shell:
        "sgns-study download {wildcards.file} --folder data/raw 2> {log}"


rule tokenize:
    input:
        RAW,
    output:
        TOKENS,
        classes=f"{RESULTS}/tokens/classes.csv",
        run=f"{RESULTS}/tokens/run.json",
    log:
        f"{RESULTS}/logs/tokenize.log",
    benchmark:
        f"{RESULTS}/benchmarks/tokenize/all.tsv"
    threads: 2
    params:
        corpus=lambda wildcards: study.corpus.model_dump_json(),
        tokens=study.tokens.model_dump_json(),
        code=[code_digest(f"corpora.{study.corpus.kind}"), code_digest("tokens")],
    shell:
        "sgns-study tokenize --raw data/raw --corpus {params.corpus:q} --tokens {params.tokens:q} "
        "--out {RESULTS}/tokens 2> {log}"


rule sample_embedding:
    input:
        f"{RESULTS}/tokens/documents.csv",
    output:
        f"{RESULTS}/samples/embedding.csv",
    log:
        f"{RESULTS}/logs/sample_embedding.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_embedding/all.tsv"
    params:
        sample=study.sampling.embedding.model_dump_json(),
        code=code_digest("samples"),
    shell:
        "sgns-study sample-embedding --documents {input} --settings {params.sample:q} "
        "--out {output} 2> {log}"


rule sample_classifier:
    input:
        f"{RESULTS}/tokens/documents.csv",
    output:
        f"{RESULTS}/samples/classifier-s{{seed}}.csv",
    log:
        f"{RESULTS}/logs/sample_classifier/s{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_classifier/s{{seed}}.tsv"
    params:
        sample=study.sampling.classifier and study.sampling.classifier.model_dump_json(),
        code=code_digest("samples"),
    shell:
        "sgns-study sample-classifier --documents {input} --settings {params.sample:q} "
        "--seed {wildcards.seed} --out {output} 2> {log}"


rule build_text:
    input:
        TOKENS,
        sample=f"{RESULTS}/samples/embedding.csv",
    output:
        TEXT,
        run=f"{RESULTS}/text/run.json",
    log:
        f"{RESULTS}/logs/build_text.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_text/all.tsv"
    params:
        code=code_digest("texts"),
    shell:
        "sgns-study build-text --tokens {RESULTS}/tokens --sample {input.sample} "
        "--out {RESULTS}/text 2> {log}"


rule build_pairs:
    input:
        TOKENS,
        sample=f"{RESULTS}/samples/embedding.csv",
    output:
        PAIRS,
        run=f"{RESULTS}/pairs/r{{radius}}/run.json",
    log:
        f"{RESULTS}/logs/build_pairs/r{{radius}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_pairs/r{{radius}}.tsv"
    params:
        folder=subpath(output.run, parent=True),
        pairs=study.pairs.model_dump_json(),
        code=[code_digest("tokens"), code_digest("pairs")],
    shell:
        "sgns-study build-pairs --tokens {RESULTS}/tokens --sample {input.sample} "
        "--settings {params.pairs:q} --radius {wildcards.radius} --out {params.folder} 2> {log}"


def read_by(recipe, radius):
    """What a recipe reads: the text, the pairs of its radius, or both."""
    files = {"text": TEXT, "pairs": expand(PAIRS, radius=radius)}
    return sum((files[name] for name in study.recipes[recipe].reads), [])


rule train_sgns:
    input:
        lambda wildcards: read_by(wildcards.recipe, wildcards.radius),
        vocabulary=f"{RESULTS}/tokens/vocabulary.csv",
    output:
        vectors=f"{RESULTS}/embeddings/{SGNS}/vectors.safetensors",
        curves=f"{RESULTS}/embeddings/{SGNS}/curves.csv",
        run=f"{RESULTS}/embeddings/{SGNS}/run.json",
    log:
        f"{RESULTS}/logs/train_sgns/{SGNS}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_sgns/{SGNS}.tsv"
    params:
        folder=subpath(output.run, parent=True),
        reads=lambda wildcards: " ".join(
            {
                "text": f"--text {RESULTS}/text",
                "pairs": f"--pairs {RESULTS}/pairs/r{wildcards.radius}",
            }[name]
            for name in study.recipes[wildcards.recipe].reads
        ),
        # the name of the recipe that it is like is not a setting
        recipe=lambda wildcards: study.recipes[wildcards.recipe].model_dump_json(exclude={"like"}),
        device=lambda wildcards: (
            study.device if study.recipes[wildcards.recipe].on_device else "cpu"
        ),
        code=lambda wildcards: code_digest("sgns.recipes"),
    shell:
        "sgns-study train-sgns {params.reads} --vocabulary {input.vocabulary} "
        "--recipe {wildcards.recipe} --settings {params.recipe:q} --radius {wildcards.radius} "
        "--dim {wildcards.dim} --seed {wildcards.seed} --device {params.device} "
        "--out {params.folder} 2> {log}"


rule evaluate_vectors:
    input:
        PUBLIC_SETS,
        vectors=f"{RESULTS}/embeddings/{SGNS}/vectors.safetensors",
    output:
        scores=f"{RESULTS}/vectors/{SGNS}/scores.csv",
        neighbours=f"{RESULTS}/vectors/{SGNS}/neighbours.csv",
        map=f"{RESULTS}/vectors/{SGNS}/map.csv",
    log:
        f"{RESULTS}/logs/evaluate_vectors/{SGNS}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_vectors/{SGNS}.tsv"
    params:
        folder=subpath(output.scores, parent=True),
        corpus=lambda wildcards: study.corpus.model_dump_json(),
        evaluation=lambda wildcards: study.evaluation.model_dump_json(),
        code=[
            code_digest(f"corpora.{study.corpus.kind}"),
            code_digest("evaluation.datasets"),
            code_digest("evaluation.probes"),
        ],
    shell:
        "sgns-study evaluate-vectors --vectors {input.vectors} --raw data/raw "
        "--corpus {params.corpus:q} --settings {params.evaluation:q} --seed {wildcards.seed} "
        "--out {params.folder} 2> {log}"


rule noise:
    input:
        TEXT,
        vocabulary=f"{RESULTS}/tokens/vocabulary.csv",
    output:
        f"{RESULTS}/noise.csv",
    log:
        f"{RESULTS}/logs/noise.log",
    benchmark:
        f"{RESULTS}/benchmarks/noise/all.tsv"
    params:
        # of the first recipe that draws from such noise
        min_count=next(
            (recipe.min_count for recipe in study.recipes.values() if recipe.kind == "word2vec"), 1
        ),
        code=code_digest("evaluation.noise"),
    shell:
        "sgns-study noise --text {RESULTS}/text --vocabulary {input.vocabulary} "
        "--min-count {params.min_count} --out {output} 2> {log}"


VARIANT_OF = {variant.name: variant for variant in VARIANTS}


def vectors_of(run, seed):
    """The vectors that a classifier or a baseline is made from, none for one that reads none."""
    name = run.model and f"{run.model.name}-s{seed}"
    return [f"{RESULTS}/embeddings/{name}/vectors.safetensors"] if name else []


def start(wildcards, input):
    """Options that say where a classifier starts."""
    variant = VARIANT_OF[wildcards.variant]
    options = {"scale": variant.scale, "documents": variant.documents, "vectors": input.vectors}
    given = [f"--{name} {value}" for name, value in options.items() if value]
    return " ".join([f"--init {variant.init} --dim {variant.dim}", *given])


rule train_classifier:
    input:
        TOKENS,
        sample=f"{RESULTS}/samples/classifier-s{{seed}}.csv",
        vectors=lambda wildcards: vectors_of(VARIANT_OF[wildcards.variant], wildcards.seed),
    output:
        curves=f"{RESULTS}/classifiers/{{variant}}-s{{seed}}/curves.csv",
        predictions=f"{RESULTS}/classifiers/{{variant}}-s{{seed}}/predictions.csv",
        run=f"{RESULTS}/classifiers/{{variant}}-s{{seed}}/run.json",
    log:
        f"{RESULTS}/logs/train_classifier/{{variant}}-s{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_classifier/{{variant}}-s{{seed}}.tsv"
    params:
        folder=subpath(output.run, parent=True),
        start=start,
        classifier=lambda wildcards: (
            study.large_classifier if VARIANT_OF[wildcards.variant].large else study.classifier
        ).model_dump_json(),
        device=study.device,
        code=[code_digest("classifiers.fit_on_device"), code_digest("classifiers.inits")],
    shell:
        "sgns-study train-classifier --tokens {RESULTS}/tokens --sample {input.sample} "
        "{params.start} --settings {params.classifier:q} --seed {wildcards.seed} "
        "--device {params.device} --out {params.folder} 2> {log}"


BASELINE_OF = {baseline.name: baseline for baseline in BASELINES}


rule train_baseline:
    input:
        TOKENS,
        sample=f"{RESULTS}/samples/classifier-s{{seed}}.csv",
        vectors=lambda wildcards: vectors_of(BASELINE_OF[wildcards.baseline], wildcards.seed),
    output:
        curves=f"{RESULTS}/baselines/{{baseline}}-s{{seed}}/curves.csv",
        predictions=f"{RESULTS}/baselines/{{baseline}}-s{{seed}}/predictions.csv",
        run=f"{RESULTS}/baselines/{{baseline}}-s{{seed}}/run.json",
    log:
        f"{RESULTS}/logs/train_baseline/{{baseline}}-s{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_baseline/{{baseline}}-s{{seed}}.tsv"
    params:
        folder=subpath(output.run, parent=True),
        kind=lambda wildcards: BASELINE_OF[wildcards.baseline].kind,
        vectors=lambda wildcards, input: f"--vectors {input.vectors}" if input.vectors else "",
        code=code_digest("classifiers.baselines"),
    shell:
        "sgns-study train-baseline --tokens {RESULTS}/tokens --sample {input.sample} "
        "--kind {params.kind} {params.vectors} --out {params.folder} 2> {log}"


rule aggregate:
    input:
        EMBEDDINGS,
        SCORES,
        NEIGHBOURS,
        MAPS,
        CLASSIFIERS,
        BASELINE_RUNS,
        PREDICTIONS,
    output:
        multiext(
            f"{RESULTS}/",
            "recipes.csv",
            "sgns_curves.csv",
            "vectors.csv",
            "neighbours.csv",
            "map.csv",
        ),
        OF_CLASSIFIERS,
    log:
        f"{RESULTS}/logs/aggregate.log",
    benchmark:
        f"{RESULTS}/benchmarks/aggregate/all.tsv"
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=[code_digest("aggregate"), code_digest("evaluation.recipes")],
    shell:
        "sgns-study aggregate --study {params.study:q} --results {RESULTS} 2> {log}"


rule claims:
    input:
        multiext(f"{RESULTS}/", "sgns_curves.csv", "vectors.csv"),
        OF_CLASSIFIERS,
    output:
        multiext(f"{RESULTS}/", "claims.csv", "comparisons.csv"),
        f"{RESULTS}/convergence.csv" if study.grid.inits else [],
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims/all.tsv"
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=code_digest("evaluation.verdicts"),
    shell:
        "sgns-study claims --study {params.study:q} --tables {RESULTS} 2> {log}"


rule summarise:
    input:
        f"{RESULTS}/classifier_curves.csv",
    output:
        f"{RESULTS}/summary.csv",
        f"{RESULTS}/metrics.json",
    log:
        f"{RESULTS}/logs/summarise.log",
    benchmark:
        f"{RESULTS}/benchmarks/summarise/all.tsv"
    params:
        report=lambda wildcards: study.report.model_dump_json(),
        code=code_digest("evaluation.summary"),
    shell:
        "sgns-study summarise --report {params.report:q} --tables {RESULTS} 2> {log}"


rule timings:
    input:
        SCORES,
        CLASSIFIERS,
        BASELINE_RUNS,
    output:
        f"{RESULTS}/timings.csv",
    log:
        f"{RESULTS}/logs/timings.log",
    params:
        code=code_digest("aggregate"),
    shell:
        "sgns-study timings data/benchmarks {RESULTS}/benchmarks --out {output} 2> {log}"


rule figure:
    input:
        lambda wildcards: [f"{RESULTS}/{name}.csv" for name in FIGURES[wildcards.figure]],
    output:
        report(
            f"{REPORTS}/figures/{{figure}}.svg",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        caption=f"{REPORTS}/figures/{{figure}}.md",
    log:
        f"{RESULTS}/logs/figure/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figure/{{figure}}.tsv"
    params:
        code=lambda wildcards: code_digest(f"figures.{wildcards.figure}"),
    shell:
        "sgns-study figure {wildcards.figure} --tables {RESULTS} --out {output[0]} 2> {log}"


RECORDS = sorted(  # of every job that leaves one: the report counts them
    {
        str(Path(path).with_name("run.json"))
        for path in [
            *TOKENS,
            *(path for model in MODELS for path in read_by(model.recipe, model.radius)),
            *EMBEDDINGS,
            *CLASSIFIERS,
            *BASELINE_RUNS,
        ]
    }
)


rule report:
    input:
        TABLES,
        RECORDS,
        f"{RESULTS}/summary.csv" if study.grid.inits else [],
        f"{RESULTS}/timings.csv",
        expand(f"{REPORTS}/figures/{{figure}}.svg", figure=FIGURES),
        expand(f"{REPORTS}/figures/{{figure}}.md", figure=FIGURES),
    output:
        html=report(f"{REPORTS}/report.html", category="Report", labels={"report": "HTML"}),
        pdf=f"{REPORTS}/report.pdf",
    log:
        f"{RESULTS}/logs/report.log",
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=[code_digest("report.render"), code_digest("params"), data_digest("report")],
    shell:
        "sgns-study report --study {params.study:q} --tables {RESULTS} --figures {REPORTS}/figures "
        "--html {output.html} --pdf {output.pdf} 2> {log}"
