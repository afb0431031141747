# From texts to what models read: token ids, samples of documents, windows of a radius.


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
        raw_files(study),
    output:
        files.tokens,
        multiext(f"{RESULTS}/tokens/", "classes.csv", "run.json"),
    log:
        f"{RESULTS}/logs/tokenize.log",
    benchmark:
        f"{RESULTS}/benchmarks/tokenize/all.tsv"
    params:
        # A function, since braces in a string of the user's would be wildcards.
        settings=lambda wildcards: study.model_dump_json(include={"corpus", "tokens"}),
        code=code_digest("tokens.tokenize", *CODE[study.corpus.kind]),
    shell:
        f"sgns-study tokenize --study {STUDY} 2> {{log}}"


rule sample:
    input:
        files.documents,
    output:
        f"{RESULTS}/samples/{{sample}}.csv",
    log:
        f"{RESULTS}/logs/sample/{{sample}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample/{{sample}}.tsv"
    params:
        settings=lambda wildcards: plan.sampling(study, wildcards.sample).model_dump_json(),
        code=code_digest("samples.draw_embedding_sample", "samples.draw_classifier_sample"),
    shell:
        f"sgns-study sample {{wildcards.sample}} --study {STUDY} 2> {{log}}"


rule build_text:
    input:
        files.tokens,
        f"{RESULTS}/samples/embedding{{draw}}.csv",
    output:
        files.text,
        f"{RESULTS}/text{{draw}}/run.json",
    log:
        f"{RESULTS}/logs/build_text{{draw}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_text/all{{draw}}.tsv"
    params:
        code=code_digest("samples.save_text"),
    shell:
        f"sgns-study build-text --study {STUDY} --draw={{wildcards.draw}} 2> {{log}}"


rule build_pairs:
    input:
        files.tokens,
        f"{RESULTS}/samples/embedding{{draw}}.csv",
    output:
        files.pairs,
        f"{RESULTS}/pairs{{draw}}/r{{radius}}/run.json",
    log:
        f"{RESULTS}/logs/build_pairs{{draw}}/r{{radius}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_pairs{{draw}}/r{{radius}}.tsv"
    params:
        settings=study.pairs.model_dump_json(),
        code=code_digest("tokens.truncated", "pairs.powers", "pairs.build_pairs"),
    shell:
        f"sgns-study build-pairs --study {STUDY} --draw={{wildcards.draw}} --radius {{wildcards.radius}} 2> {{log}}"
