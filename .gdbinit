# For `make gdb`, which says how to start gdb with this file.
set confirm off
set pagination off
set architecture riscv:rv64
set disassemble-next-line auto
set print pretty on

define xv39-low
	python
high = int(gdb.parse_and_eval("(unsigned long)&_kernel_start"))
gdb.execute(f"add-symbol-file {gdb.current_progspace().filename} -o {(0x80200000 - high) % 2**64}")
	end
end
document xv39-low
Add the kernel's symbols at the physical address, for the first instructions after the entry:
the code before paging runs where the kernel was loaded, and its symbols are of the high half.
end

target remote localhost:1234
