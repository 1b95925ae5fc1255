# A thin front for CMake. Every target first installs the Debian 12 packages that it needs and that
# are missing (as root, or with sudo), then builds what it needs. `make help` lists the targets.

BUILD_PACKAGES := g++ cmake ninja-build pkg-config catch2 libcli11-dev libldns-dev \
  libidn2-dev libpsl-dev libseccomp-dev libspdlog-dev libsqlite3-dev libssl-dev \
  libtomlplusplus-dev libunistring-dev libuv1-dev nettle-dev nlohmann-json3-dev
DEMO_PACKAGES := curl python3
TEST_PACKAGES := aria2 bind9-dnsutils curl dropbear-bin git hey iproute2 ldnsutils musl-tools \
  libicu72 libpq5 libreadline8 libxml2 ngtcp2-client ngtcp2-server nodejs openjdk-17-jdk-headless \
  openssh-client openssl python3 socat
# Debian's packages of these servers start them when installed, so they are only unpacked.
UNPACKED_PACKAGES := nginx postgresql-15 postgresql-client-15
UNPACKED_PROGRAMS := nginx/usr/sbin postgresql-15/usr/lib/postgresql/15/bin \
  postgresql-client-15/usr/lib/postgresql/15/bin
LINT_PACKAGES := clang-format clang-tidy python3
FUZZ_PACKAGES := clang libclang-rt-14-dev
BENCH_PACKAGES := bubblewrap dnsmasq-base dnsperf iproute2 passt python3 tinyproxy

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
# Ledgers that `make crash` begins and kills the daemon over, 25 times each, in each of its ways.
CRASH_LEDGERS ?= 8
LEDGER_ROWS ?= 1000000
# How long `make fuzz` gives each target.
FUZZ_SECONDS ?= 30

.DEFAULT_GOAL := build
.PHONY: help build demo test crash lint bench fuzz install clean

help:  ## lists the targets
	@sed -n 's/^\([a-z]*\):.*  ## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

build:  ## builds build/release/bin/{namegate,namegated} and build/release/lib/libnamegate.so
	$(call need,$(BUILD_PACKAGES))
	$(call compile,release,programs)

demo:  ## shows the main job on this machine, without a network, in seconds
	$(call need,$(BUILD_PACKAGES) $(DEMO_PACKAGES))
	$(call compile,release,programs)
	@tests/demo/demo.sh build/release

# One run of ctest over the optimised and the sanitised build, so that there is one closing line.
test:  ## builds and runs all tests: optimised, under ASan+UBSan, and what has threads under TSan
	$(call need,$(BUILD_PACKAGES) $(TEST_PACKAGES))
	$(call unpack,$(UNPACKED_PACKAGES))
	$(call compile,release,all)
	$(call compile,asan,all)
	$(call compile,tsan,ledger_test namegated_test)
	@mkdir -p build/test
	@printf 'subdirs("%s/build/release" "%s/build/asan" "%s/build/tsan")\n' \
	  '$(CURDIR)' '$(CURDIR)' '$(CURDIR)' > build/test/CTestTestfile.cmake
	@for programs in $(UNPACKED_PROGRAMS); do PATH="$$PATH:$(CURDIR)/build/unpacked/$$programs"; done; \
	  ctest --test-dir build/test --parallel $(JOBS) --output-on-failure --no-tests=error \
	  --output-log build/test/log.txt </dev/null; status=$$?; \
	  test $$status = 0 || { echo; echo 'What failed, once more:'; awk \
	    '/^ *(Start|[0-9]+\/[0-9]+ Test) /{show = /\*\*\*/ && !/\*\*\*Skipped/} show' \
	    build/test/log.txt; }; \
	  grep 'tests passed' build/test/log.txt; exit $$status

crash:  ## kills the daemon under load CRASH_LEDGERS x 25 times, cuts its power too, and counts rows
	$(call need,$(BUILD_PACKAGES))
	$(call compile,release,crash_test)
	@NAMEGATE_CRASH_LEDGERS=$(CRASH_LEDGERS) build/release/bin/crash_test

lint:  ## checks the format (clang-format) and what is installed (clang-tidy)
	$(call need,$(BUILD_PACKAGES) $(LINT_PACKAGES))
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)
	@rm -rf build/lint
	@cmake --preset lint >/dev/null
	.ci/tidy.py build/lint $(JOBS)

bench:  ## measures the resolver beside dnsmasq, and the gates beside bubblewrap, a proxy and pasta
	$(call need,$(BUILD_PACKAGES) $(BENCH_PACKAGES))
	$(call compile,release,programs connect_bench network_bench ledger_stalls ledger_questions)
	@tests/bench/bench.sh build/release
	@build/release/bin/ledger_stalls
	@build/release/bin/ledger_questions $(LEDGER_ROWS)

fuzz:  ## fuzzes each reader of bytes for FUZZ_SECONDS (30)
	$(call need,$(BUILD_PACKAGES) $(FUZZ_PACKAGES))
	$(call compile,fuzz,fuzz)
	@tests/fuzz/fuzz.sh build/fuzz $(FUZZ_SECONDS)

install: build  ## installs into PREFIX (/usr/local), below DESTDIR if that is set
	DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean:  ## removes everything that was built
	rm -rf build

# Tests are formatted like what is installed; clang-tidy over them too would double its time.
SOURCES = $(shell find common resolver gate tests -name '*.cc' -o -name '*.c')
HEADERS = $(shell find common resolver gate tests -name '*.h')

# $(call compile,PRESET,TARGETS): configured each time, as what was missing may be installed by now.
define compile
@cmake --preset $(1) $(if $(wildcard build/$(1)/build.ninja),>/dev/null)
@cmake --build --preset $(1) --parallel $(JOBS) --target $(2)
endef

# $(call unpack,PACKAGES): unpacks each below build/. Without one of them the tests that need it are
# skipped, and say so.
define unpack
@for package in $(1); do test -e build/unpacked/$$package || ( \
  echo "unpacking: $$package"; \
  root=; test "$$(id -u)" = 0 || root=sudo; \
  rm -rf build/unpacked/new && mkdir -p build/unpacked/new && cd build/unpacked/new && \
  { apt-get -qq download $$package 2>/dev/null || \
    { $$root apt-get -qq update && apt-get -qq download $$package; }; } && \
  dpkg-deb -x $${package}_*.deb . && rm $${package}_*.deb && mv ../new ../$$package ); done; true
endef

# $(call need,PACKAGES): installs those that are missing. The lists of what there is are fetched
# only where apt cannot make a plan without.
define need
@missing=; \
for package in $(1); do \
  case $$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null) in \
    installed) ;; *) missing="$$missing $$package" ;; \
  esac; \
done; \
test -z "$$missing" && exit 0; \
echo "installing:$$missing"; \
root=; test "$$(id -u)" = 0 || root=sudo; \
apt="$$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"; \
$$apt --simulate install --no-install-recommends $$missing >/dev/null 2>&1 || $$apt update; \
install="$$apt install -y --no-install-recommends $$missing"; \
$$install </dev/null >/dev/null || { $$apt update && $$install </dev/null; }
endef
