# The two commands: `make demo` and `make test`. Both set everything up first; nothing else is assumed than Python ≥ 3.11.

PYTHON ?= python3
# Where the demo listens: make demo LISTEN=127.0.0.1:8080
LISTEN ?= 127.0.0.1:8000
# How long each parser is searched, and which (all when empty): make fuzz FUZZ=codecs
FUZZ_SECONDS ?= 20
FUZZ ?=
UV := .uv/uv
RUN := .venv/bin
SOURCES := pyproject.toml uv.lock hatch_build.py web/package-lock.json \
	$(shell find web/src src -name '*.ts' -o -name '*.css' -o -name '*.po' 2>/dev/null)
# The machine's own certificates: a town's proxy may have its own authority.
export UV_SYSTEM_CERTS := true
export NODE_USE_SYSTEM_CA := 1
export UV_PYTHON_DOWNLOADS := never
export BEFFROI_DATA_DIR ?= $(CURDIR)/.demo

.PHONY: demo test check unit night isolation e2e faults fuzz screenshots format messages wheel clean help

help:            ## these lines
	@sed -n 's/^\([a-z0-9]*\): *.*## /\1\t/p' Makefile | expand -t 14

demo: .venv/.ready          ## a living demo city at http://localhost:8000, Ctrl-C stops it
	@$(RUN)/beffroi demo --listen $(LISTEN)

test: .venv/.ready-to-test check unit   ## what every change must pass

check: .venv/.ready-to-test
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/lint-imports
	$(RUN)/mypy

unit: .venv/.ready-to-test
	$(RUN)/pytest -n 2

night: .venv/.ready-to-test   ## property tests, with examples never tried before
	$(RUN)/pytest -n 2 -m hypothesis --hypothesis-profile=night

isolation: .venv/.ready-to-test   ## two towns in one database, asked everything about each other
	$(RUN)/pytest tests/isolation

e2e: .venv/.ready-to-test   ## browser tests (Debian's chromium)
	$(RUN)/pytest tests/e2e

faults: .venv/.ready-to-test   ## killed processes and other misfortunes
	$(RUN)/pytest tests/faults

fuzz: .venv/.ready-to-test   ## every parser, searched for faults: make fuzz FUZZ_SECONDS=60 FUZZ=connector-plain_json
	@$(UV) sync --locked --group fuzz --quiet
	$(RUN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) $(FUZZ)

screenshots: .venv/.ready-to-test   ## pictures of every screen of a running town: make screenshots LINK=https://…
	$(RUN)/python tools/screenshots.py $(LINK)

format: .venv/.ready-to-test
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

messages: .venv/.ready-to-test   ## lists the texts that have no French yet
	$(RUN)/python tools/messages.py

wheel: $(UV)
	$(UV) build --wheel

clean:
	rm -rf .venv .uv .demo dist web/node_modules src/beffroi/foundation/web/static/built

$(UV): tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py
	@touch -h $(UV)

.venv/.ready: $(UV) $(SOURCES)
	@echo "  · environnement Python et interface (deux minutes la première fois)"
	@$(UV) sync --locked --no-dev --inexact --quiet
	@touch $@

.venv/.ready-to-test: $(UV) $(SOURCES)
	@$(UV) sync --locked --quiet
	@touch $@ .venv/.ready
