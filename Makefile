# make demo: the whole study on a planted corpus. make study: on IMDB. make test: the tests.
# The first Python here that the pins have wheels for and that can make an environment.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3; do $$each -c "import sys, \
    ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" 2> /dev/null && echo $$each \
    && break; done)
PARAMS ?= params.yaml
CORES ?= all
RUN := . .venv/bin/activate &&
# Containers often set it: then each job compiles the sources of its libraries anew, a second or two.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo study restore test campaigns check clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## create .venv with the pinned packages

.venv/installed: requirements.lock pyproject.toml
	$(if $(PYTHON),$(PYTHON) -m venv .venv,$(if $(shell command -v uv),uv venv --seed --python 3.11 \
	    .venv,$(error Install Python 3.11, 3.12 or 3.13 with venv (Debian: python3-venv), or uv)))
	.venv/bin/pip install --quiet --no-compile -r requirements.lock
	.venv/bin/pip install --quiet --no-compile --no-deps --no-build-isolation --editable .
	touch $@

demo: install ## the workflow on the planted corpus: no network, some minutes
	$(RUN) sgns-study run config/demo.yaml --cores $(CORES)

study: install ## the study of PARAMS (default: params.yaml, IMDB)
	$(RUN) sgns-study run $(PARAMS) --cores $(CORES)

restore: install ## the files of the study of PARAMS, from DVC's cache or remote
	$(RUN) sgns-study restore $(PARAMS)

test: install ## the tests, but for the campaigns
	$(RUN) pytest -n 2 --dist loadgroup -m "not faults and not slurm" $(PYTEST_ARGS)

campaigns: install ## a sample of faults, and the study on a SLURM of one node
	$(RUN) pytest -n 2 --dist loadgroup -m "faults or slurm" $(PYTEST_ARGS)

check: install ## lint, format and types
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) mypy

clean: ## remove the demo's files and caches; results of studies stay
	rm -rf results/demo reports/demo .pytest_cache .mypy_cache .ruff_cache
