# What people type. Each target installs what it needs: apt packages, and for tests a Python venv
# inside the build folder.

SHELL := /bin/bash
SWIFT ?= swift
APT := libgpiod-dev libdeflate-dev libzstd-dev liblz4-dev libmatroska-dev libmodbus-dev libqrencode-dev libsqlite3-dev pkg-config
FORMAL_APT := spin gcc libc6-dev
TEST_APT := python3 python3-venv iproute2 openssl nginx-light
MICRO_APT := binutils valgrind python3
BROWSER_APT := chromium
KERNEL_APT := qemu-system-x86 cpio kmod make gcc-12 libelf1 xz-utils v4l-utils
VENV := .build/venv

.PHONY: bench-recordings crash-images disk-faults tamper kill-rounds goodput fairness help demo test bench bench-loss bench-peers footprint small-agent micro build release format format-check setup setup-test simulate formal fuzz kernel-test browser-test clean

help:
	@echo "make demo      build, stream this machine's sensors for ten seconds, verify the recording"
	@echo "make test      build and pass every test"
	@echo "make kernel-test  the agent in an emulated machine, against the kernel's own GPIO, sensors and camera"
	@echo "make browser-test a replay in a real browser: the plot and the pictures, to the pixel"
	@echo "make bench     measure the link on loopback, beside its ceiling"
	@echo "make bench-recordings  measure verification, export and replay beside their ceilings"
	@echo "make bench-loss  measure goodput on a limited link that loses packets, beside libsrt"
	@echo "make bench-peers  measure libsrt, MQTT, Zenoh and bare TLS on the same work, beside STT"
	@echo "make micro     instructions and allocations of the hot path's parts, against their limits"
	@echo "make small-agent  the agent with the Swift runtime inside and nothing to spare: .build/small/stt-agent"
	@echo "make footprint size, memory and idle processor time of an agent"
	@echo "make release   optimised programs in .build/release"
	@echo "make formal    check the models of the protocol (formal/README.md)"
	@echo "make simulate  thousands of runs over simulated bad links: SEEDS=20000, or one alone: SEED=123"
	@echo "make goodput   what arrives over a simulated 100 Mbit/s link that loses packets"
	@echo "make fairness  what a session gets beside a CUBIC transfer, simulated"
	@echo "make fuzz      fuzz every parser and state machine for TIME=60 seconds each; TARGET=hello for one"
	@echo "make crash-images  cut the power at every call of recorders' runs: IMAGES=100000 of plain and of sealed ones"
	@echo "make disk-faults   let every call of a recorder's run fail: ENOSPC, EIO, EDQUOT, EROFS, short writes"
	@echo "make tamper    change a sealed recording of 10,000 records at each of them"
	@echo "make kill-rounds   kill collectors while agents stream: ROUNDS=200"
	@echo "make format    format all Swift sources; format-check only looks"

