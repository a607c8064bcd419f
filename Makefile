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

.PHONY: help setup build install uninstall run test forks test-installing test-linking test-articles articles-peers
.PHONY: bench bench-peers models threshold fingerprint old-and-new lint format doc doc-serve clean look mutants
.PHONY: test-resume test-serving protobuf
.PHONY: kernels-check kernels-wide kernels-sweep kernels-time kernels-arm64

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Install the system libraries that are missing (Debian, Ubuntu); does nothing when all are there.
	@.ci/setup

build: setup ## Build the library and the two tools, optimised.
	swift build $(BUILD_FLAGS)

# In a folder of its own: SwiftPM does not compile again what it has compiled for the other kind of libraries.
STATIC_FLAGS = $(if $(STATIC),--static-swift-stdlib --scratch-path .build/static)
install: ## Install recur, its completions and manual below PREFIX=/usr/local; STATIC=1: to run without Swift.
	@.ci/install install $(BUILD_FLAGS) $(STATIC_FLAGS)

uninstall: ## Remove what make install has put below PREFIX.
	@.ci/install uninstall

run: build ## Train the lesson's program on real words, for every cell, and print the table.
	@"$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" demo

test: setup ## Build and run the tests, check the C kernels, then link the library from another package.
	swift build $(BUILD_FLAGS) --build-tests
	@.ci/setup tests
	swift test $(BUILD_FLAGS) --skip-build --disable-xctest
	$(CHECK_KERNELS)
	@.ci/setup documents
	Tests/Fingerprint/check.py "$$(swift build $(BUILD_FLAGS) --show-bin-path)/fingerprint"
	Tests/Installing/run.sh
	Tests/Linking/run.sh
	$(MAKE) test-articles

look: build ## Open the pages of both demonstrations in a headless chromium, and leave PNGs of all pictures.
	.ci/look "$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" .build/look

fingerprint: setup ## Compare the bits of 429 models, by every instruction set; with OLD=commit those of 528 with it.
	@.ci/setup documents
	swift build $(BUILD_FLAGS) --product fingerprint
	Tests/Fingerprint/check.py "$$(swift build $(BUILD_FLAGS) --show-bin-path)/fingerprint" \
	  $(if $(WRITE),--write,$(if $(OLD),--old "$$(.ci/old $(OLD) fingerprint)",--every-set))

forks: COUNT := 10000
mutants: COUNT := 60
forks: setup ## Fork COUNT=10000 times while four threads train and predict; every child must do so too (minutes).
	swift build $(BUILD_FLAGS) --build-tests
	FORKS=$(COUNT) swift test $(BUILD_FLAGS) --skip-build --disable-xctest --filter ForkTests

test-installing: build ## Install the tool into an empty folder and ask it from others (STATIC=1: without Swift).
	Tests/Installing/run.sh $(if $(STATIC),STATIC=$(STATIC))

test-linking: setup ## Link the library, at HEAD, from another package by version tag; train and predict there.
	Tests/Linking/run.sh

test-articles: build ## Run all code of the README and the articles, and compare what it prints (needs python3).
	@.ci/setup documents
	cd Tests/Articles && python3 -m unittest -q test_articles
	python3 Tests/Articles/public_names.py "$$(swift build $(BUILD_FLAGS) --show-bin-path)/Modules"
	python3 Tests/Articles/articles.py --tool "$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" $(DOCUMENTS)

articles-peers: build ## The same with Python's blocks, run in Keras and PyTorch (needs PyPI).
	python3 Tests/Articles/articles.py --tool "$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" \
	  --peers "$$(Tests/Articles/peers_python)" $(DOCUMENTS)

bench: build ## Compare the throughput of RNN, LSTM, GRU and BiLSTM.
	@"$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur-bench" $(ARGUMENTS)

