# What the host tests are made of; scripts/host.mk builds and runs them.

HOST_SCRIPTS := tests/host/test_uapi.py

HOST_TESTS += test_string test_bits test_trees test_lz4 test_chacha20
test_string_SRC := tests/host/test_string.c
test_bits_SRC   := tests/host/test_bits.c lib/bits.c lib/bitmap.c lib/crc.c lib/sort.c
test_trees_SRC  := tests/host/test_trees.c lib/bits.c lib/rbtree.c lib/interval.c \
		   lib/radix.c
test_lz4_SRC    := tests/host/test_lz4.c lib/lz4.c
test_chacha20_SRC := tests/host/test_chacha20.c kernel/chacha20.c

# Sources that expect a kernel around them get the one in shim/, whose headers come first.
HOST_CFLAGS += -Itests/host/shim
KERNEL_SHIM := tests/host/shim/kernel.c tests/host/shim/lib.c kernel/spinlock.c lib/bits.c

# Frames, where nothing reclaims them.
FRAMES_SRC := mm/frame.c mm/policy.c kernel/swap/slot.c kernel/swap/area.c \
	      kernel/swap/zpool.c kernel/mem/slab.c \
	      tests/host/shim/no_pages.c

HOST_TESTS += test_frame
test_frame_SRC := tests/host/test_frame.c tests/host/shim/ram.c \
		  $(FRAMES_SRC) $(KERNEL_SHIM)

HOST_TESTS += test_vma
test_vma_SRC := tests/host/test_vma.c tests/host/shim/kmalloc.c tests/host/shim/audit.c \
		tests/kernel/audit_areas.c mm/vma.c lib/rbtree.c $(KERNEL_SHIM)

