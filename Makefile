# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
SRC := src tests bench packaging
# Where there are tests that start servers: nothing else need be collected for them.
LIVE := tests/live tests/faults tests/docs tests/contract
PO := src/standbyctl/ui/locale/ja/LC_MESSAGES/standbyctl.po

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: .venv/demo ## attach a standby to a throw-away primary, for real
	$(BIN)/standbyctl demo

check: .venv/dev $(PO:.po=.mo) ## format, lint, types, contracts, and the tests that need no server (under a minute)
	$(BIN)/ruff format --check $(SRC)
	$(BIN)/ruff check $(SRC)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n auto -m "not live and not hosts" tests

test: check ## check, and attach, detach, refusals and some crash points on one PostgreSQL version
	$(BIN)/python -m pytest -q -n 3 -m "live and sample" --versions 1 $(LIVE)

live: .venv/dev ## everything, on every PostgreSQL version that is here
	$(BIN)/python -m pytest -q -n 2 -m live --versions all $(LIVE)

rest: .venv/dev ## what live runs and test does not: for CI, after test
	$(BIN)/python -m pytest -q -n 4 -m live --versions all --after-test --one-in $(or $(ONE_IN),1) $(LIVE)

hosts: .venv/dev ## on real Debian hosts with systemd and sshd, side by side on this machine (root only)
	$(BIN)/python -m pytest -q -n 4 --dist loadfile -m hosts tests/hosts

often: .venv/dev ## the hosts that CI has the time for
	$(BIN)/python -m pytest -q -n 4 --dist loadfile -m hosts --often --one-in $(or $(ONE_IN),1) tests/hosts

faults: .venv/dev ## on hosts, every phase of an attach, and of a change of roles, struck by every fault: prints the matrix (an hour)
	$(BIN)/python -m pytest -q -n 2 -m hosts --matrix tests/hosts/test_faults.py tests/hosts/test_roles_struck.py tests/hosts/test_failover_struck.py

bench: .venv/dev ## attach against the same done by a shell script
	$(BIN)/python bench/attach.py

soak: .venv/dev ## watch under load, cuts, restarts and a kill -9 for half an hour: memory, CPU, holes (MINUTES=8 for less)
	$(BIN)/python bench/soak.py --minutes $(or $(MINUTES),30)

dist: .venv/dev ## a wheel, and one file that runs by itself with a libpq of its own: dist/standbyctl.pyz
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/shiv --quiet --disable-pip-version-check --console-script standbyctl --python '/usr/bin/env python3' --preamble packaging/preamble.py \
	    --output-file dist/standbyctl.pyz '.[binary]'

messages: .venv/dev ## gather what we say for translation; what is not translated yet has an empty msgstr
	$(BIN)/python packaging/messages.py update
	$(BIN)/python packaging/messages.py compile

fix: .venv/dev ## format and mend what can be mended
	$(BIN)/ruff format $(SRC)
	$(BIN)/ruff check --fix $(SRC)

golden: .venv/dev ## write the golden files anew; read the difference
	$(BIN)/python -m pytest -q -n 2 --update-golden --versions 1 -m "(not live or sample) and not hosts" tests

$(PO:.po=.mo): $(PO) .venv/dev
	$(BIN)/python packaging/messages.py compile

.venv/demo: pyproject.toml
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

.venv/dev: .venv/demo
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo,dev]'
	touch $@

.PHONY: help demo check test live rest hosts often faults bench soak dist messages fix golden
