#include "mm/usercopy.h"

#include "kernel/thread.h"
#include "kernel/trap.h"
#include "mm/aspace.h"
#include "mm/fault.h"

/* usercopy.S */
size_t usercopy(void *dst, const void *src, size_t n);
long userstrncpy(char *dst, const char *src, size_t n);
long userload32(const void *src, uint32_t *value);
long userload64(const void *src, uint64_t *value);
long userstore32(void *dst, uint32_t value);
long userstore64(void *dst, uint64_t value);
long usercmpxchg32(void *addr, uint32_t expected, uint32_t desired, uint32_t *old);

static bool user_range_ok(uaddr_t addr, size_t n)
{
	return n <= USER_TOP && addr <= USER_TOP - n;
}

size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
	return user_range_ok(src, n) ? usercopy(dst, (const void *)src, n) : n;
}

size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
	return user_range_ok(dst, n) ? usercopy((void *)dst, src, n) : n;
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
	return copy_from_user_partial(dst, src, n) ? -EFAULT : 0;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
}

int clear_user(uaddr_t dst, size_t n)
{
	static const char zeros[PAGE_SIZE];

	for (size_t step; n; n -= step, dst += step) {
		step = MIN(n, PAGE_SIZE - 8);
		if (copy_to_user(dst, zeros + (dst & 7), step))
			return -EFAULT;
	}
	return 0;
}

size_t copy_from_user_nofault(void *dst, uaddr_t src, size_t n)
{
	size_t left;

	current()->nofault++;
	left = copy_from_user_partial(dst, src, n);
	current()->nofault--;
	return left;
}

size_t copy_to_user_nofault(uaddr_t dst, const void *src, size_t n)
{
	size_t left;

	current()->nofault++;
	left = copy_to_user_partial(dst, src, n);
	current()->nofault--;
	return left;
}

int user_fault_in(uaddr_t addr, size_t n, bool write)
{
	struct aspace *as = current()->aspace;
	const enum vm_access access =
		VM_KERNEL_ACCESS | (write ? VM_WRITE_ACCESS : VM_READ_ACCESS);
	int signal, code;

	if (!n)
		return 0;
	if (!as || !user_range_ok(addr, n))
		return -EFAULT;
	for (uaddr_t page = ALIGN_DOWN(addr, PAGE_SIZE); page < addr + n; page += PAGE_SIZE)
		if (vm_fault(as, page, access, &signal, &code))
			return -EFAULT;
	return 0;
}

ssize64_t strncpy_from_user(char *dst, uaddr_t src, size_t size)
{
	size_t n = size;
	long len;

	if (src >= USER_TOP)
		return -EFAULT;
	n = MIN(n, USER_TOP - src);
	len = userstrncpy(dst, (const char *)src, n);
	if (len < 0)
		return -EFAULT;
	if ((size_t)len < n)
		return len;
	return n < size ? -EFAULT : -ENAMETOOLONG;
}

int get_user_u32(uint32_t *value, uaddr_t src)
{
	if (unlikely(src & 3))
		return copy_from_user(value, src, 4);
	return src < USER_TOP && !userload32((const void *)src, value) ? 0 : -EFAULT;
}

int get_user_u64(uint64_t *value, uaddr_t src)
{
	if (unlikely(src & 7))
		return copy_from_user(value, src, 8);
	return src < USER_TOP && !userload64((const void *)src, value) ? 0 : -EFAULT;
}

int put_user_u32(uaddr_t dst, uint32_t value)
{
	if (unlikely(dst & 3))
		return copy_to_user(dst, &value, 4);
	return dst < USER_TOP && !userstore32((void *)dst, value) ? 0 : -EFAULT;
}

int put_user_u64(uaddr_t dst, uint64_t value)
{
	if (unlikely(dst & 7))
		return copy_to_user(dst, &value, 8);
	return dst < USER_TOP && !userstore64((void *)dst, value) ? 0 : -EFAULT;
}

int cmpxchg_user_u32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
	if ((addr & 3) || addr >= USER_TOP)
		return -EFAULT;
	return usercmpxchg32((void *)addr, expected, desired, old) ? -EFAULT : 0;
}

bool usercopy_fixup(struct trapframe *tf)
{
	extern const struct {
		uint64_t start, end, landing;
	} _fixup_start[], _fixup_end[];

	for (const __typeof__(_fixup_start[0]) *f = _fixup_start; f < _fixup_end; f++) {
		if (tf->pc - f->start < f->end - f->start) {
			tf->pc = f->landing;
			return true;
		}
	}
	return false;
}
