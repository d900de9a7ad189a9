# Needs make and Python 3.11 or newer. Everything else goes into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# deid brings much with it, and pydicom finds its decoders by what is installed: not into the environment of the tests.
BENCH_VENV ?= .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed
BENCH ?= --out bench.json

.PHONY: demo test lint types unit bench clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xnat-pixelanon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sandbox,test]'
	touch $@

$(BENCH_STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xnat-pixelanon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench,sandbox]' 'pylibjpeg>=2.0' 'pylibjpeg-openjpeg>=2.5'
	touch $@

demo: $(STAMP)  ## the whole job on two stand-in XNATs, with pictures of phantoms
	$(BIN)/xnat-pixelanon demo

test: lint types unit  ## everything that has to hold

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP)
	$(BIN)/python -m pytest -q -n auto

bench: $(BENCH_STAMP)  ## measure beside cp, a naive loop and deid; BENCH='--scale 0.1 --only ct' for less
	$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(BENCH_VENV) bench.json demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