# Device trees: ours by dtc, and the ones that QEMU makes.
HOST_DTBS  := $(patsubst tests/host/dts/%.dts,$(HB)/dtb/%.dtb,$(wildcard tests/host/dts/*.dts))
HOST_DTBS  += $(HB)/dtb/qemu-virt.dtb $(HB)/dtb/qemu-virt-64.dtb $(HB)/dtb/qemu-sifive_u.dtb
QEMU_SYSTEM ?= qemu-system-riscv64

$(HB)/dtb/%.dtb: tests/host/dts/%.dts | $(O)/.setup-test
	$(call say,DTC,$@)
	@mkdir -p $(@D)
	$(Q)dtc -q -I dts -O dtb -o $@ $<

$(HB)/dtb/qemu-virt-64.dtb: MACHINE := virt,dumpdtb=$(HB)/dtb/qemu-virt-64.dtb -smp 64 -m 4G
$(HB)/dtb/qemu-virt.dtb: MACHINE := virt,dumpdtb=$(HB)/dtb/qemu-virt.dtb -smp 4
$(HB)/dtb/qemu-sifive_u.dtb: MACHINE := sifive_u,dumpdtb=$(HB)/dtb/qemu-sifive_u.dtb -smp 5
$(HB)/dtb/qemu-%.dtb: | $(O)/.setup-test
	$(call say,QEMU,$@)
	@mkdir -p $(@D)
	$(Q)timeout 60 $(QEMU_SYSTEM) -display none -machine $(MACHINE) > $@.log 2>&1 || \
		{ cat $@.log; exit 1; }

FDT_SRC := kernel/fdt.c kernel/fdt_bus.c kernel/machine.c kernel/isa.c kernel/cmdline.c \
	   lib/bits.c tests/host/fdt_visit.c tests/host/shim/lib.c

HOST_TESTS += test_fdt test_machine
test_fdt_SRC     := tests/host/test_fdt.c tests/host/fdt_make.c tests/host/files.c $(FDT_SRC)
test_machine_SRC := tests/host/test_machine.c tests/host/fdt_make.c tests/host/files.c $(FDT_SRC)
host-tests: $(HOST_DTBS)

FUZZERS      += fuzz_fdt
fuzz_fdt_SRC := tests/host/fuzz_fdt.c $(FDT_SRC)
HOST_CORPUS  += $(patsubst $(HB)/dtb/%,$(HB)/corpus/fuzz_fdt/%,$(filter-out %-64.dtb,$(HOST_DTBS)))

$(HB)/corpus/fuzz_fdt/%.dtb: $(HB)/dtb/%.dtb
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Partition tables as sfdisk writes them, on disks of 8 MiB.
HOST_DISKS := $(patsubst tests/host/disks/%.sfdisk,$(HB)/disks/%.img,$(wildcard tests/host/disks/*))

$(HB)/disks/%.img: tests/host/disks/%.sfdisk | $(O)/.setup-test
	$(call say,SFDISK,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && truncate -s 8M $@ && \
		PATH=$$PATH:/sbin:/usr/sbin sfdisk -q --wipe never $@ < $<

PARTTABLE_SRC := drivers/block/parttable.c lib/bits.c lib/crc.c

HOST_TESTS += test_parttable
test_parttable_SRC := tests/host/test_parttable.c tests/host/files.c $(PARTTABLE_SRC)
host-tests: $(HOST_DISKS)

FUZZERS += fuzz_parttable
fuzz_parttable_SRC := tests/host/fuzz_parttable.c $(PARTTABLE_SRC)
HOST_CORPUS += $(HB)/corpus/fuzz_parttable/gpt $(HB)/corpus/fuzz_parttable/mbr

# The first sectors say it all.
$(HB)/corpus/fuzz_parttable/%: $(HB)/disks/%.img
	@mkdir -p $(@D)
	$(Q)head -c 20000 $< > $@

# Damaged partition tables, and the line discipline of terminals.
LDISC_SRC := drivers/tty/ldisc.c drivers/tty/ldisc_input.c lib/bits.c lib/bitmap.c
HOST_TESTS += test_part_damage test_ldisc
test_part_damage_SRC := tests/host/test_part_damage.c $(PARTTABLE_SRC)
test_ldisc_SRC := tests/host/test_ldisc.c $(LDISC_SRC)
FUZZERS += fuzz_ldisc
fuzz_ldisc_SRC := tests/host/fuzz_ldisc.c $(LDISC_SRC)

HOST_TESTS += test_block
test_block_SRC := tests/host/test_block.c tests/host/shim/sleep.c tests/host/shim/kmalloc.c \
		  drivers/block/bio.c drivers/block/queue.c kernel/wait.c kernel/cmdline.c \
		  $(KERNEL_SHIM)

# The kernel's replacement policy among others, on traces: not a test but a table.
REPLACE_SRC := $(wildcard tests/host/replace/*.c) $(filter-out %/no_pages.c,$(FRAMES_SRC)) \
	       tests/host/shim/ram.c $(KERNEL_SHIM)
.PHONY: replace
replace: $(HB)/replace
	@$< $(FRAMES)
$(HB)/replace: $(REPLACE_SRC:%=$(HB)/obj/%.o) tests/host/host.mk
	$(call say,HOSTLD,$@)
	$(Q)$(HCC) $(HCFLAGS) -o $@ $(filter %.o,$^) -lcmocka -lm

HOST_TESTS += test_policy
test_policy_SRC := tests/host/test_policy.c $(filter-out %/main.c,$(REPLACE_SRC))

HOST_TESTS += test_policy_take
test_policy_take_SRC := tests/host/test_policy_take.c tests/host/shim/ram.c \
			$(filter-out mm/policy.c,$(FRAMES_SRC)) $(KERNEL_SHIM)

# All of mm/ that does not touch the machine.
MM_SRC := $(addprefix mm/,areas.c aspace.c commit.c evict.c fault.c fork.c frame.c madvise.c \
	  mlock.c mmap.c mremap.c object.c pagecache.c pagetable.c policy.c reclaim.c rmap.c \
	  share.c swap.c thp.c tlb.c vma.c) kernel/mem/slab.c kernel/oom.c \
	  kernel/swap/area.c kernel/swap/object.c kernel/swap/slot.c kernel/swap/swappiness.c \
	  kernel/swap/zback.c kernel/swap/zpool.c kernel/swap/zswap.c lib/lz4.c fs/writeback.c

HOST_TESTS += test_aspace
test_aspace_SRC := tests/host/test_aspace.c tests/host/shim/mmu.c tests/host/shim/around.c \
		   tests/host/shim/one_file.c tests/host/shim/ram.c tests/host/shim/sleep.c \
		   tests/host/shim/audit.c tests/kernel/audit_areas.c \
		   tests/kernel/audit_aspace.c \
		   $(MM_SRC) kernel/mutex.c \
		   kernel/wait.c kernel/cmdline.c lib/bitmap.c lib/interval.c lib/radix.c \
		   lib/rbtree.c $(KERNEL_SHIM)
# The same sources under a model that usertests has too.
FUZZERS += fuzz_aspace
fuzz_aspace_SRC := tests/host/fuzz_aspace.c $(filter-out tests/host/test_%,$(test_aspace_SRC)) \
		   user/tests/model.c user/tests/model_step.c
HOST_CORPUS += $(foreach n,1 2 3 4 5 6 7 8,$(HB)/corpus/fuzz_aspace/$(n))

# Long random sequences to begin with: short ones do not get far.
$(HB)/corpus/fuzz_aspace/%:
	@mkdir -p $(@D)
	$(Q)python3 -c 'import random, sys; random.seed($*); \
		sys.stdout.buffer.write(random.randbytes(3000))' > $@

# The whole of fs/ over the block layer, on a volume that mke2fs made.
$(HB)/disks/ext2.img: | $(O)/.setup-test
	$(call say,MKE2FS,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && PATH=$$PATH:/sbin mke2fs -q -t ext2 -b 1024 -N 256 $@ 8M

host-tests: $(HB)/disks/ext2.img
HOST_TESTS += test_ext2
FS_SRC := $(addprefix tests/host/,files.c tools.c) \
	  $(addprefix tests/host/shim/,around.c disk.c mmu.c ram.c sleep.c user.c) \
	  $(filter-out %/devpts.c,$(wildcard fs/*.c fs/ext2/*.c fs/jbd2/*.c fs/tmpfs/*.c)) \
	  $(wildcard drivers/block/*.c) $(MM_SRC) \
	  $(addprefix kernel/,capability.c chardev.c cmdline.c copystruct.c cred.c ipc/ipc.c \
			       mutex.c uio.c wait.c) \
	  $(addprefix lib/,bitmap.c crc.c interval.c radix.c rbtree.c sort.c) $(KERNEL_SHIM)
test_ext2_SRC := tests/host/test_ext2.c $(FS_SRC)

# The same on a volume with a journal.
$(HB)/disks/ext3.img: | $(O)/.setup-test
	$(call say,MKE2FS,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && PATH=$$PATH:/sbin mke2fs -q -t ext3 -b 1024 -N 256 -J size=1 $@ 12M

host-tests: $(HB)/disks/ext3.img
HOST_TESTS += test_ext3
test_ext3_SRC := tests/host/test_ext2.c $(FS_SRC)

# The same on small volumes with one of everything, parts of which the fuzzer overwrites: without
# checksums, which would keep it from getting far.
FUZZ_VOLUMES := $(HB)/disks/fuzz-ext2.img $(HB)/disks/fuzz-ext4.img
$(HB)/disks/fuzz-ext2.img: MKE2FS := -t ext2
$(HB)/disks/fuzz-ext4.img: MKE2FS := -t ext4 -O ^has_journal,64bit,^metadata_csum
$(FUZZ_VOLUMES): tests/host/host.mk | $(O)/.setup-test
	$(call say,MKE2FS,$@)
	@mkdir -p $(@D)
	$(Q)rm -rf $@ $@.d && mkdir -p $@.d/dir/sub/deep $@.d/many
	$(Q)cd $@.d && head -c 90000 /dev/zero | tr '\0' x > indirect && echo text > small && \
		truncate -s 3M sparse && echo end >> sparse && ln -s small fast && \
		for i in 1 3 5 7 9 11; do \
			echo $$i | dd of=holes bs=4096 seek=$$i conv=notrunc 2>/dev/null; done; \
		ln -s $$(head -c 200 /dev/zero | tr '\0' y) slow && ln small dir/hard && \
		mkfifo fifo && \
		for i in $$(seq 60); do echo $$i > many/a-file-with-a-name-$$i; done
	$(Q)export PATH=$$PATH:/sbin && mke2fs -q $(MKE2FS) -b 1024 -N 128 -d $@.d $@.new 512K && \
		{ e2fsck -fyD $@.new > /dev/null 2>&1; [ $$? -le 1 ]; } && \
		rm -rf $@.d && mv $@.new $@

host-tests host-fuzz fuzz: $(FUZZ_VOLUMES)
FUZZERS	      += fuzz_ext2
fuzz_ext2_SRC := tests/host/fuzz_ext2.c $(FS_SRC)

# Journals that debugfs writes.
HOST_TESTS += test_jbd2
test_jbd2_SRC := tests/host/test_jbd2.c $(FS_SRC)

# Volumes with checksums, one of which is wrong.
HOST_TESTS += test_sums
test_sums_SRC := tests/host/test_sums.c $(FS_SRC)

# A small volume whose journal is not empty; parts of it the fuzzer overwrites.
$(HB)/disks/fuzz-jbd2.img: | $(O)/.setup-test
	$(call say,MKE2FS,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && PATH=$$PATH:/sbin mke2fs -q -t ext4 -b 1024 -N 64 -O metadata_csum $@ 4M
	$(Q)head -c 4096 /dev/urandom > $@.block
	$(Q)printf 'jo -c -v 3\njw -b 3000,3001 $@.block\njw -r 3000\njw -b 3002 $@.block\njc\n' | \
		PATH=$$PATH:/sbin debugfs -w -f - $@ > $@.log 2>&1; rm -f $@.block

host-tests host-fuzz fuzz: $(HB)/disks/fuzz-jbd2.img
FUZZERS	      += fuzz_jbd2
fuzz_jbd2_SRC := tests/host/fuzz_jbd2.c $(FS_SRC)

# SD cards: the protocol and every controller's driver over models.
HOST_TESTS += test_mmc
test_mmc_SRC := tests/host/test_mmc.c $(wildcard tests/host/mmc/*.c) tests/host/files.c \
		tests/host/shim/ram.c tests/host/shim/sleep.c $(wildcard drivers/mmc/*.c) \
		$(wildcard drivers/spi/*.c drivers/clk/*.c) drivers/dma.c drivers/probe.c \
		drivers/block/bio.c drivers/block/queue.c kernel/fdt.c kernel/fdt_bus.c \
		kernel/wait.c kernel/cmdline.c $(FRAMES_SRC) $(KERNEL_SHIM)

HOST_TESTS += test_watchdog
test_watchdog_SRC := tests/host/test_watchdog.c tests/host/files.c tests/host/shim/ram.c \
		     drivers/watchdog/starfive.c $(wildcard drivers/clk/*.c) drivers/probe.c \
		     kernel/fdt.c kernel/fdt_bus.c kernel/cmdline.c $(FRAMES_SRC) $(KERNEL_SHIM)

HOST_TESTS += test_uart
test_uart_SRC := tests/host/test_uart.c tests/host/shim/kmalloc.c drivers/uart/ns16550.c \
		 $(KERNEL_SHIM)

# The disk as crashes may leave it.
HOST_TESTS += test_crash
test_crash_SRC := $(addprefix tests/host/,test_crash.c saved.c) $(FS_SRC)

# A tool for the crash tests of tests/system: mounts images.
REMOUNT_SRC := tests/host/remount.c $(FS_SRC)
.PHONY: remount
remount: $(HB)/remount
$(HB)/remount: $(REMOUNT_SRC:%=$(HB)/obj/%.o) tests/host/host.mk
	$(call say,HOSTLD,$@)
	$(Q)$(HCC) $(HCFLAGS) -o $@ $(filter %.o,$^) -lcmocka -lm

# A disk of which one request, or all from one on, fail.
HOST_TESTS += test_faults
test_faults_SRC := $(addprefix tests/host/,test_faults.c saved.c) $(FS_SRC)
