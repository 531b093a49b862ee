.PHONY: setup peers run test check lint types imports fmt coverage proofs kills power-cuts leaks e2e interop \
	conformance sim soak fuzz bench bench-scale bench-sip bench-media bench-routing docs clean
BIN := .venv/bin
# A distribution's Python is built with profiles, and needs seven to nine tenths of the CPU of one that
# a version manager has compiled without. So it goes first, if it is new enough and can make a venv.
SUITS := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell /usr/bin/python3 -c '$(SUITS)' 2>/dev/null && echo /usr/bin/python3 || echo python3)
SEED ?= 0
SIM_SEEDS ?= 1
N ?= 200
MINUTES ?= 30
# One more than the two cores of CI: tests wait for processes and for clocks as well.
WORKERS ?= 3
SECONDS ?= 60
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q -rs --durations=10

# Tests start hundreds of interpreters. Without kept bytecode each compiles the gateway first.
unexport PYTHONDONTWRITEBYTECODE

setup: .venv/ready  ## create .venv and install everything the other targets need

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch .venv/ready

run: setup  ## gateway and simulated carriers on 127.0.0.1
	$(BIN)/supernet demo

check: lint types imports test  ## what CI runs, the quickest first

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup
	$(BIN)/mypy

imports: setup  ## the layering contracts in pyproject.toml
	$(BIN)/lint-imports --no-logo

peers: setup  ## foreign programs that tests speak with; without them those tests are skipped
	@$(BIN)/python -m tests.interop.peers

test: setup peers  ## everything: units, virtual time, simulation, end to end, foreign peers
	$(PYTEST)

coverage: setup peers  ## the same tests, and which branches they reach; fails below `fail_under`
	$(PYTEST) --cov

proofs: setup  ## the long loops as far as their tests say: kills, power cuts, seeds and texts
	PROOFS=1 $(PYTEST) tests/e2e/test_kill.py tests/e2e/test_kill_in_doubt.py tests/store/test_power_cut.py \
		tests/store/test_power_cut_of_a_file.py tests/sim tests/text/test_generated_texts.py

kills: setup  ## kill -9 so many times: make kills N=1000
	KILLS=$(N) $(BIN)/pytest -rP tests/e2e/test_kill.py tests/e2e/test_kill_in_doubt.py

power-cuts: setup  ## twelve power cuts for each of so many seeds: make power-cuts N=1000
	SEEDS=$(N) $(BIN)/pytest -rP tests/store/test_power_cut.py tests/store/test_power_cut_of_a_file.py

leaks: setup  ## N calls of each kind, or what MINUTES have, leave nothing: make leaks N=10000 MINUTES=15
	CALLS=$(N) MINUTES=$(MINUTES) $(BIN)/pytest tests/e2e/test_call_leaks.py

e2e: setup  ## real sockets and processes on loopback
	$(BIN)/pytest -m e2e

interop: setup peers  ## software that is not ours
	$(BIN)/pytest -m interop -rs

conformance: setup peers  ## the tests of each SMPP and GSM rule; rewrites docs/reference/smpp-conformance.md
	$(BIN)/python -m tests.conformance

sim: setup  ## the whole gateway in virtual time: make sim SEED=123
	SIM_SEED=$(SEED) SIM_SEEDS=$(SIM_SEEDS) $(BIN)/pytest -m sim

soak: setup  ## customers, bad carriers, dead endpoints and a kill -9 every minute: make soak MINUTES=30
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

fuzz: setup  ## atheris on every decoder and on sessions, each for so long: make fuzz SECONDS=60
	$(BIN)/pip install -q --disable-pip-version-check -e '.[fuzz]' -c constraints.txt
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

bench: setup  ## CPU, rates and latency, the peers' in the same run; writes docs/reference/performance.md
	@$(BIN)/python -m tests.interop.peers --bench
	$(BIN)/python -m tests.bench --write

bench-scale: setup  ## what a message costs with many accounts, binds and waiting messages; writes it too
	$(BIN)/python -m tests.bench.scale --write

bench-sip: setup peers  ## CPU of a call, through us and through Kamailio, called by SIPp in one run; writes it too
	$(BIN)/python -m tests.bench.bench_sip --write

bench-media: setup peers  ## CPU of a relayed packet, ours and rtpengine's in one run; writes it too
	$(BIN)/python -m tests.bench.bench_media --write

bench-routing: setup  ## our router against others and a clairvoyant, in seeded scenarios
	$(BIN)/python -m tests.bench_routing --held-out --write

docs: setup  ## rewrite the generated parts of docs/reference from the code
	$(BIN)/python -m tests.docs

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage var
