# Each target sets up what it needs. Needed before: Python 3.11 or newer, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# PyTorch's own index of CPU wheels: elsewhere, Linux gets several gigabytes of CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH = $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)
PORT ?= 8000
OFFSETS ?= 1000 2000 3000 4000 5000

NOTEBOOKS := $(wildcard chapters/*.ipynb)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Networks this small run best on one thread; the tests use the cores for processes instead.
export OMP_NUM_THREADS := 1
export PYTHONHASHSEED := 0
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help book serve test unit notebooks test-grading lint format reseed picture bench-site \
    bench-grading repository grading test-binder lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

book: $(VENV)/.book ## run every notebook and build the website
	@jupyter-book build --quiet -W -n --keep-going .
	@echo "'make serve' shows it at http://localhost:$(PORT)"

serve: book ## build the website and serve it on this machine
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

test: book $(VENV)/.test ## check everything: style, types, units, notebooks, website
	@ruff format --check . && ruff check . && mypy
	@bash tests/website/browser.sh $(BIN)/python
	@bash grading/sandbox.sh
	@pytest tests $(NOTEBOOKS) --nbval-lax --nbval-cell-timeout=300 -n 2 --dist loadfile \
	    --cov=helpers --cov=grading --cov-report=term-missing:skip-covered --cov-fail-under=95

unit: $(VENV)/.test ## the unit tests alone, in seconds
	@pytest tests/unit -q

notebooks: $(VENV)/.test ## the notebooks alone, as tests
	@pytest tests/notebooks $(NOTEBOOKS) --nbval-lax --nbval-cell-timeout=300 -n 2 --dist loadfile

test-grading: $(VENV)/.test ## the grading alone, in its real sandbox
	@bash grading/sandbox.sh
	@pytest tests/grading -q -n 2 --dist loadfile

lint: $(VENV)/.test ## style and types alone
	@ruff format --check . && ruff check . && mypy

format: $(VENV)/.test ## rewrite the code in the project's style
	@ruff format . && ruff check --fix .

reseed: $(VENV)/.test ## run every claim on seeds that nobody has looked at
	@$(BIN)/python tests/notebooks/reseed.py $(OFFSETS)

picture: book $(VENV)/.test ## copy the figure of the landing page and the README from the built book
	@$(BIN)/python website/picture.py

bench-site: book $(VENV)/.test ## measure the website with Lighthouse: benchmarks/site.md
	@bash tests/website/browser.sh $(BIN)/python
	@$(BIN)/python benchmarks/site.py

grading: $(VENV)/.grading ## set up the command .venv/bin/grading: hand out, collect, grade
	@bash grading/sandbox.sh
	@$(BIN)/grading --help

bench-grading: $(VENV)/.grading ## time the grading of a class: benchmarks/grading.md
	@bash grading/sandbox.sh
	@$(BIN)/python -P benchmarks/grading.py

repository: $(VENV)/.book ## write URL=https://... into the chapters, for Colab
	@$(BIN)/python website/repository.py "$(URL)"

test-binder: $(VENV)/.test ## run every chapter in the environment that Binder would make
	@$(BIN)/python tests/website/binder_environment.py _build/binder

lock: $(VENV)/.venv ## pin every package anew in requirements*.txt
	@$(PIP) install uv
	@for extra in book grading test; do \
	    file=requirements$$(test $$extra = book || echo -$$extra).txt; \
	    $(BIN)/uv pip compile pyproject.toml --extra $$extra --universal --python-version 3.11 \
	        --generate-hashes --no-annotate --no-header --quiet --upgrade \
	        $$(test $$extra = book || echo -c requirements.txt) \
	        $$(test $$extra = test && echo -c requirements-grading.txt) --output-file $$file; \
	done
	@echo "--extra-index-url $(TORCH_INDEX)" > binder/requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --extra binder --universal --python-version 3.11 \
	    --no-annotate --no-header --quiet -c requirements.txt >> binder/requirements.txt

clean: ## remove what was built, but not the environment
	@rm -rf _build .cache .pytest_cache .mypy_cache .ruff_cache .coverage *.egg-info

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
	    "Python 3.11 or newer is needed; this is %d.%d. Try: make PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.book: requirements.txt pyproject.toml | $(VENV)/.venv
	@echo "Installing the book's packages (once, about two minutes) ..."
	@$(PIP) install --retries 1 --timeout 15 --no-deps --extra-index-url $(TORCH_INDEX) $(TORCH)
	@$(PIP) install --no-deps --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) check
	@touch $@

$(VENV)/.grading: requirements-grading.txt $(VENV)/.book
	@echo "Installing what grading needs (once) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-grading.txt
	@$(PIP) check
	@touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.grading
	@echo "Installing the test tools (once) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-test.txt
	@$(PIP) check
	@touch $@
