# A new machine needs Python 3.11+ and make; `make quickstart` and `make test` install the rest.
VENV := .venv
PYTHON := $(VENV)/bin/python
# The first interpreter that runs and is new enough; `command -v` also finds shims of version managers that do not run.
BOOTSTRAP := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

FRAMEWORKS := .venv-frameworks
FRAMEWORK_TESTS := $(addprefix tests/trainer/adapters/test_,accelerate.py functions_keras.py lightning.py \
	script_libraries_packages.py transformers.py)

# `make test-lowest` and `make test-newest` test both ends of the version ranges in pyproject.toml. TORCH: the build of
# torch, such as `cpu` or `cu130`, from PyTorch's own index; empty: PyPI's build.
TORCH :=
BOUNDS_TESTS := tests/journal tests/records tests/samplers tests/tracking tests/plots tests/reports tests/study tests/cli

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-slow test-frameworks test-lowest test-newest check audit wheel lock bench bench-search chaos clean docs schema

help:  ## list what make can do
	@echo "hpsearch: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

quickstart: $(VENV)/installed  ## install hpsearch in .venv, and run a small study (1 minute)
	$(VENV)/bin/hpsearch run studies/quickstart.toml

test: $(VENV)/installed-test  ## the tests, without those that are slow, kill processes or measure
	$(VENV)/bin/pytest -n auto --dist loadgroup --max-worker-restart 0

test-slow: $(VENV)/installed-test  ## the slow tests
	$(VENV)/bin/pytest -n auto --dist loadgroup --max-worker-restart 0 -m slow

# Lightning, transformers and Accelerate are in a separate environment, which also uses the packages of $(VENV).
test-frameworks: $(FRAMEWORKS)/installed  ## the tests of Lightning, transformers, Accelerate, Keras, Hydra and libraries for options
	$(FRAMEWORKS)/bin/python -m pytest -m "" $(FRAMEWORK_TESTS)

test-lowest: .venv-lowest/installed  ## tests with the oldest versions that pyproject.toml allows
	.venv-lowest/bin/python -m pytest -n auto --dist loadgroup $(BOUNDS_TESTS)

test-newest: .venv-newest/installed  ## tests with the newest versions
	.venv-newest/bin/python -m pytest -n auto --dist loadgroup $(BOUNDS_TESTS)

check: $(VENV)/installed-test  ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Known vulnerabilities in the installed packages, from PyPI's advisory database. pip-audit has a separate environment.
audit: $(VENV)/installed  ## known vulnerabilities in the installed packages
	rm -f .venv-audit/found.json
	$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --path "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		--skip-editable --format json --output .venv-audit/found.json || true
	$(PYTHON) -m tests.support.audit .venv-audit/found.json

wheel: $(VENV)/installed-build  ## build wheel and sdist in dist/, check them, and try the wheel outside the repository
	rm -rf dist
	$(PYTHON) -m build --no-isolation --outdir dist .
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) -m tests.support.try_wheel dist/*.whl

lock: $(VENV)/installed-test  ## write the versions of .venv to constraints.txt
	{ sed -n '/^#/p' constraints.txt; $(PYTHON) -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.new
	mv constraints.new constraints.txt

bench: $(VENV)/installed-test  ## measurements
	$(PYTHON) -m tests.benchmarks

# Search methods on recorded learning curves, from HPSEARCH_DATA; LCBench also needs onnxruntime. About 10 minutes.
bench-search: $(VENV)/installed-test  ## search methods on recorded learning curves
	$(PYTHON) -m tests.benchmarks.bench_search $(ARGS)

chaos: $(VENV)/installed-test  ## tests that kill processes
	$(VENV)/bin/pytest -m chaos

schema: $(VENV)/installed  ## write studies/study.schema.json
	$(PYTHON) -m hpsearch.study.file.json_schema studies/study.schema.json

docs: $(VENV)/installed  ## write docs/api.md
	$(PYTHON) docs/api_page.py

clean:  ## remove the environments and caches
	rm -rf $(VENV) $(FRAMEWORKS) .venv-lowest .venv-newest .venv-audit dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	@test -n "$(BOOTSTRAP)" || { echo "hpsearch needs Python 3.11 or newer, and none is on the PATH"; exit 1; }
	$(BOOTSTRAP) -m venv $(VENV)

$(VENV)/installed: $(PYTHON) pyproject.toml constraints.txt
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

$(VENV)/installed-build: $(VENV)/installed-test
	$(PYTHON) -m pip install --quiet build hatchling twine
	touch $@

.venv-lowest/installed .venv-newest/installed: pyproject.toml $(PYTHON)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet uv
	$(@D)/bin/uv pip install --quiet --python $(@D)/bin/python $(if $(TORCH),--torch-backend $(TORCH)) \
		--resolution $(if $(findstring lowest,$@),lowest-direct,highest) --editable ".[test]" \
		$(if $(TORCH),|| { echo "TORCH=$(TORCH) needs PyTorch's own index. Without TORCH make takes PyPI's build (6 GB)"; exit 1; })
	touch $@

$(FRAMEWORKS)/installed: $(VENV)/installed-test
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(FRAMEWORKS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	$(FRAMEWORKS)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[frameworks]"
	touch $@
