# `make demo` and `make test` set up .venv first; nothing else is needed but Python 3.11+, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: setup demo test format board clean

setup: $(VENV)/.done

$(VENV)/.done: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "UQS needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" -c constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]" -c constraints.txt
	touch $@

demo: setup
	$(BIN)/uqs run studies/tiny.yaml --workers $(WORKERS)

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# the board's application, for those who change it; needs npm and, for the last step, Chromium (CHROMIUM names it)
RUN := runs/tiny
board: setup
	cd board && npm ci && npm test && npm run build
	test -f $(RUN)/results.parquet || $(MAKE) demo
	rm -rf runs/hostile && mkdir -p runs/hostile
	$(BIN)/python scripts/board_hostile.py runs/hostile
	$(BIN)/uqs board $(RUN) --out runs/board/tiny
	$(BIN)/uqs board runs/hostile --out runs/board/hostile
	cd board && BOARD_PAGE=../runs/board/tiny/index.html BOARD_HOSTILE=../runs/board/hostile/index.html npm run browser

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) runs
