# make demo    sets everything up in .venv and runs the main job on the model and data that the project carries
# make test    sets everything up and passes the tests: lint, types, tests with coverage
# make lint | types | docs | bench | clean
#
# Needs Python 3.11 or newer, pip and make. What a person may say:
#   PYTHON=python3.12    the Python to build .venv with
#   TORCH_INDEX=URL      where pip finds torch. PyPI's Linux builds for x86-64 bring several gigabytes of CUDA with
#                        them, so on a machine without an NVIDIA GPU name PyTorch's index of CPU builds here, or in
#                        pip's configuration (extra-index-url, find-links). Without it setting up stops before
#                        anything large is fetched, and says so. macOS needs nothing; with a GPU nothing either.
#   TORCH_ANY=1          take whatever torch pip finds
#   JOBS=2               how many tests run at once

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
TORCH_INDEX ?=
TORCH_ANY ?=
JOBS ?= 2

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -c constraints.txt torch
GPU := $(shell nvidia-smi -L 2>/dev/null | head -n 1)

.PHONY: demo test lint types check docs bench clean setup
.DEFAULT_GOAL := test

demo: $(READY)
	$(BIN)/sayso demo

test: lint types check

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term

docs: $(READY)
	$(BIN)/python docs/reference.py

bench: $(READY)
	@for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

setup: $(READY)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- setting up

# torch comes first and alone, so that nothing else decides which build it is.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Sayso needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(MAKE) --no-print-directory torch-is-small
	$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

# Asks pip what torch would bring with it, without installing or (with a recent pip) fetching it.
.PHONY: torch-is-small
torch-is-small:
ifeq ($(GPU)$(TORCH_ANY),)
	@$(PIP) install -qq --upgrade pip || true
	@$(PIP) install -qq --dry-run --no-deps --ignore-installed --report .venv/torch.json $(TORCH)
	@$(BIN)/python .ci/brings_cuda.py .venv/torch.json || { \
	echo; \
	echo "This machine has no NVIDIA GPU, and the torch that pip finds would bring several gigabytes of CUDA with it."; \
	echo "PyTorch's page \"Get started\" shows the address of the CPU builds (choose Pip and CPU). Then:"; \
	echo "    make TORCH_INDEX=<that address>      (or TORCH_ANY=1, to take the CUDA build all the same)"; \
	exit 2; }
endif
