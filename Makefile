# Needs make and Python 3.11 or newer. Everything else goes into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint types unit long clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "xnat-pixelanon needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sandbox,test]'
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
	$(BIN)/python -m pytest -q -n auto -m "not long"

long: $(STAMP)  ## tests that take minutes, and 10 GB of room in TMPDIR
	$(BIN)/python -m pytest -q -m long

clean:
	rm -rf $(VENV) demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
