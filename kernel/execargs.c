/*
 * Arguments and environment on their way to a new program.
 */
#include "kernel/execargs.h"

#include "kernel/layout.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define ARG_STRLEN_MAX (32 * PAGE_SIZE) /* one string (execve(2)) */

void exec_args_init(struct exec_args *a, uint64_t limit)
{
	a->nr_chunks = 0;
	a->used = 0;
	a->limit = limit;
	a->argc = a->envc = 0;
}

void exec_args_free(struct exec_args *a)
{
	for (uint32_t i = 0; i < a->nr_chunks; i++)
		kfree(a->chunks[i]);
}

/* Where byte pos of the strings is; its chunk is made when needed. */
static char *byte_at(struct exec_args *a, uint64_t pos)
{
	uint64_t c = pos / ARG_CHUNK;

	if (c >= ARG_CHUNKS_MAX)
		return NULL;
	if (c == a->nr_chunks) {
		a->chunks[c] = kmalloc_wait(ARG_CHUNK);
		if (!a->chunks[c])
			return NULL;
		a->nr_chunks++;
	}
	return a->chunks[c] + pos % ARG_CHUNK;
}

static bool too_big(const struct exec_args *a)
{
	return a->used + (a->argc + a->envc + 2UL) * 8 > a->limit;
}

/* Copies of n bytes of a string, piece by piece as the chunks allow. */
static int append(struct exec_args *a, const char *s, size_t n)
{
	while (n) {
		size_t room = ARG_CHUNK - a->used % ARG_CHUNK, part = MIN(room, n);
		char *to = byte_at(a, a->used);

		if (!to)
			return a->used / ARG_CHUNK >= ARG_CHUNKS_MAX ? -E2BIG : -ENOMEM;
		memcpy(to, s, part);
		a->used += part;
		s += part;
		n -= part;
	}
	return too_big(a) ? -E2BIG : 0;
}

int exec_args_add(struct exec_args *a, const char *s)
{
	return append(a, s, strlen(s) + 1);
}

int exec_args_add_user(struct exec_args *a, uaddr_t s)
{
	uint64_t start = a->used;
	ssize64_t n;

	for (;;) {
		size_t room = ARG_CHUNK - a->used % ARG_CHUNK;
		char *to = byte_at(a, a->used);

		if (!to)
			return a->used / ARG_CHUNK >= ARG_CHUNKS_MAX ? -E2BIG : -ENOMEM;
		n = strncpy_from_user(to, s, room);
		if (n == -EFAULT)
			return -EFAULT;
		if (n >= 0)
			break;
		/* No NUL in this piece: it filled the chunk. */
		a->used += room;
		s += room;
		if (a->used - start >= ARG_STRLEN_MAX || too_big(a))
			return -E2BIG;
	}
	a->used += n + 1;
	return too_big(a) || a->used - start > ARG_STRLEN_MAX ? -E2BIG : 0;
}

int exec_args_add_user_array(struct exec_args *a, uaddr_t array, uint32_t *count)
{
	uint64_t s;
	int err;

	for (; array; array += 8) {
		if (get_user_u64(&s, array))
			return -EFAULT;
		if (!s)
			break;
		err = exec_args_add_user(a, s);
		if (err)
			return err;
		++*count;
	}
	return 0;
}

int exec_args_add_array(struct exec_args *a, const char *const array[], uint32_t *count)
{
	int err = 0;

	for (; *array && !err; array++) {
		err = exec_args_add(a, *array);
		++*count;
	}
	return err;
}

uint64_t exec_args_next(const struct exec_args *a, uint64_t pos)
{
	for (;;) {
		const char *s = a->chunks[pos / ARG_CHUNK] + pos % ARG_CHUNK;
		size_t room = ARG_CHUNK - pos % ARG_CHUNK, n = strnlen(s, room);

		if (n < room)
			return pos + n + 1;
		pos += room;
	}
}

int exec_args_replace_first(struct exec_args *a, const char *const with[], uint32_t n)
{
	struct exec_args *old = kmalloc(sizeof(*old));
	uint64_t pos;
	int err = 0;

	if (!old)
		return -ENOMEM;
	*old = *a;
	a->nr_chunks = 0;
	a->used = 0;
	for (uint32_t i = 0; i < n && !err; i++)
		err = exec_args_add(a, with[i]);
	pos = old->argc ? exec_args_next(old, 0) : 0;
	while (!err && pos < old->used) {
		size_t part = MIN(ARG_CHUNK - pos % ARG_CHUNK, old->used - pos);

		err = append(a, old->chunks[pos / ARG_CHUNK] + pos % ARG_CHUNK, part);
		pos += part;
	}
	a->argc = (old->argc ? old->argc - 1 : 0) + n;
	exec_args_free(old);
	kfree(old);
	return err;
}

int exec_args_write(const struct exec_args *a, uaddr_t at)
{
	for (uint64_t pos = 0; pos < a->used; pos += ARG_CHUNK)
		if (copy_to_user(at + pos, a->chunks[pos / ARG_CHUNK],
				 MIN(ARG_CHUNK, a->used - pos)))
			return -EFAULT;
	return 0;
}
