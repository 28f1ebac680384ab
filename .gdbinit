# For `make gdb`: start `gdb-multiarch build/release/kernel.elf` in this folder (gdb asks once to
# trust this file: add-auto-load-safe-path).
set confirm off
set pagination off
set architecture riscv:rv64
set disassemble-next-line auto
set print pretty on

define xv39-attach
	target remote localhost:1234
end
document xv39-attach
Connect to the machine that `make gdb` started.
end

# The code before paging runs at the addresses where the kernel was loaded, and its symbols are
# those of the high half.
define xv39-low
	add-symbol-file build/release/kernel.elf -o 0x80200000-(unsigned long)&_kernel_start
end
document xv39-low
Add the kernel's symbols at the physical address, for the first instructions after the entry.
end

xv39-attach
