# The course's own commands. `make` alone lists them. Works with GNU Make 3.81 and later.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
# The interpreter that makes the environment: `make learn PYTHON=/path/to/python3.12` overrides the search.
PYTHON ?=
# What pip may choose from: the versions of the last green run. `make latest` empties it.
CONSTRAINTS ?= constraints.txt
PYTEST_ARGS ?=
# Two files at a time, each on one processor. A file's tests share what is dear to make, so they stay together.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)
LESSONS := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 --ignore-glob='$(CURDIR)/tests/*.ipynb'

# An installation is done when its stamp exists. The stamp's name holds what the installation depends on (the two
# files and this folder), and it is written last: a changed or interrupted installation is taken up again.
KEY := $(shell { cat pyproject.toml $(CONSTRAINTS); pwd; } 2>/dev/null | cksum | cut -d ' ' -f 1)
LAB := $(VENV)/.lab-$(KEY)
DEV := $(VENV)/.dev-$(KEY)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 $(PY) -m pip

.DEFAULT_GOAL := help
.PHONY: help learn doctor install lint build book test quick latest constraints clean

help: ## list these commands
	@echo "make COMMAND, where COMMAND is one of:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1	/p' Makefile | expand -t 16

learn: $(LAB) ## open the course in JupyterLab (LESSON=3 opens that lesson)
	@exec $(PY) -m tlcourse.cli learn $(LESSON)

doctor: $(LAB) ## say what this machine has, and what it lacks
	@exec $(PY) -m tlcourse.cli doctor

install: $(DEV) ## make .venv with everything for working on the course

lint: $(DEV) ## formatting, style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

build: $(DEV) ## make notebooks/ and solutions/*.ipynb from the lessons' sources
	$(PY) -m tlcourse.cli build

book: $(DEV) ## the course as a book: build/book/index.html
	$(PY) -m tlcourse.authoring.book build/book-source
	$(PY) -m sphinx -q -W --keep-going build/book-source build/book
	@echo "The book: build/book/index.html"

quick: $(DEV) ## the tests without running the lessons
	$(PYTEST) tests

# Cheap groups first. The last one runs the tests and every lesson's solutions in one go, so that pytest's own last
# line sums up both. Notebooks that lie under tests/ are material of tests, not lessons.
test: $(DEV) browser postgres hub lint ## everything: style, types, built lessons, tests, and every solution executed
	$(PY) -m tlcourse.cli build --check
	@# The lessons' checks count tries: not in the progress of whoever tests.
	TLCOURSE_STATE='$(CURDIR)/build/state' $(PYTEST) $(LESSONS) tests solutions

latest: ## the same tests with the newest versions of everything, in a venv of their own
	@$(MAKE) --no-print-directory test VENV=build/venv-latest CONSTRAINTS=/dev/null

constraints: ## write constraints.txt from what .venv holds (VENV=build/venv-latest: from `make latest`)
	@{ sed '/^[^#]/,$$d' constraints.txt; $(PY) -c "$$FREEZE"; } > constraints.txt.part
	@mv constraints.txt.part constraints.txt && echo "constraints.txt: $$(grep -c == constraints.txt) versions"

clean: ## remove caches and build results; .venv, workspace/ and your work stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artefacts
	find tlcourse tests benchmarks solutions -name __pycache__ -type d -prune -exec rm -rf {} +

# Prints what is installed, as pins. A version that some Python of 3.11 to 3.13 cannot have (Debian 12 has 3.11.2) is
# pinned only for those that can.
define FREEZE
import re
from importlib.metadata import distributions
from packaging.specifiers import SpecifierSet
left_out = re.compile(r'(nvidia|cuda)-.*|triton|tlcourse|pip|uv|setuptools|wheel', re.I)
for dist in sorted(distributions(), key=lambda dist: dist.name.lower()):
    if left_out.fullmatch(dist.name):
        continue
    needs = SpecifierSet(dist.metadata['Requires-Python'] or '')
    narrow = any(python not in needs for python in ('3.11.0', '3.12.0', '3.13.0'))
    marker = ' and '.join(f"python_full_version {one.operator} '{one.version}'" for one in needs)
    print(f"{dist.name}=={dist.version.split('+')[0]}" + (f'; {marker}' if narrow else ''))
endef
export FREEZE

# --- how the environment is made ------------------------------------------------------------------------------------

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# Prints the first interpreter that has the right version and can make a venv; says what is missing if there is none.
# Each candidate is run, since a name on the PATH may be a shim for a version that is not installed.
define FIND_PYTHON
fits=; for name in $(if $(PYTHON),'$(PYTHON)',python3 python3.13 python3.12 python3.11); do \
  "$$name" -c '$(FITS)' >/dev/null 2>&1 || continue; fits="$$name"; \
  "$$name" -c 'import venv, ensurepip' >/dev/null 2>&1 && { python="$$name"; break; }; \
