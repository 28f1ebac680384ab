/* One random operation on the model of memory. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "user/tests/model.h"

#include <sys/mman.h>

struct range {
	unsigned int at, n;
};

static uint32_t pick(struct model *m, uint32_t n)
{
	return m->env->pick(m, n);
}

static struct range pick_range(struct model *m)
{
	struct range r = { .at = pick(m, m->pages) };

	switch (pick(m, 4)) {
	case 0:
		r.n = 1;
		break;
	case 1:
		r.n = 1 + pick(m, m->pages);
		break;
	default:
		r.n = 1 + pick(m, 24);
	}
	if (r.n > m->pages - r.at)
		r.n = m->pages - r.at;
	return r;
}

static int pick_prot(struct model *m)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
	};

	return prots[pick(m, 8)];
}

static void step_map(struct model *m)
{
	struct range r = pick_range(m);
	enum model_kind kind = (enum model_kind)(1 + pick(m, 4));
	int prot = pick_prot(m), flags = pick(m, 4) ? 0 : MAP_POPULATE;

	if (kind == MODEL_FILE || kind == MODEL_FILE_SHARED)
		r.n = 1 + (r.n - 1) % MODEL_FILE_MAX;
	model_map(m, r.at, r.n, kind, prot, flags, pick(m, MODEL_FILE_MAX / 2));
}

static void step_move(struct model *m)
{
	struct range r = pick_range(m);
	unsigned int to = pick(m, m->pages - r.n + 1);

	for (unsigned int i = r.at; i < r.at + r.n; i++)
		if (m->page[i].flags & PAGE_LOCKED)
			return;
	if (to < r.at + r.n && r.at < to + r.n)
		return;
	model_move(m, r.at, r.n, to, pick(m, 4) ? 0 : MREMAP_DONTUNMAP);
}

static void step_resize(struct model *m)
{
	struct range r = pick_range(m);
	unsigned int n = 1 + pick(m, 32);

	/* The area may be longer than the range that is asked for: take all of it. */
	while (r.at + r.n < m->pages && m->page[r.at + r.n].kind != MODEL_HOLE && pick(m, 50))
		r.n++;
	if (n > m->pages - r.at)
		n = m->pages - r.at;
	if (pick(m, 2) && r.n + n <= m->pages - r.at)
		n += r.n;
	model_resize(m, r.at, r.n, n);
}

static void step_lock(struct model *m)
{
	struct range r = pick_range(m);
	bool lock = pick(m, 3);

	for (unsigned int i = 0; i < r.n; i++) {
		if (model_expect(m, r.at + i, false) != ACCESS_OK) {
			r.n = i;
			break;
		}
	}
	if (r.n)
		model_lock(m, r.at, r.n, lock);
}

static void step_advise(struct model *m)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_NORMAL, MADV_RANDOM,
		MADV_SEQUENTIAL, MADV_WILLNEED, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTFORK,
		MADV_DOFORK, MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
	};
	struct range r = pick_range(m);

	model_advise(m, r.at, r.n, advices[pick(m, 14)]);
}

/* Memory that large pages can be made of, if the window holds a whole one. */
static void step_large(struct model *m)
{
	unsigned int at = (unsigned int)(-(m->base / MODEL_PAGE) % MODEL_LARGE);

	if (at + MODEL_LARGE > m->pages)
		return;
	switch (pick(m, 4)) {
	case 0:
		model_map(m, at, MODEL_LARGE, MODEL_ANON, PROT_READ | PROT_WRITE, 0, 0);
		model_advise(m, at, MODEL_LARGE, MADV_HUGEPAGE);
		break;
	case 1:
		model_fill(m, at, MODEL_LARGE);
		break;
	case 2:
		model_map(m, at, MODEL_LARGE, MODEL_ANON, PROT_READ | PROT_WRITE, 0, 0);
		model_advise(m, at, MODEL_LARGE, MADV_NOHUGEPAGE);
		model_fill(m, at + pick(m, 16), MODEL_LARGE / 2);
		model_advise(m, at, MODEL_LARGE, MADV_HUGEPAGE);
		/* fallthrough */
	default:
		model_advise(m, at, MODEL_LARGE, MODEL_COLLAPSE);
	}
}

static void step_populate(struct model *m)
{
	struct range r = pick_range(m);
	bool write = pick(m, 2);

	for (unsigned int i = 0; i < r.n; i++) {
		/* Here, unlike elsewhere, PROT_WRITE does not stand for PROT_READ. */
		if (model_expect(m, r.at + i, write) != ACCESS_OK ||
		    !(m->page[r.at + i].prot & (write ? PROT_WRITE : PROT_READ))) {
			r.n = i;
			break;
		}
	}
	if (r.n)
		model_advise(m, r.at, r.n, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

static void step_fill(struct model *m)
{
	struct range r = pick_range(m);

	model_fill(m, r.at, r.n);
}

void model_step(struct model *m)
{
	struct range r;

	switch (pick(m, 32)) {
	case 0 ... 3:
		step_map(m);
		break;
	case 4:
		r = pick_range(m);
		model_unmap(m, r.at, r.n);
		break;
	case 5 ... 6:
		r = pick_range(m);
		model_protect(m, r.at, r.n, pick_prot(m));
		break;
	case 7 ... 8:
		step_move(m);
		break;
	case 9:
		step_resize(m);
		break;
	case 10 ... 11:
		step_advise(m);
		break;
	case 12:
		step_lock(m);
		break;
	case 13:
		if (pick(m, 4) == 0)
			model_truncate(m, pick(m, MODEL_FILE_MAX + 1));
		break;
	case 14 ... 15:
		model_copy(m, pick(m, m->pages), pick(m, 2));
		break;
	case 16 ... 18:
		step_fill(m);
		break;
	case 19:
		step_populate(m);
		break;
	case 20 ... 24:
		model_read(m, pick(m, m->pages));
		break;
	case 25:
		if (pick(m, 3) == 0)
			step_large(m);
		break;
	default:
		model_write(m, pick(m, m->pages));
	}
}
