/*
 * Structures of system calls that grow from release to release.
 */
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/usercopy.h"

int copy_struct_from_user(void *dst, size_t known, uaddr_t src, size_t size)
{
	uint8_t byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	for (size_t i = known; i < size; i++) {
		if (copy_from_user(&byte, src + i, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	memset(dst, 0, known);
	return copy_from_user(dst, src, MIN(size, known));
}
