# Each target does its own set-up (scripts/setup.sh), so a bare Debian 12 or Ubuntu 24.04 with git, make,
# a C compiler and Rust is enough. The work is done by cargo, CMake and the scripts; this file names it.

.DEFAULT_GOAL := help
.PHONY: help demo test bench stress test-bindings test-drivers test-package install package docs setup fmt lint clean

PREFIX ?= /usr/local

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

demo: ## scan real files for several tenants at once [FILES="a b"]
	@scripts/demo.sh $(FILES)

test: ## lint, all tests, loom, short stress, installation, bindings [PHASES="lint unit"]
	@scripts/test.sh $(PHASES)

bench: ## side by side with plain Vulkan and wgpu [PART=round_trip] [LONG=1]; report in target/bench
	@PART='$(PART)' LONG='$(LONG)' scripts/bench.sh

stress: ## the long proofs: 100 million jobs, the whole model
	@scripts/stress.sh --long

test-bindings: ## C++ with all compilers and standards, Go with a minute of load
	@scripts/test-bindings.sh --long

test-drivers: ## the tests on three Vulkan drivers, which it fetches [DRIVERS="swiftshader"]
	@tests/drivers/test-drivers.sh $(DRIVERS)

install: ## build a release and install it [PREFIX=/usr/local] [DESTDIR=]
	@DESTDIR='$(DESTDIR)' scripts/install.sh '$(PREFIX)'

package: ## Debian packages and a tarball, in target/package
	@scripts/package.sh

test-package: ## what lintian says of the packages; install, use and remove them
	@scripts/test-package.sh

docs: ## the reference of the C and the C++ API, in target/docs/html
	@scripts/docs.sh

setup: ## install what all of these need
	@scripts/setup.sh all

fmt: ## format Rust, C and C++
	@scripts/lint.sh --fix

lint: ## check the format, and warnings as errors
	@scripts/lint.sh

clean: ## remove everything built, fetched and reported
	rm -rf target bench/target build
