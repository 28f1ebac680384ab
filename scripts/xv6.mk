# `make xv6 SRC=dir`: programs in xv6's style from elsewhere, unmodified.  dir holds *.c, or is an
# xv6 tree with them in user/; each is a program, /xv6/bin/NAME on the disk, but for the files that
# are xv6's own library, whose place ulib takes.  $(O)/xv6 is the same as a tree for EXTRA.

XV6_USER  := $(if $(SRC),$(dir $(firstword $(wildcard $(SRC)/user/*.c))))
XV6_SRC   := $(patsubst %/,%,$(or $(XV6_USER),$(SRC)))
XV6_FILES := $(if $(SRC),$(wildcard $(XV6_SRC)/*.c))
XV6_NAMES := $(filter-out ulib printf umalloc,$(XV6_FILES:$(XV6_SRC)/%.c=%))
XV6_BIN   := $(O)/xv6/xv6/bin
XV6_OBJ   := $(UB)/xv6src/$(subst /,-,$(abspath $(XV6_SRC)))
# Other people's programs: what the compiler finds to say about them is theirs.
XV6_CFLAGS := $(filter-out $(UWARN),$(XCFLAGS)) -w

.PHONY: xv6
xv6: $(XV6_NAMES:%=$(XV6_BIN)/%) disk
	$(if $(XV6_NAMES),,$(error make xv6: no programs (*.c) in SRC='$(SRC)'))
	$(Q)cd $(XV6_BIN) && rm -f $$(ls | grep -vxF $(XV6_NAMES:%=-e %))
	$(Q)scripts/image add --output $(call quoted,$(DISK)) --extra $(O)/xv6
	@echo '$(words $(XV6_NAMES)) programs are in /xv6/bin of $(DISK)'

# The same name may come from another folder.
$(UB)/xv6src/.source: FORCE
	$(call stamp,$(XV6_SRC) $(XV6_CFLAGS))

$(XV6_OBJ)/%.o: $(XV6_SRC)/%.c $(UB)/xv6src/.source $(UB)/.flags | $(O)/.setup-run
	$(call say,XCC,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(XCPPFLAGS) $(XV6_CFLAGS) -MMD -MP -c -o $@ $<

$(XV6_BIN)/%: $(XV6_OBJ)/%.o $(UB)/xv6src/.source $(UB)/libulib.a $(XLD)
	$(call say,XLD,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(XLDFLAGS) -o $@ $< $(UB)/libulib.a -lgcc

-include $(wildcard $(XV6_OBJ)/*.d)
