# The test suites.  Each prints a line for each test, ends with `N passed, N failed`, and leaves
# its counts in $(O)/results/; scripts/suites calls several and adds them up.

.PHONY: test test-full usertests lint system-tests system-tests-full usertests-full minroot-test
.PHONY: usertests-hardware parts

RESULTS := $(O)/results
export O WERROR V

test: setup-test
	@+scripts/suites --results $(RESULTS) lint+user-tests tools-tests host-tests \
		system-tests usertests

test-full: setup-full
	@+scripts/suites --results $(RESULTS) host-fuzz system-tests-full usertests-full \
		usertests-hardware debian-programs \
		crash-tests+usertests-linux+programs-linux+minroot-test

lint: setup-test
	@+scripts/lint --results $(RESULTS)/lint.txt $(LINT)

# Both kernels, the root image, and the programs of the test suite.
parts: setup-test
	@+$(MAKE) $(PARALLEL) DEBUG=1 kernel
	@+$(MAKE) $(PARALLEL) DEBUG=0 kernel root.img programs

# TESTS='part of a name ...' runs only those; tests/system/runner.py --list --level all names them.
system-tests: parts
	@tests/system/runner.py --results $(RESULTS)/system-tests.txt $(TESTS)

system-tests-full: parts debian.img linux remount
	@tests/system/runner.py --level full --results $(RESULTS)/system-tests-full.txt $(TESTS)

# TESTS='name ...' runs only those tests; SMP= and DEBUG= on the command line, only that machine.
usertests: parts
	@scripts/usertests --results $(RESULTS)/usertests.txt --kernel $(KB)/Image \
		--image $(ROOTIMG) --mem $(MEM) $(if $(filter file,$(origin SMP)),\
		--smp 1 --smp 2 --smp 4 --smp 8,--smp $(SMP)) $(TESTS)

# The rest: with all assertions on, and on a machine with next to no memory.
usertests-full: parts
	@scripts/usertests --results $(RESULTS)/usertests-full.txt --kernel $(O)/debug/Image \
		--image $(ROOTIMG) --smp 4 --also-mem 16M $(TESTS)

# Where software sets A and D bits, and where satp has no ASID bits.
usertests-hardware: parts
	@scripts/qemu-fetch $(O)/qemu
	@scripts/usertests --results $(RESULTS)/usertests-hardware.txt --image $(ROOTIMG) \
		--qemu-svade $(O)/qemu/qemu-system-riscv64 \
		$(foreach n,1 4,--machine $(O)/release/Image,$n,$(MEM),svade) \
		--machine $(O)/debug/Image,4,$(MEM),svade \
		$(foreach n,1 4,--machine $(O)/release/Image,$n,$(MEM),noasid) $(TESTS)

# The set-up on a Debian that has nothing but make and git.
minroot-test: setup-full
	@scripts/test-minroot --results $(RESULTS)/minroot-test.txt
