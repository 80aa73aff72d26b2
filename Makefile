# A thin front for the CMake presets and the scripts in dev/. `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help run test build dev install check-all lint format fuzz sim crash interop oracle bench bench-gate demo clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## install what building and testing need, from Debian's packages
	@dev/install build

build: install  ## build/release/moldau
	@dev/build release moldau

run: build  ## build and start a broker on 127.0.0.1:9092, data in ./moldau-data
	@exec build/release/moldau start

test:  ## install, build, run every test that belongs before a commit
	@dev/install test
	@dev/test

dev: install  ## build the dev preset with unit tests
	@dev/build dev

check-all: test  ## the tests again in the release and tsan builds
	@dev/check-all

lint:  ## include check, clang-format, clang-tidy
	@dev/install test
	@dev/lint

format:  ## rewrite the sources with clang-format
	@dev/format

fuzz:  ## every fuzz target, FUZZ_SECONDS (600) each
	@dev/install test
	@dev/fuzz

crash:  ## 20,000 disks that a power cut may leave, booted; then the planted bugs
	@dev/install test
	@dev/crash

sim:  ## the simulator: 5,000 seeds, then the planted bugs
	@dev/install test
	@dev/sim

interop:  ## clients of many languages and Kafka's tools against Moldau; directory exchange with Apache Kafka
	@dev/install test
	@dev/interop

oracle:  ## conversations and 20,000 generated requests against Apache Kafka and Moldau side by side
	@dev/install test
	@dev/oracle/live

bench:  ## Apache Kafka and Moldau in turn on this machine
	@dev/install test
	@bench/run

bench-gate:  ## instructions of the hot paths, against those kept in bench/gate
	@dev/install test
	@dev/build dev bench_replay
	@bench/gate/check

demo: build  ## rsyslog ships this machine's logs through a broker that is killed on the way
	@dev/install demo
	@dev/demo

clean:  ## remove build/
	@rm -rf build
