/*
 * How much a pipe holds (F_GETPIPE_SZ, F_SETPIPE_SZ): its ring is replaced by another.
 */
#include "fs/pipe.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/string.h"

uint64_t pipe_max_size = 1 * MiB;

long pipe_size_get(struct file *f)
{
	struct pipe *p = file_pipe(f);

	if (!p)
		return -EBADF;
	return (long)p->npages * (long)PAGE_SIZE;
}

/* The pages of a pipe that gets another number of them. */
struct ring {
	uint32_t npages;
	char **pages;
	uint32_t *marks;
	char *spare;
};

static void ring_free(struct ring *r)
{
	kfree(r->pages);
	kfree(r->marks);
	kfree(r->spare);
}

static int ring_alloc(struct ring *r)
{
	r->pages = kzalloc(r->npages * sizeof(*r->pages));
	r->marks = kzalloc(r->npages * sizeof(*r->marks));
	r->spare = kmalloc(PAGE_SIZE);
	if (r->pages && r->marks && r->spare)
		return 0;
	ring_free(r);
	return -ENOMEM;
}

/*
 * What p holds moves into r, and what p had is r's, to be freed. When head has come round to
 * before tail in one page, its bytes get a page of their own. 0 or -EBUSY. Lock held.
 */
static int pipe_resize(struct pipe *p, struct ring *r)
{
	uint64_t first = p->tail / PAGE_SIZE, end = DIV_ROUND_UP(p->head, PAGE_SIZE);
	struct ring old = {.npages = p->npages, .pages = p->pages, .marks = p->marks};
	uint32_t from = p->npages - 1, to = r->npages - 1;

	if (r->npages == p->npages)
		return 0;
	if (end - first + DIV_ROUND_UP(p->promised, PAGE_SIZE) > r->npages)
		return -EBUSY;
	if (end - first > p->npages) {
		end--;
		memcpy(r->spare, p->pages[end & from], p->head & (PAGE_SIZE - 1));
		r->pages[end & to] = r->spare;
		r->spare = NULL;
	}
	for (uint64_t i = first; i < end; i++) {
		r->pages[i & to] = p->pages[i & from];
		p->pages[i & from] = NULL;
		if (p->marks)
			r->marks[i & to] = p->marks[i & from];
	}
	for (uint32_t i = 0; i < p->npages; i++)
		kfree(p->pages[i]);
	p->npages = r->npages;
	p->pages = r->pages;
	p->marks = r->marks;
	old.spare = r->spare;
	*r = old;
	return 0;
}

/* The same, as far as its user may have so many, all together: or -EPERM. */
static int pipe_resize_counted(struct pipe *p, struct ring *r)
{
	uint32_t was = p->npages, most = MAX(was, r->npages);
	int err = pipe_user_resize(p->user, was, most) ? pipe_resize(p, r) : -EPERM;

	/* Fewer than that are always allowed. */
	if (err != -EPERM)
		pipe_user_resize(p->user, most, p->npages);
	return err;
}

/* Anybody may give pages back, or have as many as pipe_max_size says. Lock held. */
static bool may_have(const struct pipe *p, uint32_t npages)
{
	return npages <= p->npages || npages * PAGE_SIZE <= pipe_max_size ||
	       cred_capable(CAP_SYS_RESOURCE);
}

/* It has so many pages: 0, -EPERM, -ENOMEM, -EBUSY. Lock held. */
static int pipe_set_pages(struct pipe *p, uint32_t npages)
{
	struct ring r = {.npages = npages};
	int err = may_have(p, npages) ? ring_alloc(&r) : -EPERM;

	if (err)
		return err;
	err = pipe_resize_counted(p, &r);
	ring_free(&r);
	return err;
}

long pipe_size_set(struct file *f, uint64_t size)
{
	struct pipe *p = file_pipe(f);
	uint32_t npages;
	int err;

	if (!p)
		return -EBADF;
	if (size > INT32_MAX)
		return -EINVAL;
	npages = (uint32_t)roundup_pow2(DIV_ROUND_UP(MAX(size, PAGE_SIZE), PAGE_SIZE));
	mutex_lock(&p->lock);
	err = pipe_set_pages(p, npages);
	mutex_unlock(&p->lock);
	if (err)
		return err;
	wake_all(&p->write_wait);
	return (long)(npages * PAGE_SIZE);
}
