/*
 * Atomic exchange of a byte, which the A extension does not have: the compiler calls this for
 * _Atomic bool. The word around the byte is exchanged until nothing else in it changed meanwhile.
 */
#include <stdbool.h>
#include <stdint.h>

uint8_t byte_exchange(volatile void *p, uint8_t value, int order) __asm__("__atomic_exchange_1");

uint8_t byte_exchange(volatile void *p, uint8_t value, int order)
{
	uintptr_t at = (uintptr_t)p;
	volatile uint32_t *word = (volatile uint32_t *)(at & ~(uintptr_t)3);
	unsigned shift = (at & 3) * 8;
	uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	(void)order; /* always the strongest */
	do {
		new = (old & ~((uint32_t)0xff << shift)) | (uint32_t)value << shift;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return old >> shift;
}
