# User programs.  user/bin and user/tests are POSIX C, linked statically with glibc; user/xv6 is
# freestanding, made by the kernel's compiler on our own ulib.

UCROSS ?= riscv64-linux-gnu-
UB     := $(O)/user
UWARN  := -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror)
UCFLAGS := -std=gnu11 -O2 -D_GNU_SOURCE= -I. -Iuser/lib -ffunction-sections -fdata-sections $(UWARN)
ULDFLAGS := -static -s -Wl,--gc-sections -pthread

# The files user/bin/*.c are one program, toolbox: each line TOOL("NAME", ...) in them is one more
# name of it in /bin.  A folder user/bin/NAME/ is a program of its own.
TOOLBOX_OBJ := $(patsubst %,$(UB)/obj/%.o,$(wildcard user/bin/*.c))
TOOL_NAMES  := $(sort $(shell sed -n 's/^TOOL."\([^"]*\)".*/\1/p' user/bin/*.c 2>/dev/null))
UPROGS_FILE := $(if $(TOOLBOX_OBJ),toolbox)
UPROGS_DIR  := $(sort $(patsubst user/bin/%/,%,$(dir $(wildcard user/bin/*/*.c))))
UPROGS      := $(UPROGS_FILE) $(UPROGS_DIR)
ULIB_OBJ    := $(patsubst %,$(UB)/obj/%.o,$(wildcard user/lib/*.c))
UTEST_OBJ   := $(patsubst %,$(UB)/obj/%.o,$(sort $(wildcard user/tests/*.c user/tests/*/*.c)))
UBINS       := $(patsubst %,$(UB)/bin/%,$(UPROGS)) $(if $(UTEST_OBJ),$(UB)/bin/usertests)

# Small programs of the test suite, each one file; not in the root image, added by EXTRA.
CRASHLOAD   := $(UB)/crash/crashload
TPROGS      := $(patsubst tests/programs/%.c,$(UB)/programs/%,$(wildcard tests/programs/*.c))

XCPPFLAGS := -Iuser/xv6 -I.
XCFLAGS := -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -std=gnu11 -O2 -g -ffreestanding \
	   -fno-common -fno-pic -fno-stack-protector -ffunction-sections -fdata-sections $(UWARN)
XLD     := $(wildcard user/xv6/xv6.ld)
XLDFLAGS := -march=rv64imac_zicsr -mabi=lp64 -nostdlib -static -s -Wl,--gc-sections \
	    -Wl,--build-id=none -Wl,-z,max-page-size=4096 $(XLD:%=-T %)
XLIB_OBJ := $(patsubst %,$(UB)/obj/%.o,$(wildcard user/xv6/ulib/*.c user/xv6/ulib/*.S))
XPROGS  := $(patsubst user/xv6/bin/%.c,$(UB)/xv6/bin/%,$(wildcard user/xv6/bin/*.c))
XINIT   := $(if $(wildcard user/xv6/init.c user/xv6/init/*.c),$(UB)/sbin/init)
XINIT_OBJ := $(patsubst %,$(UB)/obj/%.o,$(wildcard user/xv6/init.c user/xv6/init/*.c))

.PHONY: user programs
user: $(UBINS) $(XPROGS) $(XINIT)
programs: $(TPROGS) $(CRASHLOAD)

$(UB)/.flags: FORCE
	$(call stamp,$(UCROSS) $(UCFLAGS) $(ULDFLAGS) $(CROSS) $(XCPPFLAGS) $(XCFLAGS) $(XLDFLAGS))

$(UB)/.objects: FORCE
	$(call stamp,$(TOOLBOX_OBJ) $(ULIB_OBJ) $(UTEST_OBJ) $(XLIB_OBJ) $(XINIT_OBJ) \
		$(wildcard user/bin/*/*.c))

$(UB)/obj/user/xv6/%.c.o: user/xv6/%.c $(UB)/.flags | $(O)/.setup-run
	$(call say,XCC,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(XCPPFLAGS) $(XCFLAGS) -MMD -MP -c -o $@ $<

$(UB)/obj/user/xv6/%.S.o: user/xv6/%.S $(UB)/.flags | $(O)/.setup-run
	$(call say,XAS,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(XCPPFLAGS) $(XCFLAGS) -MMD -MP -c -o $@ $<

$(UB)/obj/%.c.o: %.c $(UB)/.flags | $(O)/.setup-run
	$(call say,UCC,$@)
	@mkdir -p $(@D)
	$(Q)$(UCROSS)gcc $(UCFLAGS) -MMD -MP -c -o $@ $<

$(UB)/libuser.a: $(ULIB_OBJ) $(UB)/.objects
	@rm -f $@
	$(Q)$(UCROSS)ar rcD $@ $(ULIB_OBJ)

$(UB)/libulib.a: $(XLIB_OBJ) $(UB)/.objects
	@rm -f $@
	$(Q)$(CROSS)ar rcD $@ $(XLIB_OBJ)

ulink = $(UCROSS)gcc $(ULDFLAGS) -o $@ $(filter %.o,$^) $(UB)/libuser.a -lm

$(UB)/bin/toolbox: $(TOOLBOX_OBJ)
define dir_program
$(UB)/bin/$(1): $(patsubst %,$(UB)/obj/%.o,$(wildcard user/bin/$(1)/*.c))
endef
$(foreach p,$(UPROGS_DIR),$(eval $(call dir_program,$(p))))
$(UB)/bin/usertests: $(UTEST_OBJ)
$(TPROGS): $(UB)/programs/%: $(UB)/obj/tests/programs/%.c.o
$(CRASHLOAD): $(UB)/obj/tests/crash/crashload.c.o

$(UBINS) $(TPROGS) $(CRASHLOAD): $(UB)/libuser.a $(UB)/.objects
	$(call say,ULD,$@)
	@mkdir -p $(@D)
	$(Q)$(ulink)

$(XINIT): $(XINIT_OBJ)
$(XPROGS): $(UB)/xv6/bin/%: $(UB)/obj/user/xv6/bin/%.c.o

$(XINIT) $(XPROGS): $(UB)/libulib.a $(XLD) $(UB)/.objects
	$(call say,XLD,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(XLDFLAGS) -o $@ $(filter %.o,$^) $(UB)/libulib.a -lgcc

# The tools once more, for the host and with sanitizers: tests/user/tools compares them with GNU's.
USER_HOSTCC ?= gcc
$(UB)/host/toolbox: $(wildcard user/bin/*.c user/lib/*.c user/lib/*.h) $(UB)/.flags \
		| $(O)/.setup-run
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(USER_HOSTCC) $(UCFLAGS) -O1 -g -fsanitize=address,undefined \
		-fno-sanitize-recover=undefined -o $@ $(filter %.c,$^) -lm

.PHONY: tools-tests
tools-tests: setup-test $(UB)/host/toolbox
	@tests/user/tools/run.py --toolbox $(UB)/host/toolbox \
		--results $(O)/results/tools-tests.txt $(TESTS)

# Objects are kept: they are prerequisites of pattern rules only.
.SECONDARY:

-include $(shell find $(UB)/obj -name '*.d' 2>/dev/null)
