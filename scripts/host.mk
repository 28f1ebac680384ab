# Host tests: kernel sources compiled for the host with sanitizers, cmocka as the frame.  What is
# built is said by tests/host/host.mk: HOST_TESTS names the test programs, and for each of them
# NAME_SRC lists its sources.  FUZZERS and NAME_SRC do the same for libFuzzer targets.
# HOST_SCRIPTS are programs that need no building and print what cmocka would.

HB       := $(O)/host
HOST_TESTS :=
FUZZERS  :=
-include tests/host/host.mk

# The kernel's own kind of compiler for the tests; libFuzzer comes with clang only.
HCC      ?= gcc
FUZZCC   ?= clang
HCFLAGS  := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-builtin -DXV39_HOST=1 -DDEBUG=1 \
	    $(HOST_CFLAGS) -I. -Wall -Wextra -Wno-macro-redefined -Wno-unused-parameter \
	    -fsanitize=address,undefined -fno-sanitize-recover=all \
	    $(if $(filter 1,$(WERROR)),-Werror)
FUZZ_SECONDS ?= 5

.PHONY: host-tests host-fuzz fuzz crash-tests host-programs
host-programs: $(HOST_TESTS:%=$(HB)/%) $(FUZZERS:%=$(HB)/fuzz/%)

host-tests:
	@+$(MAKE) $(PARALLEL) host-programs
	@scripts/host-tests --results $(O)/results/host-tests.txt --fuzz-seconds $(FUZZ_SECONDS) \
		$(HOST_TESTS:%=--test $(HB)/%) $(HOST_SCRIPTS:%=--test %) \
		$(FUZZERS:%=--fuzz $(HB)/fuzz/%)

# The fuzz targets alone, for longer.
host-fuzz: $(FUZZERS:%=$(HB)/fuzz/%)
	@scripts/host-tests --results $(O)/results/host-fuzz.txt $(FUZZERS:%=--fuzz $(HB)/fuzz/%) \
		--fuzz-seconds $(if $(filter file,$(origin FUZZ_SECONDS)),120,$(FUZZ_SECONDS))

# The crash test with more points than host-tests has time for.
CRASHES ?= 2000
crash-tests: $(HB)/test_crash
	@XV39_CRASHES=$(CRASHES) scripts/host-tests --test $< \
		--results $(O)/results/crash-tests.txt

# One of them: make fuzz T=fdt SECONDS=120
T ?= $(patsubst fuzz_%,%,$(firstword $(FUZZERS)))
SECONDS ?= 60
fuzz: $(HB)/fuzz/fuzz_$(T)
	@scripts/host-tests --results $(O)/results/fuzz.txt --fuzz $< --fuzz-seconds $(SECONDS)

# Seeds that are made of other things: HOST_CORPUS, in the folders $(HB)/corpus/NAME.
host-tests host-fuzz fuzz: $(HOST_CORPUS)

$(HB)/.flags: FORCE
	$(call stamp,$(HCC) $(FUZZCC) $(HCFLAGS))

$(HB)/obj/%.c.o: %.c $(HB)/.flags | $(O)/.setup-test
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HCC) $(HCFLAGS) -MMD -MP -c -o $@ $<

$(HB)/fuzz-obj/%.c.o: %.c $(HB)/.flags | $(O)/.setup-test
	$(call say,FUZZCC,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZCC) $(HCFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

define host_test
$(HB)/$(1): $(patsubst %,$(HB)/obj/%.o,$($(1)_SRC)) tests/host/host.mk
	$$(call say,HOSTLD,$$@)
	$$(Q)$(HCC) $(HCFLAGS) -o $$@ $$(filter %.o,$$^) -lcmocka -lm
endef
define host_fuzzer
$(HB)/fuzz/$(1): $(patsubst %,$(HB)/fuzz-obj/%.o,$($(1)_SRC)) tests/host/host.mk
	$$(call say,FUZZLD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$(FUZZCC) $(HCFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) -lcmocka -lm
endef
$(foreach t,$(HOST_TESTS),$(eval $(call host_test,$(t))))
$(foreach t,$(FUZZERS),$(eval $(call host_fuzzer,$(t))))

-include $(shell find $(HB)/obj $(HB)/fuzz-obj -name '*.d' 2>/dev/null)