# Installs only what is missing, so that a second run needs neither root nor network.
setup:
	@missing=""; for package in $(APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi

setup-test: setup
	@missing=""; for package in $(TEST_APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi
	@if [ ! -x $(VENV)/bin/python ] || ! $(VENV)/bin/python -c 'import av, mcap, mcap_protobuf, cryptography, pymodbus, serial, websockets, zstandard' 2>/dev/null; then \
	  python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt; fi

build: setup
	$(SWIFT) build

release: setup
	$(SWIFT) build -c release --product stt-agent
	$(SWIFT) build -c release --product stt-websocket
	$(SWIFT) build -c release --product stt-collector
	$(SWIFT) build -c release --product stt

demo: build
	.build/debug/stt demo

test: setup-test
	$(SWIFT) build --build-tests
	STT_TEST_PYTHON=$(CURDIR)/$(VENV)/bin/python STT_TEST_PROGRAMS=$(CURDIR)/.build/debug $(SWIFT) test --skip-build

# boards/qemu/README.md. Cached below .build/kernel-test.
kernel-test: setup-test
	@missing=""; for package in $(KERNEL_APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi
	$(SWIFT) build --product stt-collector
	$(SWIFT) build --product stt
	$(SWIFT) build -c release --static-swift-stdlib --product stt-agent
	STT_AGENT_GPIOD2=$$(./Tests/Kernel/with-gpiod2) STT_TEST_PYTHON=$(CURDIR)/$(VENV)/bin/python \
	STT_TEST_PROGRAMS=$(CURDIR)/.build/debug ./Tests/Kernel/run

# Not part of `make test`: Chromium is 124 MB to download. Leaves .build/browser-test/screenshot.png.
browser-test: setup-test
	@missing=""; for package in $(BROWSER_APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi
	for product in stt-agent stt-collector stt; do $(SWIFT) build --product $$product || exit 1; done
	$(VENV)/bin/python Tests/Browser/run .build/debug .build/browser-test

# SEEDS=20000 FROM=1 runs many scenarios; SEED=123 one of them alone, and tells what happens.
SEEDS ?= 1000
FROM ?= 1
simulate: setup
	$(SWIFT) build -c release --product stt-simulate
	.build/release/stt-simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --from $(FROM))

goodput: setup
	$(SWIFT) build -c release --product stt-simulate
	.build/release/stt-simulate --goodput

# A session beside a CUBIC transfer and beside another session.
fairness: setup
	$(SWIFT) build -c release --product stt-simulate
	.build/release/stt-simulate --fairness

formal:
	@missing=""; for package in $(FORMAL_APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi
	./formal/check

fuzz: setup
	TIME="$(TIME)" TARGET="$(TARGET)" SANITIZER="$(SANITIZER)" SWIFT="$(SWIFT)" ./Tests/Fuzz/run

# Recordings under everything that may happen to a disk (Tests/Trials).
IMAGES ?= 100000
crash-images: setup
	$(SWIFT) build -c release --product stt-trials
	.build/release/stt-trials crash-images --images $(IMAGES)

disk-faults: setup
	$(SWIFT) build -c release --product stt-trials
	.build/release/stt-trials disk-faults

tamper: setup
	$(SWIFT) build -c release --product stt-trials
	.build/release/stt-trials tamper

ROUNDS ?= 200
kill-rounds: setup-test
	$(SWIFT) build --build-tests
	ROUNDS=$(ROUNDS) STT_TEST_PYTHON=$(CURDIR)/$(VENV)/bin/python STT_TEST_PROGRAMS=$(CURDIR)/.build/debug \
	$(SWIFT) test --skip-build --filter Crashes/rounds

bench: release
	.build/release/stt bench

# Needs about 4 GB of disk while it runs.
bench-recordings: setup
	$(SWIFT) build -c release --product stt
	.build/release/stt bench recording --directory .build/bench-recordings
	.build/release/stt bench replay --directory .build/bench-replay

# Goodput on a bad link, beside Debian's libsrt through the same relay.
bench-loss: setup
	$(SWIFT) build -c release --product stt
	./Benchmarks/peers/srt/build
	.build/release/stt bench loss --peer .build/peers/srt

# Debian's libsrt, mosquitto and OpenSSL, and PyPI's Zenoh.
bench-peers: setup
	$(SWIFT) build -c release --product stt
	./Benchmarks/peers/build
	.build/release/stt bench peers --peer $(addprefix .build/peers/,tls zenoh mqtt srt)

# Fails when a part of the hot path takes more instructions or allocations than Benchmarks/micro/limits.json says.
micro:
	@missing=""; for package in $(MICRO_APT); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then ./.ci/apt-install $$missing; fi
	$(SWIFT) build -c release --static-swift-stdlib --product stt-micro
	./Benchmarks/micro/run

# The agent as small boards get it: the Swift runtime inside, nothing offered to others, what nobody calls left out, relocations
# packed, no symbols.
small-agent: setup
	$(SWIFT) build -c release --static-swift-stdlib --product stt-agent \
	  -Xswiftc -use-ld=bfd -Xlinker --no-export-dynamic -Xlinker --gc-sections \
	  -Xlinker -z -Xlinker pack-relative-relocs
	mkdir -p .build/small
	strip -o .build/small/stt-agent .build/release/stt-agent
	@ls -l .build/small/stt-agent

footprint: setup
	$(SWIFT) build -c release --static-swift-stdlib --product stt-collector
	$(SWIFT) build -c release --static-swift-stdlib --product stt
	$(MAKE) small-agent
	./Benchmarks/footprint/run .build/small/stt-agent

format:
	$(SWIFT) format --in-place --recursive Package.swift Benchmarks Sources collector Tests

format-check:
	$(SWIFT) format lint --strict --recursive Package.swift Benchmarks Sources collector Tests

clean:
	rm -rf .build