done; \
if [ -z "$$python" ] && [ -n "$$fits" ]; then \
  version=$$("$$fits" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
  echo "This Python ($$fits, $$version) cannot make virtual environments: it lacks ensurepip." >&2; \
  echo "On Debian and Ubuntu: sudo apt install python$$version-venv. Then run make again." >&2; exit 1; \
elif [ -z "$$python" ]; then \
  echo "The course needs Python 3.11, 3.12 or 3.13; $(if $(PYTHON),$(PYTHON) is not one,none was found on the PATH)." >&2; \
  echo "Install one (Debian: sudo apt install python3 python3-venv; macOS: brew install python@3.13), or name one: make learn PYTHON=/path/to/python3.12" >&2; \
  exit 1; \
fi
endef

# A .venv that works is kept. One that was cut short, or whose Python has gone, is made afresh.
define MAKE_VENV
if ! $(PY) -c '$(FITS)' >/dev/null 2>&1 || ! { $(PY) -m pip --version || $(PY) -m ensurepip; } >/dev/null 2>&1; then \
  python=; $(FIND_PYTHON); \
  echo "Making $(VENV) with $$("$$python" --version)."; \
  "$$python" -m venv --clear $(VENV) || exit 1; \
fi
endef

# Installs what its arguments name with uv, which unpacks many packages side by side. Whatever pip was told of this place
# (a mirror, a folder of wheels, certificates) uv is told too.
define WITH_UV
import ast, os, subprocess, sys
listed = subprocess.run([sys.executable, '-m', 'pip', 'config', 'list'], capture_output=True, text=True).stdout
told = {}
for place in ('global', 'user', 'site', 'install', ':env:'):  # the later, the nearer
    for line in listed.splitlines():
        key, _, value = line.partition('=')
        if key.startswith(place + '.'):
            told[key[len(place) + 1 :]] = ast.literal_eval(value).split()
# Most options of both have one name. Lists are divided by commas, but for those of indexes.
other = {'index-url': 'DEFAULT_INDEX', 'extra-index-url': 'INDEX', 'trusted-host': 'INSECURE_HOST'}
for option, words in told.items():
    name = 'UV_' + other.get(option, option.upper().replace('-', '_'))
    os.environ.setdefault('SSL_CERT_FILE' if option == 'cert' else name, (' ' if option in other else ',').join(words))
uv = os.path.join(os.path.dirname(sys.executable), 'uv')
# Among several indexes pip takes the newest version, wherever it lies.
options = ['--python', sys.executable, '--index-strategy', 'unsafe-best-match']
os.execv(uv, [uv, 'pip', 'install', *options, *sys.argv[1:]])
endef
export WITH_UV

# Usage: $(call INSTALL,extra,stamps). Where uv cannot be had, or fails, pip does the same in minutes.
define INSTALL
@$(MAKE_VENV)
@echo "Installing the course and what it stands on: about 6 GB of disk."
@what="$(if $(CI),--quiet) --editable .[$(1)] --constraint $(CONSTRAINTS)"; \
{ $(PIP) install --quiet --only-binary uv uv && $(PY) -c "$$WITH_UV" $$what; } || $(PIP) install $$what || { \
  echo "The installation did not finish. See the reason above (often no network or a full disk), then run make again: it goes on where it stopped." >&2; exit 1; }
@rm -f $(VENV)/.lab-* $(VENV)/.dev-* && touch $(2)
endef

$(LAB):
	$(call INSTALL,lab,$(LAB))

$(DEV):
	$(call INSTALL,dev,$(LAB) $(DEV))

# Some tests need a program that pip does not bring. Only a machine that lets us install it without asking gets it here.
# Usage: $(call APT,package)
define APT
sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
  $$sudo apt-get -qq update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1) >/dev/null; \
fi || true
endef

.PHONY: browser postgres hub
browser:
	@for name in chromium chromium-browser google-chrome chrome; do command -v $$name >/dev/null && exit 0; done; \
	$(call APT,chromium); \
	command -v chromium >/dev/null || echo "No Chromium here: the tests that need a browser are skipped. Debian: sudo apt install chromium."

# Debian keeps the server's programs off the PATH. The tests start one of their own and never touch another.
postgres:
	@has_server() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }; \
	has_server && exit 0; \
	$(call APT,postgresql); \
	has_server || echo "No PostgreSQL here: the tests that need a server are skipped. Debian: sudo apt install postgresql."

# JupyterHub's proxy comes from npm, into the environment itself. The test of a server also makes accounts, as root, with sudo.
hub: $(DEV)
	@command -v sudo >/dev/null || { $(call APT,sudo); }
	@command -v npm >/dev/null || { $(call APT,npm); }
	@[ -x $(VENV)/bin/configurable-http-proxy ] || \
	npm install --silent --no-fund --no-audit --global --prefix $(VENV) configurable-http-proxy || \
	echo "No JupyterHub proxy here: the test of a server is skipped. Debian: sudo apt install npm."
