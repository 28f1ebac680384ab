# Host tests of programs in user/: the shell and the editor, built for this machine with
# sanitizers and for riscv64, compared with other shells and driven through pseudo-terminals.
# ONLY='part of a name' runs only those.

UTB      := $(O)/usertest
UTCC     ?= gcc
UTCFLAGS := -std=gnu11 -D_GNU_SOURCE -g -O1 -I. -Iuser/lib -Wall -Wextra \
	    -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	    $(if $(filter 1,$(WERROR)),-Werror)
UTLIB    := user/lib/term.c user/lib/utf8.c

.PHONY: user-tests
user-tests: setup-test $(UTB)/sh $(UTB)/edit $(UB)/bin/sh $(UB)/bin/edit
	@tests/user/run-sh-tests --native $(UTB) --riscv $(UB)/bin \
		--results $(O)/results/user-tests.txt $(if $(ONLY),--only '$(ONLY)')

$(UTB)/.flags: FORCE
	$(call stamp,$(UTCC) $(UTCFLAGS))

$(UTB)/%.c.o: %.c $(UTB)/.flags | $(O)/.setup-test
	$(call say,UTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(UTCC) $(UTCFLAGS) -MMD -MP -c -o $@ $<

define native_program
$(UTB)/$(1): $(patsubst %,$(UTB)/%.o,$(wildcard user/bin/$(1)/*.c) $(UTLIB))
	$$(call say,UTLD,$$@)
	$$(Q)$(UTCC) $(UTCFLAGS) -o $$@ $$(filter %.o,$$^)
endef
$(foreach p,sh edit,$(eval $(call native_program,$(p))))

-include $(shell find $(UTB) -name '*.d' 2>/dev/null)
