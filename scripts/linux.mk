# The judge: real Linux (Debian's riscv64 kernel) runs the same test programs.  What it fails is
# wrong in the test, not in the kernel.

LINUX_SUITE ?= trixie
LINUX_DIR   := $(O)/linux
# TESTS='name ...' (or T=) runs only those tests or groups.
LINUX_TESTS = $(if $(filter command%,$(origin T)),$(T),$(TESTS))

.PHONY: linux usertests-linux programs-linux
linux: $(LINUX_DIR)/init | setup-full
	@scripts/linux-fetch $(LINUX_DIR) $(LINUX_SUITE)

$(LINUX_DIR)/init: tests/linux/init.c $(UB)/.flags
	$(call say,ULD,$@)
	@mkdir -p $(@D)
	$(Q)$(UCROSS)gcc $(UCFLAGS) -static -s -o $@ $<

# All tests on tmpfs, then those of files once more on an ext2 disk.
usertests-linux: linux $(UB)/bin/usertests
	@scripts/linux-tests usertests --dir $(LINUX_DIR) --binary $(UB)/bin/usertests \
		$(if $(filter file,$(origin SMP)),,--smp $(SMP)) \
		--results $(RESULTS)/usertests-linux.txt $(LINUX_TESTS)

# The small programs of tests/programs: Linux must print what their .out files say.
programs-linux: linux programs user
	@scripts/linux-tests programs --dir $(LINUX_DIR) --programs $(UB)/programs \
		--shell $(UB)/bin/sh --expected tests/programs \
		--results $(RESULTS)/programs-linux.txt $(LINUX_TESTS)
