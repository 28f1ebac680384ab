# The kernel: kernel.elf by a two-pass link (the second carries the symbol table), then Image.

CROSS  ?= riscv64-unknown-elf-
KB     := $(O)/$(if $(filter 1,$(DEBUG)),debug,release)
KDIRS  := kernel mm fs drivers lib $(if $(filter 1,$(DEBUG)),tests/kernel)
KSRC   := $(sort $(shell find $(wildcard $(KDIRS)) /dev/null -name '*.[cS]' 2>/dev/null))
KSRC   := $(filter-out kernel/vdso/%,$(KSRC))
KOBJ   := $(patsubst %,$(KB)/obj/%.o,$(KSRC))
KLD    := kernel/kernel.ld

# C code must never touch the FPU (its registers belong to the user program), so it is compiled
# without F and D; only assembly, which saves those registers, may name them.
KARCH    := rv64imac_zicsr_zifencei
KASARCH  := rv64imafdc_zicsr_zifencei
KWARN    := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	    -Wvla -Wno-unused-parameter $(if $(filter 1,$(WERROR)),-Werror)
KCPPFLAGS := -I. -DDEBUG=$(if $(filter 1,$(DEBUG)),1,0) -DXV39_KERNEL=1
KCFLAGS  := -march=$(KARCH) -mabi=lp64 -mcmodel=medany -std=gnu11 -O2 -g -ffreestanding \
	    -fno-common -fno-pic -fno-stack-protector -fno-strict-aliasing \
	    $(if $(filter 1,$(DEBUG)),-fno-omit-frame-pointer) $(KWARN)
KASFLAGS := -march=$(KASARCH) -mabi=lp64 -mcmodel=medany -fno-pic -g -D__ASSEMBLER__
# gp stays the user program's: no __global_pointer$ is defined, so nothing is relaxed against it.
KLDFLAGS := -march=$(KARCH) -mabi=lp64 -nostdlib -static -Wl,-T,$(KLD) -Wl,--build-id=none \
	    -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096

.PHONY: kernel
ifeq ($(KSRC),)
kernel:
	@echo 'no kernel sources yet'
else
kernel: $(KB)/Image
endif

$(KB)/.flags: FORCE
	$(call stamp,$(CROSS) $(KCPPFLAGS) $(KCFLAGS) $(KASFLAGS) $(KLDFLAGS))

# The list of objects: a deleted or a new source file links the kernel again.
$(KB)/.objects: FORCE
	$(call stamp,$(KOBJ))

# A loop that clears or copies memory must not be turned into a call of itself.
$(KB)/obj/lib/string.c.o: KCFLAGS += -fno-tree-loop-distribute-patterns

$(KB)/obj/%.c.o: %.c $(KB)/.flags | $(O)/.setup-run
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(KCPPFLAGS) $(KCFLAGS) -MMD -MP -c -o $@ $<

$(KB)/obj/%.S.o: %.S $(KB)/.flags | $(O)/.setup-run
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(KCPPFLAGS) $(KASFLAGS) -MMD -MP -c -o $@ $<

# The vDSO is a library of user space: the linker of bare metal makes none.
$(KB)/vdso.o: kernel/vdso/vdso.S kernel/vdso/layout.h $(KB)/.flags | $(O)/.setup-run
	$(call say,AS,$@)
	$(Q)$(UCROSS)gcc -I. -march=rv64gc -mabi=lp64d -fpic -c -o $@ $<

$(KB)/vdso.ld: kernel/vdso/vdso.ld kernel/vdso/layout.h $(KB)/.flags | $(O)/.setup-run
	$(Q)$(CROSS)gcc -E -P -x c -I. -o $@ $<

$(KB)/vdso.so: $(KB)/vdso.o $(KB)/vdso.ld
	$(call say,LD,$@)
	$(Q)$(UCROSS)ld -shared -soname=linux-vdso.so.1 --hash-style=both --eh-frame-hdr -s \
		--build-id=none -z max-page-size=4096 -z norelro -T $(KB)/vdso.ld -o $@ $<

$(KB)/obj/kernel/vdso.S.o: $(KB)/vdso.so
$(KB)/obj/kernel/vdso.S.o: KASFLAGS += -DVDSO='"$(KB)/vdso.so"'

# Pass 1 links an empty table; its text addresses make the real one, and pass 2 checks that they
# stayed where they were.
$(KB)/ksyms1.S: scripts/ksyms.py | $(O)/.setup-run
	@mkdir -p $(@D)
	$(Q)scripts/ksyms.py empty > $@

$(KB)/ksyms2.S: $(KB)/kernel1.elf scripts/ksyms.py
	$(Q)$(CROSS)nm -n $< | scripts/ksyms.py table > $@

$(KB)/ksyms%.o: $(KB)/ksyms%.S $(KB)/.flags
	$(Q)$(CROSS)gcc $(KASFLAGS) -c -o $@ $<

$(KB)/kernel1.elf: $(KOBJ) $(KB)/ksyms1.o $(KLD) $(KB)/.objects
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc $(KLDFLAGS) -o $@ $(KOBJ) $(KB)/ksyms1.o -lgcc

$(KB)/kernel.elf: $(KOBJ) $(KB)/ksyms2.o $(KB)/kernel1.elf $(KLD)
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc $(KLDFLAGS) -Wl,-Map=$(KB)/kernel.map -o $@ $(KOBJ) $(KB)/ksyms2.o -lgcc
	$(Q)$(CROSS)nm -n $@ | scripts/ksyms.py check $(KB)/ksyms2.S

$(KB)/Image: $(KB)/kernel.elf
	$(call say,IMAGE,$@)
	$(Q)$(CROSS)objcopy -O binary $< $@

-include $(KOBJ:.o=.d)

# For editors and clang tools: one entry for each kernel source file.
compile_commands.json: scripts/compdb.py $(KB)/.objects $(KB)/.flags | $(O)/.setup-run
	$(call say,GEN,$@)
	@printf '%s\n' $(filter %.c,$(KSRC)) | \
		scripts/compdb.py '$(CROSS)gcc $(KCPPFLAGS) $(KCFLAGS)' > $@
