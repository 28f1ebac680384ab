/*
 * Lines of text that the kernel keeps.
 */
#include "kernel/line.h"

#include "kernel/spinlock.h"
#include "lib/bits.h"
#include "lib/string.h"

void line_get(const struct line *l, char *out)
{
	spin_lock(l->lock);
	memcpy(out, l->text, l->size);
	spin_unlock(l->lock);
}

void line_set(const struct line *l, const char *s, size_t n)
{
	n = MIN(n, l->size - 1);
	spin_lock(l->lock);
	memcpy(l->text, s, n);
	memset(l->text + n, 0, l->size - n);
	spin_unlock(l->lock);
}
