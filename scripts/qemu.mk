# Booting: by hand (qemu, gdb) and without a person (run).

DISK := $(if $(ROOT),$(ROOT),$(if $(EXTRA),$(O)/extra.img,$(O)/disk.img))

quoted    = '$(subst ','\'',$(1))'
qemu_args = --kernel $(KB)/Image --smp '$(SMP)' --mem '$(MEM)' \
	    --append=$(call quoted,$(APPEND)) --qemuflags=$(call quoted,$(QEMUFLAGS))
# Handed on by the environment: quotes, dollars and line breaks stay as they are.
export XV39_CMD := $(value CMD)

.PHONY: qemu run gdb disk
disk: kernel root.img
	@scripts/disk $(O)/root $(ROOTIMG) $(DISK) $(call quoted,$(ROOT)) $(call quoted,$(EXTRA))

qemu: disk
	@scripts/qemu $(qemu_args) --disk $(DISK)

gdb: disk
	@echo 'waiting for gdb: start gdb-multiarch $(KB)/kernel.elf here (ctrl-a x quits)'
	@scripts/qemu $(qemu_args) --disk $(DISK) --gdb

run: kernel root.img
	@scripts/run $(qemu_args) --image $(ROOTIMG) --root=$(call quoted,$(ROOT)) \
		--extra=$(call quoted,$(EXTRA)) --timeout $(TIMEOUT) --log $(O)/run.log
