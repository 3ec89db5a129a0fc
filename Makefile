# Two commands for a newcomer: `make demo` and `make test`. Everything is installed in .venv from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-langsom test-alt lint lock clean bench

# A demo region of nineteen municipalities that between them have every role; DANMARK=1 is the whole country.
demo: $(VENV)/klar
	$(BIN)/flis demo --yes $(if $(DANMARK),,--region)
	$(BIN)/flis run --docs || [ $$? -eq 1 ]

# Tests in two processes beside each other, which take about as long; these are in the second, and shown after. A walked demo that tests share is made in each.
BESIDE := $(addprefix tests/pytest/,test_borger.py test_demo.py test_definitioner.py test_flyttet.py test_foerste_koersel.py test_folk1a.py test_forud.py test_fremmede_fejl.py test_lig_genopbygning.py test_load.py test_noegle.py test_overlevelse.py test_package.py test_personnumre_i_tekst.py test_restore.py test_rettigheder.py test_samme_bytes.py test_statusser.py test_systemer.py test_validate.py test_withdraw.py)

# $(call beside,MARKS): the tests of those marks.
define beside
	@mkdir -p $(VENV)/beside
	@DBT_TARGET_PATH=$(CURDIR)/$(VENV)/beside $(BIN)/pytest -m "$(1)" -p no:cacheprovider $(BESIDE) > $(VENV)/beside.txt 2>&1 & beside=$$!; \
	$(BIN)/pytest -m "$(1)" $(addprefix --ignore=,$(BESIDE)); rest=$$?; \
	wait $$beside; beside=$$?; cat $(VENV)/beside.txt; exit $$((rest + beside))
endef

test: $(VENV)/klar lint
	$(call beside,not langsom)

# What is slow and rarely breaks: killed runs, equality with a full rebuild, spoiled files, the whole country. CI runs it after `make test`.
test-langsom: $(VENV)/klar
	$(call beside,langsom)

# And three seeds drawn anew: the demo of each walked, held against its truth, and its rules against what was planted (scripts/proofs/rundtur.py). SEEDS=1,2,3 repeats.
test-alt: $(VENV)/klar test-langsom
	$(BIN)/python scripts/proofs/rundtur.py $(if $(SEEDS),--seeds $(SEEDS))

# The quick ones first.
lint: $(VENV)/klar
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/sqlfluff lint models tests/singular --processes 2 -q

# The lock names every package with its hash, so dependencies are not resolved again.
$(VENV)/klar: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer with venv is needed (Debian: apt install python3-venv; otherwise PYTHON=/path/to/python3.11)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Each step against bare DuckDB doing the same, at the size of Denmark (docs/performance.md): up to 90 minutes, and much disk. One part alone: flis bench PART.
SCALE ?= 1
PERIODS ?= 24
bench: $(VENV)/klar
	$(BIN)/flis bench --scale $(SCALE) --periods $(PERIODS) --docs $(BENCH)

lock:
	uv pip compile --universal --generate-hashes --extra dev --python-version 3.11 --no-header pyproject.toml -o requirements.lock

clean:
	rm -rf target logs var .mypy_cache .ruff_cache
