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

# What programs of Debian's cost, here and on Linux, in the root of `make debian`.
.PHONY: bench-debian
bench-debian: bench-parts debian.img linux
	@scripts/bench-debian --binary $(BENCH) --kernel $(O)/release/Image \
		--image $(DEBIAN)/debian.img --linux $(LINUX_DIR) --out $(O)/bench

# Memory pressure, counted: what four patterns make swap do, and the instructions for a page that
# leaves without being written (tests/bench/swap, tests/bench/README.md).
swapbench = scripts/run --kernel $(KB)/Image --image $(ROOTIMG) --extra $(O)/bench-swap/extra \
	--mem 128M --timeout 600 --append swap=/dev/vdb --disk $(O)/bench-swap/swap.img
.PHONY: bench-swap
bench-swap: kernel root.img
	@mkdir -p $(O)/bench-swap/extra/bin
	$(Q)riscv64-linux-gnu-gcc -O2 -static -I. -o $(O)/bench-swap/extra/bin/swapbench \
		tests/bench/swap/swapbench.c -lm
	$(Q)rm -f $(O)/bench-swap/swap.img && truncate -s 256M $(O)/bench-swap/swap.img && \
		PATH=$$PATH:/sbin:/usr/sbin mkswap -q $(O)/bench-swap/swap.img >/dev/null 2>&1
	@for run in swapbench 'swapbench tier 0' 'swapbench tier 2' 'swapbench tier 3' \
		'swapbench tier 4' 'swapbench tier 8'; do \
		$(swapbench) --smp 2 --log $(O)/bench-swap/run.log -- "$$run" || exit 1; done
	@$(swapbench) --smp 1 --qemuflags='-icount shift=0,sleep=off' \
		--log $(O)/bench-swap/icount.log -- 'swapbench evict; swapbench zswap'
