# Two commands: `make lab` and `make test`. Both set up their own environment in .venv first.
PYTHON ?= $(shell tools/find-python)
VENV := .venv
BIN := $(VENV)/bin
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: lab test check docs test-js test-python test-browser test-hub bench clean

lab: $(VENV)/lab
	@tools/system-packages lab
	$(BIN)/jupyter lab $(AS_ROOT) --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/quickstart.ipynb $(LAB_OPTIONS)

test: check docs test-js test-python test-browser test-hub

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs dist/docs

test-js: $(VENV)/dev js/node_modules
	cd js && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check && PATH="$(CURDIR)/$(BIN):$$PATH" npm test

js/node_modules: js/package-lock.json $(VENV)/dev
	cd js && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund
	@touch $@

test-python: $(VENV)/dev
	@tools/system-packages test
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -p no:playwright -n 3 --dist loadfile tests --ignore tests/e2e --ignore tests/hub --ignore tests/jupyter
	$(BIN)/python -m pytest -p no:playwright -n 2 --dist loadfile tests/jupyter

test-browser: $(VENV)/dev
	@tools/system-packages test
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e

test-hub: $(VENV)/dev tests/hub/node_modules
	@tools/system-packages test
	$(BIN)/python -m pytest tests/hub

tests/hub/node_modules: tests/hub/package-lock.json $(VENV)/dev
	cd tests/hub && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund
	@touch $@

# Streaming alone, about twenty minutes on a quiet machine; the other benchmarks are commands of their own.
bench: $(VENV)/dev
	@tools/system-packages bench
	$(BIN)/python -m benchmarks.main_road
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.viewers
	$(BIN)/python -m benchmarks.network --quick
	$(BIN)/python -m benchmarks.soak --minutes 5

$(VENV)/lab: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[lab]"
	@touch $@

$(VENV)/dev: pyproject.toml js/package-lock.json
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ $(VENV)/lab

clean:
	rm -rf $(VENV) dist js/node_modules tests/hub/node_modules openspace_widget/view/static server_ext/openspace_server/jupyter/static
