# Classifiers of labelled documents: the Conv1d from each start, and baselines beside it.
VARIANT, BASELINE = "{variant}-s{seed}", "{baseline}-s{seed}"
KEPT, OTHERS = (f"{{variant}}-s{{seed,{guards.any_of(s)}}}" for s in plan.kept_seeds(study))
CLASSIFIER = ("classifiers.inits", "classifiers.fit.train_classifier", "samples.first_documents")
FITTED = ("curves.csv", "predictions.csv", "run.json")


rule train_classifier:
    input:
        [files.tokens, f"{RESULTS}/tokens/classes.csv"],
        f"{RESULTS}/samples/classifier-s{{seed}}.csv",
        lambda wildcards: files.vectors_of(VARIANTS[wildcards.variant], wildcards.seed),
    output:
        multiext(f"{RESULTS}/classifiers/{KEPT}/", *FITTED, "model.safetensors"),
    log:
        f"{RESULTS}/logs/train_classifier/{VARIANT}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_classifier/{VARIANT}.tsv"
    params:
        settings=lambda w: plan.settings_of(study, VARIANTS[w.variant]).model_dump_json(),
        device=study.device,
        code=code_digest("tokens.padded", "tokens.usual_length", *CLASSIFIER),
    shell:
        f"sgns-study train-classifier --study {STUDY} --variant {{wildcards.variant}} "
        "--seed {wildcards.seed} 2> {log}"


use rule train_classifier as train_repeated with:  # by further seeds, whose weights are not kept
    output:
        multiext(f"{RESULTS}/classifiers/{OTHERS}/", *FITTED),


rule train_baseline:
    input:
        files.tokens,
        f"{RESULTS}/samples/classifier-s{{seed}}.csv",
        lambda wildcards: files.vectors_of(BASELINES[wildcards.baseline], wildcards.seed),
    output:
        multiext(f"{RESULTS}/baselines/{BASELINE}/", *FITTED),
    log:
        f"{RESULTS}/logs/train_baseline/{BASELINE}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_baseline/{BASELINE}.tsv"
    params:
        code=code_digest("classifiers.baselines", "samples.first_documents"),
    shell:
        f"sgns-study train-baseline --study {STUDY} --baseline {{wildcards.baseline}} "
        "--seed {wildcards.seed} 2> {log}"
