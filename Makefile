# `make quickstart` and `make test` are all that a new machine needs: Python 3.11+, make, nothing else.
VENV := .venv
PYTHON := $(VENV)/bin/python
BOOTSTRAP := $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)

.PHONY: quickstart test check bench chaos clean schema

quickstart: $(VENV)/installed
	$(VENV)/bin/hpsearch run studies/quickstart.toml

test: $(VENV)/installed-test
	$(VENV)/bin/pytest

check: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/installed-test
	$(PYTHON) -m tests.benchmarks

chaos: $(VENV)/installed-test
	$(VENV)/bin/pytest -m chaos

schema: $(VENV)/installed
	$(PYTHON) -m hpsearch.study_file.schema studies/study.schema.json

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	$(BOOTSTRAP) -m venv $(VENV)

$(VENV)/installed: $(PYTHON) pyproject.toml
	$(PYTHON) -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PYTHON) -m pip install --quiet --editable ".[test]"
	touch $@
