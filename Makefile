# A small door to meson: `make help` lists what there is.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help all deps demo test quick test-corpus sanitize sim sim-plants bench install format clean

help:
	@echo 'make            build $(BUILD)/trunkline'
	@echo 'make demo       install what is missing, build, run one whole release (try: make demo </dev/null)'
	@echo 'make test       install what is missing, build, run every test'
	@echo 'make quick      unit and wire tests only'
	@echo 'make test-corpus CORPUS=DIR   every buildspec below DIR beside PyYAML'
	@echo 'make sim SEEDS=20000   the release engine beside its model, in that many random histories'
	@echo 'make sim-plants bugs on purpose, each compiled and caught'
	@echo 'make bench      measure, as ratios'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make format     clang-format over src, tests, tools'

.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/deps.sh build
	@meson setup $(BUILD) --prefix $(PREFIX) >$(BUILD).setup.log 2>&1 || { cat $(BUILD).setup.log; rm -f $(BUILD).setup.log; exit 1; }
	@rm -f $(BUILD).setup.log

demo:
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory all
	@$(BUILD)/trunkline demo

test:
	@tools/deps.sh build run test
	@tests/run

quick: all
	@meson configure $(BUILD) -Dtests=enabled
	@meson test -C $(BUILD) --suite quick --print-errorlogs

sanitize:
	@tests/run sanitize

test-corpus: all
	@tests/corpus/compare --trunkline $(BUILD)/trunkline --codes $(or $(CORPUS),tests/corpus)

sim: all
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD) tests/sim/sim >/dev/null
	@$(BUILD)/tests/sim/sim --seeds $(or $(SEEDS),20000) --from $(or $(FROM),1)

sim-plants:
	@tests/run sim

bench: all
	@bench/run

install: all
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	@rm -rf $(BUILD) $(BUILD)-*
