/* execve: what the auxiliary vector tells a program that is not like this one. */
#include "ut.h"

#include <elf.h>

/*
 * A program without a fixed place: exits with 0 if its vector, behind arguments and environment,
 * has the address of the vDSO (AT_SYSINFO_EHDR).
 */
extern const char vdso_asker[], vdso_asker_end[];
__asm__(".pushsection .rodata\n\t.option push\n\t.option norelax\n\t.option norvc\n\t.balign 8\n"
	"vdso_asker:\n\t"
	"ld t0, 0(sp)\n\taddi t0, t0, 2\n\tslli t0, t0, 3\n\tadd t0, t0, sp\n"
	"1:\tld t1, 0(t0)\n\taddi t0, t0, 8\n\tbnez t1, 1b\n\tli t2, 33\n"
	"2:\tld t1, 0(t0)\n\tld t3, 8(t0)\n\taddi t0, t0, 16\n\tli a0, 1\n\tbeqz t1, 3f\n\t"
	"bne t1, t2, 2b\n\tseqz a0, t3\n"
	"3:\tli a7, 93\n\tecall\n"
	"vdso_asker_end:\n\t.option pop\n\t.popsection");

/* ld.so has no interpreter either, and makes the program that it is told a dynamic one. */
TEST(proc, exec_vdso_of_ld_so)
{
	struct { Elf64_Ehdr head; Elf64_Phdr load; } elf = {
		.head = {
			.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_DYN, .e_machine = EM_RISCV, .e_version = EV_CURRENT,
			.e_entry = sizeof(elf), .e_phoff = sizeof(elf.head),
			.e_ehsize = sizeof(elf.head), .e_phentsize = sizeof(elf.load), .e_phnum = 1,
		},
		.load = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_align = 4096},
	};
	size_t size = (size_t)(vdso_asker_end - vdso_asker);
	int fd = (int)CHECK_OK(open("asker", O_WRONLY | O_CREAT, 0755));
	pid_t pid;

	elf.load.p_filesz = elf.load.p_memsz = sizeof(elf) + size;
	CHECK_EQ(write(fd, &elf, sizeof(elf)), sizeof(elf));
	CHECK_EQ(write(fd, vdso_asker, size), size);
	CHECK_OK(close(fd));
	pid = child();
	if (pid == 0) {
		execl("./asker", "asker", "x", NULL);
		_exit(2);
	}
	expect_exit(pid, 0);
}
