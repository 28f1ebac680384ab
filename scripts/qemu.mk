# Booting: by hand (qemu, gdb) and without a person (run).

DISK := $(if $(ROOT),$(ROOT),$(if $(EXTRA),$(O)/extra.img,$(O)/disk.img))

quoted    = '$(subst ','\'',$(1))'
qemu_args = --kernel $(KB)/Image --smp '$(SMP)' --mem '$(MEM)' \
	    --append=$(call quoted,$(APPEND)) --qemuflags=$(call quoted,$(QEMUFLAGS))
# Handed on by the environment: quotes, dollars and line breaks stay as they are.
export XV39_CMD := $(value CMD)

.PHONY: qemu run gdb disk
disk: kernel root.img
	@scripts/disk $(O)/root $(ROOTIMG) $(call quoted,$(DISK)) $(call quoted,$(ROOT)) \
		$(call quoted,$(EXTRA))

# What was swapped out is of no use to the next run: the area is made new.
SWAPDISK := $(if $(filter-out 0,$(SWAP)),$(O)/swap.img)
qemu_disks = --disk $(call quoted,$(DISK)) \
	     $(if $(SWAPDISK),--disk $(SWAPDISK) --append-word swap=/dev/vdb)
.PHONY: swap-disk
swap-disk: | $(O)/.setup-run
	$(if $(SWAPDISK),@rm -f $(SWAPDISK) && truncate -s $(SWAP) $(SWAPDISK) && \
		PATH=$$PATH:/sbin:/usr/sbin mkswap -q $(SWAPDISK) >/dev/null 2>&1)

qemu: disk swap-disk
	@scripts/qemu $(qemu_args) $(qemu_disks)

gdb: disk swap-disk
	@echo 'waiting for: gdb-multiarch -nx -x .gdbinit $(KB)/kernel.elf   (ctrl-a x quits)'
	@scripts/qemu $(qemu_args) $(qemu_disks) --gdb

# `make run` exits with the command's status.  GNU make itself knows only 2 for a recipe that
# failed, so a plug-in hands the status on; without a host compiler to build it, 2 it is (and
# scripts/run, which does the work, is exact always).
run: run-machine
	@$(if $(filter-out 0,$(run_status)),$(exit $(run_status))exit $(run_status))

run_status = $(shell cat $(O)/.run-status)

.PHONY: run-machine
run-machine: kernel root.img
	@scripts/run $(qemu_args) --image $(ROOTIMG) --root=$(call quoted,$(ROOT)) \
		--extra=$(call quoted,$(EXTRA)) --timeout $(TIMEOUT) --log $(O)/run.log; \
		echo $$? > $(O)/.run-status

ifneq ($(filter run,$(MAKECMDGOALS)),)
-load $(O)/make-exit.so(make_exit_gmk_setup)
endif

$(O)/make-exit.so: scripts/make-exit.c
	@mkdir -p $(@D)
	@if command -v cc >/dev/null; then cc -shared -fPIC -O2 -o $@ $< 2>/dev/null; fi; true
