#include "tests/kernel/inject.h"

#include "kernel/thread.h"
#include "mm/inject.h"

bool alloc_fails(void)
{
	struct thread *t = current();

	/* Not what an interrupt handler allocates: that is nobody's call. */
	if (likely(!t->inject_at) || t->held_base)
		return false;
	return ++t->inject_count == t->inject_at;
}

void inject_arm(uint32_t n)
{
	struct thread *t = current();

	t->inject_count = 0;
	t->inject_at = n;
}

void inject_disarm(uint32_t *count, bool *failed)
{
	struct thread *t = current();

	*count = t->inject_count;
	*failed = t->inject_at && t->inject_count >= t->inject_at;
	t->inject_at = 0;
}
