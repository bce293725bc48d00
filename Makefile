# `make lab` to use it, `make test` to check it, `make dev` and `make test-fast` to work on it (CONTRIBUTING.md).
# Each sets up what it needs in .venv first, from the versions in constraints.txt.
PYTHON ?= $(shell tools/find-python)
VENV := .venv
BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest
MEASURED = $(BIN)/python -m coverage run -m pytest -p no:playwright -q --dist loadfile -m "not browser and not postgres"
NPM_PATH := PATH="$(CURDIR)/$(BIN):$$PATH"
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# The variables reach the environment in which the wheel is built, too.
INSTALL := PIP_CONSTRAINT="$(CURDIR)/constraints.txt" PIP_BUILD_CONSTRAINT="$(CURDIR)/constraints.txt" \
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --editable

.PHONY: lab dev test test-all test-fast check docs test-js test-python test-browser test-hub coverage coverage-report \
	bench bench-smoke constraints clean

lab: $(VENV)/lab
	@tools/system-packages lab
	$(BIN)/jupyter lab $(AS_ROOT) --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/quickstart.ipynb $(LAB_OPTIONS)

dev: $(VENV)/dev js/node_modules
	@tools/system-packages lab
	$(NPM_PATH) $(BIN)/python tools/dev.py $(AS_ROOT) $(LAB_OPTIONS)

test: check docs test-js test-python test-browser test-hub

# All that there is: also every benchmark in its shortest form.
test-all: test bench-smoke

# Tests that start no process, browser or database, and draw nothing: under 30 s on two idle cores. Compiled tests are
# kept, whatever the environment says: without them each run would begin by compiling.
test-fast: $(VENV)/dev js/node_modules
	cd js && $(NPM_PATH) npx vitest run --no-isolate --silent
	PYTHONDONTWRITEBYTECODE= $(PYTEST) -p no:playwright -q -n 2 --dist loadfile -m fast --hypothesis-profile=fast tests \
		--ignore tests/e2e --ignore tests/hub --ignore tests/notebooks --ignore tests/conformance

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs dist/docs

test-js: $(VENV)/dev js/node_modules
	cd js && $(NPM_PATH) npm run check && $(NPM_PATH) npm test

js/node_modules: js/package-lock.json $(VENV)/dev
	cd js && $(NPM_PATH) npm ci --no-audit --no-fund
	@touch $@

test-python: $(VENV)/dev
	@tools/system-packages test
	$(NPM_PATH) $(PYTEST) -p no:playwright -n 3 --dist loadfile tests --ignore tests/e2e --ignore tests/hub --ignore tests/jupyter
	$(PYTEST) -p no:playwright -n 2 --dist loadfile tests/jupyter

test-browser: $(VENV)/dev
	@tools/system-packages test
	$(PYTEST) -n 2 --dist loadfile tests/e2e

test-hub: $(VENV)/dev tests/hub/node_modules
	@tools/system-packages test
	$(PYTEST) tests/hub

tests/hub/node_modules: tests/hub/package-lock.json $(VENV)/dev
	cd tests/hub && $(NPM_PATH) npm ci --no-audit --no-fund
	@touch $@

# The tests of Python without browsers, with an account of what they execute in all their processes (dist/coverage).
# Fails on modules that no test executes, and on those below 60 % without a reason (tests/coverage_reasons.toml). Measured
# programs are half as fast, so tests that need full speed may fail here; the verdict on the tests is that of `make test`.
coverage: $(VENV)/dev
	@tools/system-packages test
	rm -rf dist/coverage && mkdir -p dist/coverage
	-$(NPM_PATH) $(MEASURED) -n 3 tests --ignore tests/jupyter
	-$(MEASURED) -n 2 tests/jupyter
	$(MAKE) coverage-report

coverage-report:
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage json --quiet
	$(BIN)/python tools/coverage_report.py

# Streaming alone, about twenty minutes on a quiet machine; the other benchmarks are commands of their own.
bench: $(VENV)/dev
	@tools/system-packages bench
	$(BIN)/python -m benchmarks.main_road
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.viewers
	$(BIN)/python -m benchmarks.network --quick
	$(BIN)/python -m benchmarks.soak --minutes 5

bench-smoke: $(VENV)/dev
	@tools/system-packages test
	$(NPM_PATH) $(BIN)/python -m benchmarks --smoke

$(VENV)/lab: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) ".[lab]"
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt js/package-lock.json
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) ".[dev]"
	@touch $@ $(VENV)/lab

# The newest of everything that pyproject.toml allows, in an environment of its own; then try `make test-all`.
constraints:
	$(PYTHON) -m venv --clear dist/newest
	dist/newest/bin/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	dist/newest/bin/python tools/constraints.py > dist/newest/constraints.txt
	mv dist/newest/constraints.txt constraints.txt

clean:
	rm -rf $(VENV) dist js/node_modules tests/hub/node_modules openspace_widget/view/static server_ext/openspace_server/jupyter/static
