# From models to the answer: tidy tables, verdicts, figures, the report.
DRAWN_BY = ("figures.wording", "figures.plotting.published", "figures.plotting.save_svg")
STYLE = ("figures/captions/macros.md", "figures/published.mplstyle")


rule aggregate:
    input:
        [files.embeddings, files.scores, files.similarities, files.neighbours, files.maps],
        [files.classifiers, files.baselines, files.predictions],
        [expand(files.text, draw=plan.draws(study)[0]), files.vocabulary],
    output:
        files.aggregated,
    log:
        f"{RESULTS}/logs/aggregate.log",
    benchmark:
        f"{RESULTS}/benchmarks/aggregate/all.tsv"
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=code_digest("aggregate.gather"),
    shell:
        f"sgns-study aggregate --study {STUDY} 2> {{log}}"


rule claims:
    input:
        files.aggregated,
    output:
        files.judged,
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims/all.tsv"
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=code_digest("evaluation.verdicts"),
    shell:
        f"sgns-study claims --study {STUDY} 2> {{log}}"


rule timings:
    input:
        [files.scores, files.classifiers, files.baselines],
    output:
        f"{RESULTS}/timings.csv",
    log:
        f"{RESULTS}/logs/timings.log",
    benchmark:
        f"{RESULTS}/benchmarks/timings/all.tsv"
    params:
        code=code_digest("aggregate.timings"),
    shell:
        f"sgns-study timings --study {STUDY} 2> {{log}}"


rule figure:
    input:
        lambda wildcards: files.of(*(f"{name}.csv" for name in FIGURES[wildcards.figure])),
    output:
        report(f"{REPORTS}/figures/{{figure}}.svg", category="Figures"),
        f"{REPORTS}/figures/{{figure}}.md",
    log:
        f"{RESULTS}/logs/figure/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figure/{{figure}}.tsv"
    params:
        code=lambda wildcards: code_digest(f"figures.{wildcards.figure}", *DRAWN_BY),
        style=lambda wildcards: data_digest(f"figures/captions/{wildcards.figure}.md", *STYLE),
    shell:
        f"sgns-study figure {{wildcards.figure}} --study {STUDY} 2> {{log}}"


rule report:
    input:
        files.of(*(f"{name}.csv" for name in tables_of(study)), "timings.csv"),
        files.records(study) + files.of(*["metrics.json"] * bool(study.grid.inits)),
        expand(f"{REPORTS}/figures/{{figure}}{{end}}", figure=FIGURES, end=(".svg", ".md")),
    output:
        report(f"{REPORTS}/report.html", category="Report"),
        multiext(f"{REPORTS}/", "report.pdf", "appendix.html", "answer.txt"),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report/all.tsv"
    params:
        study=lambda wildcards: study.model_dump_json(),
        code=[code_digest("report.render", "params"), data_digest("report")],
    shell:
        f"sgns-study report --study {STUDY} 2> {{log}}"