old-and-new: setup ## Time the commit OLD= and these sources in turns, and print old ÷ new (an hour; needs python3).
	python3 Benchmarks/old_and_new.py $(or $(OLD),$(error OLD is missing: make old-and-new OLD=commit)) $(ARGUMENTS)

threshold: setup ## Time a number of the tuning (NAME=turnRows; all: half an hour) as it is and with others.
	python3 Benchmarks/thresholds.py $(NAME) $(ARGUMENTS)

bench-peers: build ## Compare with PyTorch, Keras and ONNX Runtime on the same shapes (needs python3 and PyPI).
	python3 Benchmarks/Peers/bench_peers.py $(ARGUMENTS)

models: build ## Run and train on models that PyPI's packages ship, here and with their own code (needs PyPI).
	python3 Benchmarks/Models/models.py $(ARGUMENTS)

mutants: setup ## Change COUNT lines, drawn from SEED, one at a time, and ask whether a test notices (minutes each).
	python3 Tests/Mutants/mutants.py --seed $(or $(SEED),$(error SEED is missing: make mutants SEED=1 COUNT=60)) \
	  --count $(COUNT)

test-resume: build ## Kill `recur train --backup` at random instants and compare what it saves (needs python3).
	python3 Tests/Resume/resume.py "$$(swift build $(BUILD_FLAGS) --show-bin-path)/recur" $(ARGUMENTS)

test-serving: setup ## Ask a server 200,000 times over 64 connections, and check every answer and its memory.
	Tests/Serving/run.sh $(ARGUMENTS)

lint: setup ## Check the format, parse the Python files, and build everything with warnings as errors.
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)
	.ci/lines
	@.ci/setup documents
	.ci/python
	swift build $(BUILD_FLAGS) --build-tests

format: ## Rewrite the Swift sources in the house's format.
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

# The compiler's plugin comes from the package that the generated code is linked with: the two must be of one version.
PROTOBUF := .build/checkouts/swift-protobuf
protobuf: ## Write the messages of ONNX' files again from their description (needs protoc: protobuf-compiler).
	swift package resolve
	swift build -c release --package-path $(PROTOBUF) --scratch-path .build/protobuf --product protoc-gen-swift
	cd Sources/RecurraFormats/ONNX/Generated && protoc --swift_out=. --swift_opt=Visibility=Internal \
	  --swift_opt=UseAccessLevelOnImports=true \
	  --plugin="$$(swift build -c release --package-path $(CURDIR)/$(PROTOBUF) --scratch-path $(CURDIR)/.build/protobuf \
	  --show-bin-path)/protoc-gen-swift" onnx.proto
	sed -i 's/= _StorageClass.defaultInstance/= unsafe _StorageClass.defaultInstance/' \
	  Sources/RecurraFormats/ONNX/Generated/onnx.pb.swift

kernels-check: build ## Test the C kernels as built, every instruction set this processor has, against plain loops.
	$(CHECK_KERNELS)

kernels-wide: ## The same for the kernels of 512 bits, on an x86-64 processor that need not have them.
kernels-sweep: ## Measure the vector maths over all float32 values against Double (minutes).
kernels-time: ## Time the C kernels alone.
kernels-arm64: ## Cross-compile the C kernels for arm64 and test them under emulation.
kernels-wide kernels-sweep kernels-time kernels-arm64:
	$(MAKE) -f Tests/CKernelDriver/kernels.mk $(@:kernels-%=%)

doc: build ## Write articles and reference as a web site into .build/documentation.
	@.ci/setup documents
	.ci/documentation "$$(swift build $(BUILD_FLAGS) --show-bin-path)"

PORT := 8000
doc-serve: doc ## Show that web site on this machine (PORT=8000).
	@echo "http://localhost:$(PORT)/ shows the documentation; Control-C ends it"
	@python3 -m http.server --bind 127.0.0.1 --directory .build/documentation $(PORT)

clean: ## Remove everything that was built.
	rm -rf .build .build-*
