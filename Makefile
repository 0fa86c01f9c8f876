# Every target sets up what it needs; only Python 3.11+, git and make have to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?= dev
DEMO := .demo

.PHONY: demo demo-web test check format golden bench bench-ranking torture clean

demo: $(VENV)/.installed            ## set up, run the main job once on sample pages, show where to look
	@rm -rf $(DEMO)
	@$(BIN)/digest --home $(DEMO) init --demo
	@echo
	@$(BIN)/digest --home $(DEMO) --now 2026-03-03T09:00:00Z run --once
	@echo
	@$(BIN)/digest --home $(DEMO) --now 2026-03-03T09:00:00Z outbox list --papers
	@echo
	@echo "The mails are files: open them with a mail program."
	@ls $(DEMO)/data/outbox/*.eml
	@echo
	@echo "Once more, and nothing is sent twice:"
	@$(BIN)/digest --home $(DEMO) --now 2026-03-03T09:00:00Z run --once

	@echo
	@echo "To subscribe as a fourth reader, in the browser: make demo-web"

demo-web: $(VENV)/.installed        ## the web pages of the demo; mails it sends land in .demo/data/outbox
	@test -d $(DEMO) || $(BIN)/digest --home $(DEMO) init --demo
	$(BIN)/digest --home $(DEMO) --now 2026-03-03T09:00:00Z serve

test: $(VENV)/.installed-$(EXTRAS)  ## run the tests
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

check: $(VENV)/.installed-$(EXTRAS) ## style, types, the way imports point, spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell digest tests/*.py README.md CHANGELOG.md Makefile

format: $(VENV)/.installed-$(EXTRAS)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

golden: $(VENV)/.installed-$(EXTRAS) ## write the expected pages, mails and documents anew; read the difference before you commit
	$(BIN)/digest config reference > config/README.md
	DIGEST_UPDATE_GOLDEN=1 $(BIN)/pytest -p no:randomly tests -k golden

bench: $(VENV)/.installed-$(EXTRAS) ## measure speed against references in the same run
	$(BIN)/python -m tests.benchmarks

bench-ranking: $(VENV)/.installed-$(EXTRAS) ## measure the ranking on judged data, and write README's table
	$(BIN)/python -m tests.benchmarks.ranking_table $(RUNS)

torture: $(VENV)/.installed-$(EXTRAS) ## the long trials
	$(BIN)/python -m tests.torture --named 3000 --random 2000 --scripts 10000 --disk 3 --cuts 300 --out trust.json
	$(BIN)/python -m tests.torture.kills --kills 100 --readers 50
	$(BIN)/python -m tests.torture.cluster --readers 20000 --kills 10
	$(BIN)/python -m tests.attacks --out attacks.json

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-$(EXTRAS): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	@touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
