# Campaign: `make run` to try it, `make test` to test it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
MANAGE := $(PY) manage.py
PORT ?= 8000
# Tests run in several processes, one more than there are cores, since many wait for
# others; those of one file in the same; what takes long begins first.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# What is compiled once is kept, also where the environment says otherwise: each process
# would read and rewrite all files of the tests anew.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n $(shell expr $(CORES) + 1) --maxprocesses 4 --dist loadfile \
	--no-loadscope-reorder

.PHONY: help
help: ## Show what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 30

# The first Python that is new enough; pyenv's shims answer for versions that are absent,
# so each is asked.
.venv/bin/python:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$python --version)"; \
			$$python -m venv .venv && exit 0; \
			rm -rf .venv; \
			echo "This Python cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; \
		fi; \
	done; \
	echo "Python 3.11 or later is needed and was not found." >&2; exit 1

# Only files whose hashes are written down are installed.
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

.venv/run: .venv/bin/python requirements-site.txt
	@$(INSTALL) -r requirements-site.txt
	@touch $@

.venv/dev: .venv/run requirements-all.txt
	@$(INSTALL) -r requirements-all.txt
	@touch $@

LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"
.PHONY: lock
lock: .venv/run ## Lock the requirements (UPGRADE=--upgrade)
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@sed '/^# The tests/,$$d' requirements.txt >.venv/site.in
	@$(LOCK) $(UPGRADE) .venv/site.in --output-file requirements-site.txt
	@$(LOCK) $(UPGRADE) requirements-dev.txt --constraints requirements-site.txt --output-file requirements-all.txt

.PHONY: run
run: .venv/run ## Set up and serve the demo, with a mailbox
	@PHONE_REGION=$${PHONE_REGION:-NL} CONTACT_EMAIL=$${CONTACT_EMAIL:-help@library.example} PORT=$(PORT) $(MANAGE) demo

.PHONY: serve
serve: .venv/run ## Run the site for production: web, workers, clock
	@exec $(MANAGE) serve $(ARGS)

.PHONY: doctor
doctor: .venv/run ## Say what is wrong with the site, and the remedy
	@$(MANAGE) doctor $(ARGS)

.PHONY: backup
backup: .venv/run ## Copy the database, and try to restore the copy
	@$(MANAGE) backup $(ARGS) && $(MANAGE) restore_drill

.PHONY: chaos
chaos: .venv/dev ## Kill each part under load, and count
	@$(PY) -m tests.chaos.services $(ARGS)

.PHONY: test
test: .venv/dev ## Run all tests, on SQLite and PostgreSQL
	@echo "== Tests on SQLite"
	@env -u DATABASE_URL $(PYTEST) $(ARGS)
	@url="$$($(PY) -m tests.postgres)"; \
	if [ -n "$$url" ]; then \
		echo "== Tests on PostgreSQL"; \
		ONLY_DATABASE_TESTS=1 PGOPTIONS="-c synchronous_commit=off" DATABASE_URL="$$url" $(PYTEST) $(ARGS); \
	else \
		echo "== PostgreSQL was not found: the PostgreSQL half of the tests did not run (TEST_POSTGRES_URL names a server)."; \
	fi

.PHONY: check
check: lint test ## Everything that must hold before a commit

.PHONY: lint
lint: .venv/dev ## Style, types, imports, migrations, checks
	@$(PY) -m ruff format --check . && $(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(MANAGE) makemigrations --check --dry-run
	@$(MANAGE) check --fail-level WARNING

.PHONY: format
format: .venv/dev ## Format the code
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

.PHONY: messages
messages: .venv/dev ## Collect and compile the console's texts
	@command -v msgmerge >/dev/null || { \
		echo "make messages needs gettext; on Debian: apt install gettext" >&2; exit 1; }
	@$(MANAGE) makemessages --all --no-location --no-obsolete --ignore .venv --ignore tests
	@set -e; for po in locale/*/LC_MESSAGES/django.po; do \
		msgattrib --sort-output --output-file $$po $$po; \
		msgfmt --check --statistics --output-file $${po%.po}.mo $$po; done

N ?= 1000000
.PHONY: bench-import
bench-import: .venv/run ## Time an import of N rows on PostgreSQL and SQLite
	@$(PY) -m tests.benchmarks.bench_import $(N)

REQUESTS ?= 1000
.PHONY: bench-pages
bench-pages: .venv/dev ## Time the public pages on gunicorn
	@$(PY) -m tests.benchmarks.bench_pages $(REQUESTS)

.PHONY: bench-api
bench-api: .venv/dev ## Time the API with N people on PostgreSQL
	@$(PY) -m tests.benchmarks.bench_api $(N)

.PHONY: bench-subscriptions
bench-subscriptions: .venv/run ## Time an import of N subscriptions
	@$(PY) -m tests.benchmarks.bench_subscriptions $(N)

.PHONY: screenshots
screenshots: .venv/dev ## Take the pictures in docs/images anew (ONLY=recipient)
	@$(PY) -m tests.screenshots

.PHONY: bench
bench: .venv/run ## Time the analysis of N profiles
	@$(PY) -m tests.benchmarks.bench_analysis $(N)

.PHONY: bench-verify
bench-verify: .venv/run ## Time the proof of consent of N profiles
	@$(PY) -m tests.benchmarks.bench_verify $(N)

.PHONY: bench-fields
bench-fields: .venv/run ## Time conditions on own fields of N profiles
	@$(PY) -m tests.benchmarks.bench_fields $(N)

.PHONY: bench-ledger
bench-ledger: .venv/run ## Time sealing and verifying N events on PostgreSQL
	@$(PY) -m tests.benchmarks.bench_ledger $(N)

.PHONY: bench-console
bench-console: .venv/dev ## Time the console with N profiles
	@$(PY) -m tests.benchmarks.bench_console $(N)

.PHONY: bench-composing
bench-composing: .venv/run ## Compose MAILS personalised mails on one core
	@$(PY) -m tests.benchmarks.bench_composing $(MAILS)

# N mails, 100,000 unless given.
.PHONY: bench-sending
bench-sending: .venv/run ## Time sending N mails by 1, 2 and 4 workers
	@$(PY) -m tests.benchmarks.bench_sending $(if $(filter file,$(origin N)),,$(N))

.PHONY: bench-feedback
bench-feedback: .venv/dev ## Read mails that came back (CORPUS=DIR)
	@$(PY) -m tests.benchmarks.bench_feedback $(CORPUS)
