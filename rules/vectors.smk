# Word vectors of each recipe, radius, dimension and seed, and what they know of words.
SCORED_BY = ("intrinsic", "probes", "vectors.MAIN_SETS")
MODEL = "{recipe}-r{radius}-d{dim}-s{seed}"


rule train_sgns:
    input:
        lambda wildcards: files.read_by(study, wildcards.recipe, wildcards.radius, wildcards.seed),
        files.vocabulary,
    output:
        multiext(f"{RESULTS}/embeddings/{MODEL}/", "vectors.safetensors", "curves.csv", "run.json"),
    log:
        f"{RESULTS}/logs/train_sgns/{MODEL}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_sgns/{MODEL}.tsv"
    params:
        settings=lambda wildcards: study.recipes[wildcards.recipe].model_dump_json(exclude={"like"}),
        device=lambda wildcards: plan.device_of(study, wildcards.recipe),
        code=lambda w: code_digest(f"sgns.recipes.train_{study.recipes[w.recipe].kind}"),
    shell:
        f"sgns-study train-sgns --study {STUDY} --recipe {{wildcards.recipe}} "
        "--radius {wildcards.radius} --dim {wildcards.dim} --seed {wildcards.seed} 2> {log}"


rule evaluate_vectors:
    input:
        word_sets(study),
        f"{RESULTS}/embeddings/{MODEL}/vectors.safetensors",
    output:
        [f"{RESULTS}/vectors/{MODEL}/{table}.csv" for table in plan.SCORED],
    log:
        f"{RESULTS}/logs/evaluate_vectors/{MODEL}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_vectors/{MODEL}.tsv"
    params:
        settings=lambda wildcards: study.model_dump_json(include={"corpus", "evaluation"}),
        code=code_digest("corpora.planted.synonym_sets", *map("evaluation.{}".format, SCORED_BY)),
    shell:
        f"sgns-study evaluate-vectors --study {STUDY} --recipe {{wildcards.recipe}} "
        "--radius {wildcards.radius} --dim {wildcards.dim} --seed {wildcards.seed} 2> {log}"
