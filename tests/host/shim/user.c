/* User memory is the test's own: addresses are pointers, and every one is good. */
#include "tests/host/shim/kernel.h"

#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "mm/usercopy.h"

struct waitqueue printk_wait = WAITQUEUE_INIT(printk_wait);

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
	memcpy(dst, (void *)src, n);
	return 0;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
	memcpy((void *)dst, src, n);
	return 0;
}

size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
	memcpy(dst, (void *)src, n);
	return 0;
}

size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
	memcpy((void *)dst, src, n);
	return 0;
}

size_t copy_from_user_nofault(void *dst, uaddr_t src, size_t n)
{
	return copy_from_user_partial(dst, src, n);
}

size_t copy_to_user_nofault(uaddr_t dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n);
}

int user_fault_in(uaddr_t addr, size_t n, bool write)
{
	(void)addr;
	(void)n;
	(void)write;
	return 0;
}

ssize64_t strncpy_from_user(char *dst, uaddr_t src, size_t size)
{
	size_t len = strnlen((char *)src, size);

	if (len == size)
		return -ENAMETOOLONG;
	memcpy(dst, (void *)src, len + 1);
	return (ssize64_t)len;
}

int get_user_u32(uint32_t *value, uaddr_t src)
{
	*value = *(uint32_t *)src;
	return 0;
}

int get_user_u64(uint64_t *value, uaddr_t src)
{
	*value = *(uint64_t *)src;
	return 0;
}

int put_user_u32(uaddr_t dst, uint32_t value)
{
	*(uint32_t *)dst = value;
	return 0;
}

int put_user_u64(uaddr_t dst, uint64_t value)
{
	*(uint64_t *)dst = value;
	return 0;
}

uint64_t time_realtime(void)
{
	return 1700000000 * NSEC_PER_SEC + time_ns();
}

void time_not_before(uint64_t ns)
{
	(void)ns;
}

void sleep_ns(uint64_t ns)
{
	(void)ns;
}

_Atomic uint64_t printk_clear_seq;

uint64_t printk_next_seq(void)
{
	return 0;
}

size_t printk_read(uint64_t *seq, char *buf, size_t size)
{
	(void)seq;
	(void)buf;
	(void)size;
	return 0;
}

int signal_thread(struct thread *t, int sig, const struct siginfo *info)
{
	(void)t;
	(void)sig;
	(void)info;
	return 0;
}

void signal_mask_for_wait(sigset_t mask)
{
	(void)mask;
}
