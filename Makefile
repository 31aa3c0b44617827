# Two commands are the whole set-up: `make run` and `make test`. They need Python 3.11+, make and a network.
PYTHON ?= python3
VENV   ?= .venv
STORE  ?= .beatwise/demo
PORT   ?= 8501
BIN    := $(VENV)/bin

.PHONY: run demo test check format benchmark clean help

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: demo        ## create the environment, build the demo city once, open the dashboard
	$(BIN)/beatwise serve --store $(STORE) --port $(PORT)

demo: $(VENV)/.ready   ## build the demo city in $(STORE) unless it is there
	@if [ -f $(STORE)/CURRENT ] && [ -n "$$(ls $(STORE)/editions 2>/dev/null)" ]; then \
	  echo "Demo city: $(STORE)"; \
	else \
	  $(BIN)/beatwise demo --store $(STORE); \
	fi

test: check      ## lint, types, unit, real-data and browser tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.ready  ## lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready ## let ruff rewrite the layout
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: demo  ## how long a reader waits on this machine; `beatwise benchmark` lists the others
	$(BIN)/beatwise benchmark pages --store $(STORE)

clean:           ## remove the environment, the demo city and caches
	rm -rf $(VENV) .beatwise build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "beatwise needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
