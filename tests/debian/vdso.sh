# The kernel's library in every dynamic program answers as the call does.
cat > p.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

struct pair {
	int64_t key;
	uint64_t value;
};

int main(void)
{
	struct pair ours[] = {{0}, {1}, {2}, {3}, {4}, {5}, {7}, {8}, {100}, {-7}}, kernels[10];
	const char *page = (const char *)getauxval(AT_SYSINFO_EHDR);
	int (*probe)(struct pair *, size_t, size_t, unsigned long *, unsigned);
	void *library = dlopen("linux-vdso.so.1", RTLD_NOW);
	unsigned long cpus = 1;

	memcpy(kernels, ours, sizeof(ours));
	printf("%d\n", page && !memcmp(page, ELFMAG, SELFMAG));
	probe = (int (*)())dlvsym(library, "__vdso_riscv_hwprobe", "LINUX_4.15");
	printf("%d\n", probe != NULL);
	printf("%d\n", dlvsym(library, "__vdso_flush_icache", "LINUX_4.15") != NULL);
	printf("%d\n", probe(ours, 10, 0, NULL, 0));
	printf("%ld\n", syscall(258, kernels, 10L, 0L, NULL, 0L));
	printf("%d %ld\n", memcmp(ours, kernels, sizeof(ours)), (long)ours[8].key);
	printf("%d\n", probe(ours, 8, sizeof(cpus), &cpus, 0));
	printf("%d\n", probe(ours, 8, 0, NULL, 2));
	return 0;
}
C
gcc -O0 -o p p.c && ./p
strace -c -o log true; echo $?; grep -c execve log
