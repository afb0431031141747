# Does pretraining word vectors help a text classifier, and which choices matter?
#
#   download → tokenize → sample → build_text, build_pairs{radius}                    rules/data.smk
#       → train_sgns{recipe,radius,dim,seed} → evaluate_vectors                    rules/vectors.smk
#       → train_classifier{init,…,seed}, train_baseline                        rules/classifiers.smk
#       → aggregate → claims → figure → report                                     rules/results.smk
#
# Each rule is one call of the command line `sgns-study`, which finds its settings in STUDY. A rule
# runs again when its inputs or its `params` change: its section of the parameters, and a digest of
# the code that computes its outputs.
import time

from sgns_study import guards, plan
from sgns_study.corpora.registry import CODE, raw_files, word_sets
from sgns_study.figures import figures_of, tables_of
from sgns_study.provenance import code_digest, data_digest

STARTED = time.time()

if not workflow.overwrite_configfiles:

    configfile: "params.yaml"


study = guards.checked_study(workflow, config)
files = plan.Files(study)
RESULTS, REPORTS = files.results, files.reports
STUDY = f"{RESULTS}/study.json"
VARIANTS, BASELINES = plan.named(plan.variants(study)), plan.named(plan.baselines(study))
FIGURES = figures_of(study)
shell.prefix(guards.path_of_this_python())


wildcard_constraints:
    recipe="|".join(plan.recipes(study)),
    radius=r"\d+",
    dim=r"\d+",
    draw=r"(/s\d+)?",  # of text: empty where all seeds share one
    seed="|".join(map(str, study.grid.seeds)),
    variant=guards.any_of(VARIANTS),
    baseline=guards.any_of(BASELINES),
    figure=guards.any_of(FIGURES),
    sample="|".join(plan.samples(study)),


onstart:
    guards.start(study, workflow, STARTED)


onerror:
    guards.explain(study, log)


include: "rules/data.smk"
include: "rules/vectors.smk"
include: "rules/classifiers.smk"
include: "rules/results.smk"


rule all:
    default_target: True
    input:
        multiext(f"{REPORTS}/report", ".html", ".pdf"),
        f"{RESULTS}/timings.csv",


rule data:
    input:
        raw_files(study),
        word_sets(study),
        files.tokens,
        expand(files.text, draw=plan.draws(study)),
        expand(files.pairs, draw=plan.draws(study), radius={m.radius for m in plan.models(study)}),
        expand(f"{RESULTS}/samples/{{sample}}.csv", sample=plan.samples(study)),


rule embeddings:
    input:
        files.embeddings,


rule vectors:
    input:
        files.scores,


rule classifiers:
    input:
        files.classifiers,
        files.baselines,
