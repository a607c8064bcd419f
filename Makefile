# Recurra's commands; `make help` lists them. Needs Swift 6.2 or newer on PATH; `make setup` brings the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# One set of flags for run, test, lint and bench, so that none of them rebuilds what another has built. A compiler newer
# than this code may know new warnings: WARNINGS= on the command line lets them pass.
WARNINGS := -Xswiftc -warnings-as-errors
BUILD_FLAGS := -c release $(WARNINGS)
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks
# The kernels as the release build has compiled them, which takes longer than checking them.
CHECK_KERNELS = $(MAKE) -f Tests/CKernelDriver/kernels.mk check frames \
  BUILT="$$(swift build $(BUILD_FLAGS) --show-bin-path)/CRecurraKernels.build"

# A crash in a test ends the process at once instead of hanging in the backtracer.
export SWIFT_BACKTRACE := enable=no

.PHONY: help setup build run test test-linking bench bench-peers lint format doc clean
.PHONY: kernels-check kernels-wide kernels-sweep kernels-time kernels-arm64

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Install the system libraries that are missing (Debian, Ubuntu); does nothing when all are there.
	@.ci/setup

build: setup ## Build the library and the two tools, optimised.
	swift build $(BUILD_FLAGS)

run: build ## Train the lesson's program on real words, for every cell, and print the table.
	@"$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" demo

test: setup ## Build and run the tests, check the C kernels, then link the library from another package.
	swift build $(BUILD_FLAGS) --build-tests
	swift test $(BUILD_FLAGS) --skip-build --disable-xctest
	$(CHECK_KERNELS)
	Tests/Linking/run.sh

test-linking: setup ## Link the library, at HEAD, from another package by version tag; train and predict there.
	Tests/Linking/run.sh

bench: build ## Compare the throughput of RNN, LSTM, GRU and BiLSTM.
	@"$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur-bench" $(ARGUMENTS)

bench-peers: build ## Compare with PyTorch, Keras and ONNX Runtime on the same shapes (needs python3 and PyPI).
	python3 Benchmarks/Peers/bench_peers.py $(ARGUMENTS)

lint: setup ## Check the format and build everything with warnings as errors.
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)
	swift build $(BUILD_FLAGS) --build-tests

format: ## Rewrite the Swift sources in the house's format.
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

kernels-check: build ## Test the C kernels as built, every instruction set this processor has, against plain loops.
	$(CHECK_KERNELS)

kernels-wide: ## The same for the kernels of 512 bits, on an x86-64 processor that need not have them.
kernels-sweep: ## Measure the vector maths over all float32 values against Double (minutes).
kernels-time: ## Time the C kernels alone.
kernels-arm64: ## Cross-compile the C kernels for arm64 and test them under emulation.
kernels-wide kernels-sweep kernels-time kernels-arm64:
	$(MAKE) -f Tests/CKernelDriver/kernels.mk $(@:kernels-%=%)

doc: setup ## Write the reference as a web site into .build/documentation.
	.ci/documentation

clean: ## Remove everything that was built.
	rm -rf .build .build-*
