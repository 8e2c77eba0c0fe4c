# A new machine needs Python 3.11+ and make; `make quickstart` and `make test` install the rest.
VENV := .venv
PYTHON := $(VENV)/bin/python
# The first interpreter that runs and is new enough; `command -v` also finds shims of version managers that do not run.
BOOTSTRAP := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

FRAMEWORKS := .venv-frameworks
FRAMEWORK_TESTS := $(addprefix tests/trainer/adapters/test_,accelerate.py lightning.py transformers.py)

.PHONY: quickstart test test-frameworks check bench bench-search chaos clean docs schema

quickstart: $(VENV)/installed
	$(VENV)/bin/hpsearch run studies/quickstart.toml

test: $(VENV)/installed-test
	$(VENV)/bin/pytest -n auto --dist loadgroup --max-worker-restart 0

# Lightning, transformers and Accelerate are in an environment of their own, which also has what is in $(VENV).
test-frameworks: $(FRAMEWORKS)/installed
	$(FRAMEWORKS)/bin/python -m pytest -m "" $(FRAMEWORK_TESTS)

check: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: audit
# Known holes in what is installed, from the advisory database of PyPI. pip-audit is installed in a folder of its own.
audit: $(VENV)/installed
	$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --path "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		--skip-editable

bench: $(VENV)/installed-test
	$(PYTHON) -m tests.benchmarks

# Search methods on recorded learning curves, from HPSEARCH_DATA; LCBench also needs onnxruntime. About 10 minutes.
bench-search: $(VENV)/installed-test
	$(PYTHON) -m tests.benchmarks.bench_search $(ARGS)

chaos: $(VENV)/installed-test
	$(VENV)/bin/pytest -m chaos

schema: $(VENV)/installed
	$(PYTHON) -m hpsearch.study.file.json_schema studies/study.schema.json

docs: $(VENV)/installed
	$(PYTHON) docs/api_page.py

clean:
	rm -rf $(VENV) $(FRAMEWORKS) .venv-audit .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	@test -n "$(BOOTSTRAP)" || { echo "hpsearch needs Python 3.11 or newer, and none is on the PATH"; exit 1; }
	$(BOOTSTRAP) -m venv $(VENV)

$(VENV)/installed: $(PYTHON) pyproject.toml
	$(PYTHON) -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PYTHON) -m pip install --quiet --editable ".[test]"
	touch $@

$(FRAMEWORKS)/installed: $(VENV)/installed-test
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(FRAMEWORKS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	$(FRAMEWORKS)/bin/python -m pip install --quiet --editable ".[frameworks]"
	touch $@
