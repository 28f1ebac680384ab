# Instructions per operation, ours beside Linux's and the targets; NAMES='name ...' for some rows.
# LINUX=Image runs the same program on that Linux kernel too, in the same QEMU; LINUX=auto on
# Debian's, which is fetched.

BENCH     := $(UB)/bench/bench
BENCH_OBJ := $(patsubst %,$(UB)/obj/%.o,$(wildcard tests/bench/*.c))
LINUX     ?=
NAMES     ?=

# With its symbols: scripts/hotspots looks for them.
$(BENCH): $(BENCH_OBJ) $(UB)/.flags
	$(call say,ULD,$@)
	@mkdir -p $(@D)
	$(Q)$(UCROSS)gcc $(filter-out -s,$(ULDFLAGS)) -o $@ $(filter %.o,$^)

# What is measured is a release kernel, whatever DEBUG says.
.PHONY: bench bench-parts bench-linux
bench-parts: setup-test $(BENCH)
	@+$(MAKE) DEBUG=0 kernel root.img

bench: bench-parts $(if $(LINUX),bench-linux)
	@scripts/bench --binary $(BENCH) --kernel $(O)/release/Image --image $(ROOTIMG) \
		--out $(O)/bench --qemuflags=$(call quoted,$(QEMUFLAGS)) \
		$(if $(LINUX),--linux-dir \
			$(if $(filter auto,$(LINUX)),$(LINUX_DIR),$(O)/bench/linux)) \
		$(NAMES)

ifeq ($(LINUX),auto)
bench-linux: linux
else
bench-linux: $(LINUX_DIR)/init
	@mkdir -p $(O)/bench/linux
	@cp $(LINUX) $(O)/bench/linux/Image && cp $< $(O)/bench/linux/init
endif
