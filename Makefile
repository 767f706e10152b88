# `make` alone lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
RECIPE ?= configs/simulated.yaml
EXPERIMENT ?= $(shell sed -n 's/^experiment: //p' $(RECIPE))
LOCK := $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-package openvino-telemetry

.DEFAULT_GOAL := help
.PHONY: help setup train movie recipes findings test quick check format ui dashboard lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(READY) ## make the environment in .venv from requirements.lock

$(READY): requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet requirements.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

train: setup ## train and promote; RECIPE=configs/x.yaml ARGS="-P data.folder=…" for others
	$(BIN)/mlflow run . -e train --env-manager local --experiment-name $(EXPERIMENT) -P config=$(RECIPE) $(ARGS)
	@# 3: the champion before is not surely worse, and stays
	$(BIN)/hpapipe promote --config $(RECIPE) || test $$? -eq 3

MOVIE := configs/blastocyst.yaml
OUT := measured/$(shell date +%Y-%m-%d-%H-%M-%S)

movie: setup ## train on a simulated film of blastocysts, promote, and measure the film; ARGS as for train
	$(MAKE) --no-print-directory train RECIPE=$(MOVIE) ARGS="$(ARGS)"
	$(BIN)/mlflow run . -e measure --env-manager local --experiment-name blastocyst -P config=$(MOVIE) -P out=$(OUT)

SMALL := --experiment recipes --register_as recipes --simulate.fields 500 --simulate.size 144 --data.size 80
SMALL += --fit.epochs 2 --fit.patience 0 --model.weights null --model.frozen false
TWO_WAY := $(wildcard configs/model[678].yaml)
ONE := $(filter-out $(TWO_WAY),$(wildcard configs/model*.yaml) configs/simulated.yaml $(wildcard configs/*net*.yaml))

recipes: setup ## train every recipe for a moment on small simulated cells, in one experiment
	$(BIN)/hpapipe series $(ONE) configs/findings configs/groups $(SMALL)
	$(BIN)/hpapipe series $(TWO_WAY) $(SMALL) --data.size 144

findings: setup ## train the recipes behind docs/findings.md, which takes hours
	$(BIN)/hpapipe series configs/findings --experiment findings --simulate.size 144 --fit.epochs 12 --fit.patience 0
	$(BIN)/hpapipe series configs/groups --experiment groups --simulate.size 144 --fit.patience 0

test: setup check ## lint, types, and all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: setup ## tests without the whole-path ones
	$(BIN)/python -m pytest -m "not whole"

check: setup ## linter, formatter and type checker, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let the formatter and the linter mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ui: setup ## MLflow's pages, on localhost only
	$(BIN)/mlflow ui --host 127.0.0.1 --port 5000

dashboard: setup ## Optuna's dashboard, on localhost only
	$(BIN)/hpapipe dashboard --config $(RECIPE)

lock: setup ## renew requirements.lock and conda.yaml from pyproject.toml
	$(LOCK) --group dev pyproject.toml -o requirements.lock
	{ sed '/# pins/q' conda.yaml; $(LOCK) pyproject.toml | sed 's/^/      - /'; } > conda.yaml.part
	mv conda.yaml.part conda.yaml

clean: ## take away what runs have made, but no environment and no store
	rm -rf workspace predictions measured frames
