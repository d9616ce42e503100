# make help            what there is to make
# make run             set up once, then run the main jobs
#
# Needs make and a Python 3.10 to 3.12; the first `make run` or `make test` needs a package index.

# What `make run` does, one command a line; results go to runs/.
define JOBS
python -m bayesopt.run --task expr --out runs/expr
python -m bayesopt.run --task molecules --batch-size 25 --out runs/molecules
endef

# What `make benchmark` does; the benchmarks of quality take hours, see experiments/README.md.
define BENCHMARKS
python -m experiments.benchmarks.parsers expressions
python -m experiments.benchmarks.parsers molecules
python -m experiments.benchmarks.molecule_decode
python -m experiments.benchmarks.decoders
python -m experiments.benchmarks.penalty
python -m experiments.benchmarks.model_steps
python -m experiments.benchmarks.search_batch
python -m experiments.benchmarks.image_step
endef

VENV := .venv
BIN := $(VENV)/bin
# A Python is good if it is of a supported version and can make an environment with pip.
GOOD := import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.10 python3 python; do \
	$$name -c "$(GOOD)" >/dev/null 2>&1 && { echo $$name; break; }; done)
# Each worker begins with half of the files, whose tests share what is slow to build and to import;
# whoever is done first takes tests from the end of the other's.
PARALLEL ?= -n 2 --dist worksteal
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-docs setup-gpu run test lint format test-data docs benchmark lock \
	wheel clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(BIN)/.installed  ## make .venv and install the pinned requirements

setup-dev: $(BIN)/.installed-dev  ## the same with what the tests need

setup-docs: $(BIN)/.installed-docs  ## the same with what the documentation site needs

setup-gpu: setup  ## the same with the CUDA libraries (Linux)
	$(BIN)/python -m pip install -r requirements-gpu.txt

run: setup  ## run the main jobs, results in runs/
	@set -e; export PATH="$(CURDIR)/$(BIN):$$PATH"; $(subst $(newline),; ,$(JOBS))

test: lint  ## lint, check types and imports, run the tests (those of JAX too, where it installs)
	$(PYTEST) $(PARALLEL) $(PYTEST_ARGS)

lint: setup-dev  ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p gmae_tf -p grammar -p molecules -p bayesopt -p experiments
	$(BIN)/lint-imports --no-logo

format: setup-dev  ## put the code into ruff's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-data: setup-dev  ## the slow tests and those on real data (set GMAE_DATA_DIR)
	$(PYTEST) -m "slow or data" $(PYTEST_ARGS)

docs: setup-docs  ## the documentation site in site/, its notebooks executed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

benchmark: setup-dev  ## measure every speed that the documentation claims
	@set -ex; export PATH="$(CURDIR)/$(BIN):$$PATH"; $(subst $(newline),; ,$(BENCHMARKS))

lock: setup-dev  ## resolve pyproject.toml into the pinned requirements*.txt (needs uv)
	$(call pin,requirements.txt,)
	$(call pin,requirements-dev.txt,--extra dev)
	$(call pin,requirements-docs.txt,--extra docs --constraint requirements-dev.txt)
	$(call pin,requirements-gpu.txt,--extra gpu)
	$(call pin,requirements-jax.txt,--extra jax --override requirements-jax.in -c requirements.txt)
	$(call pin,requirements-jax-cuda.txt,--extra jax-cuda --override requirements-jax.in -c requirements.txt)

wheel: setup  ## build the wheel in dist/
	rm -rf build
	$(BIN)/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

clean:  ## remove the environment, caches and builds; runs/ stays
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last, so an interrupted installation is taken up again.
$(BIN)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No usable Python 3.10, 3.11 or 3.12 was found:" \
		"install one with its venv module, or name it, as in: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@$(BIN)/python -c "$(GOOD)" 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 \
		|| { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv --clear $(VENV); }
	$(BIN)/python -m pip install --progress-bar off -r requirements.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed requirements-dev.txt
	$(BIN)/python -m pip install --progress-bar off -r requirements-dev.txt
	@touch $@

$(BIN)/.installed-docs: $(BIN)/.installed requirements-docs.txt
	$(BIN)/python -m pip install --progress-bar off -r requirements-docs.txt
	@touch $@

define newline


endef

# Every pin is for Python below 3.13 and no browser, so those markers say nothing and are dropped.
define pin
uv pip compile --quiet --universal --python-version 3.10 --no-python-downloads --no-annotate \
	--custom-compile-command "make lock" pyproject.toml $(2) --output-file $(1)
sed -i.old -E -e "s/ and python_full_version < '3.13'//; s/python_full_version < '3.13' and //" \
	-e "s/ and sys_platform != 'emscripten'//; s/sys_platform != 'emscripten' and //" \
	-e "s/ ; (python_full_version < '3.13'|sys_platform != 'emscripten')$$//" $(1) && rm $(1).old
endef
