/* The model of memory; see model.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "user/tests/model.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static uintptr_t address(const struct model *m, unsigned int at)
{
	return m->base + (uintptr_t)at * MODEL_PAGE;
}

void model_start(struct model *m, const struct model_env *env, struct model_world *world)
{
	m->env = env;
	m->world = world;
	m->next = 1;
	memset(m->page, 0, sizeof(m->page));
	memset(world, 0, sizeof(*world));
	world->objects = 1;
	world->cells = MODEL_FILE_MAX;
	world->object[0].pages = MODEL_FILE_MAX / 2;
}

void model_forked(struct model *m)
{
	for (unsigned int i = 0; i < m->pages; i++) {
		struct model_page *p = &m->page[i];

		if (p->flags & PAGE_DONTFORK)
			memset(p, 0, sizeof(*p));
		if (p->flags & PAGE_WIPE)
			p->flags &= ~PAGE_OWN;
		p->flags &= ~PAGE_LOCKED;
	}
	/* Parent and child write different contents from here on. */
	m->next += 0x10000000;
}

static bool is_private(const struct model_page *p)
{
	return p->kind == MODEL_ANON || p->kind == MODEL_FILE;
}

static struct model_cell *cell_of(const struct model *m, const struct model_page *p)
{
	return &m->world->cell[m->world->object[p->object].first + p->index];
}

static bool beyond_end(const struct model *m, const struct model_page *p)
{
	return p->kind != MODEL_ANON && p->index >= m->world->object[p->object].pages;
}

/* Truncation takes private copies with it. */
static bool owns(const struct model *m, const struct model_page *p)
{
	if (!(p->flags & PAGE_OWN))
		return false;
	return p->kind == MODEL_ANON || (p->index < MODEL_FILE_MAX && p->cut == cell_of(m, p)->cut);
}

int model_expect(const struct model *m, unsigned int at, bool write)
{
	const struct model_page *p = &m->page[at];

	if (p->kind == MODEL_HOLE)
		return ACCESS_MAPERR;
	if (!(p->prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE)))
		return ACCESS_ACCERR;
	return !owns(m, p) && beyond_end(m, p) ? ACCESS_BUS : ACCESS_OK;
}

/* The words of a page that can be read. */
static const uint32_t *contents(const struct model *m, const struct model_page *p)
{
	static const uint32_t zero[2];

	if (owns(m, p))
		return p->value;
	return p->kind == MODEL_ANON ? zero : cell_of(m, p)->value;
}

/* A private page gets a copy of its own. */
static void take(struct model *m, struct model_page *p)
{
	const uint32_t *from = contents(m, p);
	uint32_t value[2] = { from[0], from[1] };

	if (!is_private(p) || owns(m, p))
		return;
	p->flags |= PAGE_OWN;
	p->cut = p->kind == MODEL_FILE ? cell_of(m, p)->cut : 0;
	memcpy(p->value, value, sizeof(value));
}

/* The words of a page that is written to. */
static uint32_t *writable(struct model *m, struct model_page *p)
{
	take(m, p);
	return is_private(p) ? p->value : cell_of(m, p)->value;
}

static void expect_result(struct model *m, const char *what, unsigned int at, unsigned int n,
			  long got, long want)
{
	if (got != want)
		m->env->fail(m, "%s of %u pages at page %u: %ld, not %ld", what, n, at, got, want);
}

static bool new_object(struct model *m, struct model_page *p, unsigned int n)
{
	struct model_world *w = m->world;

	if (w->objects == MODEL_OBJECTS || w->cells + n > MODEL_CELLS)
		return false;
	p->object = (uint16_t)w->objects++;
	w->object[p->object].first = w->cells;
	w->object[p->object].pages = n;
	memset(&w->cell[w->cells], 0, n * sizeof(w->cell[0]));
	w->cells += n;
	return true;
}

void model_map(struct model *m, unsigned int at, unsigned int n, enum model_kind kind, int prot,
	       int flags, unsigned int offset)
{
	bool file = kind == MODEL_FILE || kind == MODEL_FILE_SHARED, populate = true;
	struct model_page page = { .kind = (uint8_t)kind, .prot = (uint8_t)prot };

	flags |= kind == MODEL_ANON || kind == MODEL_FILE ? MAP_PRIVATE : MAP_SHARED;
	flags |= MAP_FIXED | (file ? 0 : MAP_ANONYMOUS);
	if (!file)
		offset = 0;
	if (kind == MODEL_SHARED && !new_object(m, &page, n))
		return;
	expect_result(m, "mmap", at, n,
		      m->env->mmap(m, address(m, at), n * MODEL_PAGE, prot, flags, file,
				   (uint64_t)offset * MODEL_PAGE),
		      (long)address(m, at));
	for (unsigned int i = at; i < at + n; i++) {
		page.index = (uint16_t)(offset + i - at);
		m->page[i] = page;
		/* Populating copies private pages that may be written to, up to the end. */
		populate = populate && model_expect(m, i, true) == ACCESS_OK;
		if ((flags & MAP_POPULATE) && populate)
			take(m, &m->page[i]);
	}
}

void model_unmap(struct model *m, unsigned int at, unsigned int n)
{
	expect_result(m, "munmap", at, n, m->env->munmap(m, address(m, at), n * MODEL_PAGE), 0);
	memset(&m->page[at], 0, n * sizeof(m->page[0]));
}

void model_protect(struct model *m, unsigned int at, unsigned int n, int prot)
{
	unsigned int done = 0;

	while (done < n && m->page[at + done].kind != MODEL_HOLE)
		done++;
	expect_result(m, "mprotect", at, n,
		      m->env->mprotect(m, address(m, at), n * MODEL_PAGE, prot),
		      done == n ? 0 : -ENOMEM);
	for (unsigned int i = at; i < at + done; i++)
		m->page[i].prot = (uint8_t)prot;
}

/* Could the range be one area? */
static bool uniform(const struct model *m, unsigned int at, unsigned int n)
{
	const struct model_page *a = &m->page[at];

	for (unsigned int i = 0; i < n; i++) {
		const struct model_page *p = a + i;

		if (p->kind != a->kind || p->prot != a->prot || p->object != a->object ||
		    ((p->flags ^ a->flags) & ~PAGE_OWN))
			return false;
		if (p->kind != MODEL_ANON && p->index != a->index + i)
			return false;
	}
	return a->kind != MODEL_HOLE;
}

bool model_move(struct model *m, unsigned int at, unsigned int n, unsigned int to, int flags)
{
	bool may = uniform(m, at, n), there = m->page[at].kind != MODEL_HOLE;
	struct model_page moved[MODEL_PAGES];
	long got = m->env->mremap(m, address(m, at), n * MODEL_PAGE, n * MODEL_PAGE,
				  MREMAP_MAYMOVE | MREMAP_FIXED | flags, address(m, to));

	if (got != -EFAULT || !may)
		expect_result(m, "mremap", at, n, got, may ? (long)address(m, to) : -EFAULT);
	memcpy(moved, &m->page[at], n * sizeof(moved[0]));
	/* Room is made before it is found that this cannot be moved. */
	if (there)
		memset(&m->page[to], 0, n * sizeof(moved[0]));
	if (got == -EFAULT)
		return false;
	memcpy(&m->page[to], moved, n * sizeof(moved[0]));
	if (flags & MREMAP_DONTUNMAP)
		for (unsigned int i = 0; i < n; i++)
			m->page[at + i].flags &= ~PAGE_OWN;
	else
		memset(&m->page[at], 0, n * sizeof(moved[0]));
	return true;
}

bool model_resize(struct model *m, unsigned int at, unsigned int n, unsigned int new_n)
{
	bool there = m->page[at].kind != MODEL_HOLE, may = uniform(m, at, n);
	long got = m->env->mremap(m, address(m, at), n * MODEL_PAGE, new_n * MODEL_PAGE, 0, 0);

	if (new_n <= n) {
		expect_result(m, "mremap to less", at, n, got,
			      there ? (long)address(m, at) : -EFAULT);
		if (there)
			memset(&m->page[at + new_n], 0, (n - new_n) * sizeof(m->page[0]));
		return there;
	}
	if (got == -EFAULT || (got == -ENOMEM && may))
		return false;
	for (unsigned int i = n; i < new_n; i++)
		may = may && m->page[at + i].kind == MODEL_HOLE;
	expect_result(m, "mremap to more", at, n, got, may ? (long)address(m, at) : -ENOMEM);
	for (unsigned int i = n; may && i < new_n; i++) {
		m->page[at + i] = m->page[at];
		m->page[at + i].flags &= ~PAGE_OWN;
		m->page[at + i].index = (uint16_t)(m->page[at].index + i);
	}
	return may;
}

/* What the advice does to one page: 0 or -EINVAL. */
static int advise_page(struct model *m, struct model_page *p, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
		if (p->flags & PAGE_LOCKED)
			return -EINVAL;
		p->flags &= ~PAGE_OWN;
		return 0;
	case MADV_WIPEONFORK:
		if (p->kind != MODEL_ANON)
			return -EINVAL;
		p->flags |= PAGE_WIPE;
		return 0;
	case MADV_KEEPONFORK:
		p->flags &= ~PAGE_WIPE;
		return 0;
	case MADV_DONTFORK:
		p->flags |= PAGE_DONTFORK;
		return 0;
	case MADV_DOFORK:
		p->flags &= ~PAGE_DONTFORK;
		return 0;
	case MADV_POPULATE_WRITE:
		take(m, p);
		return 0;
	default:
		return 0;
	}
}

void model_advise(struct model *m, unsigned int at, unsigned int n, int advice)
{
	bool hole = false;
	int err = 0;
	long got = m->env->madvise(m, address(m, at), n * MODEL_PAGE, advice);

	/* Whether there was a large page to be had is not ours to say; contents stay. */
	if (advice == MODEL_COLLAPSE)
		return;
	for (unsigned int i = at; i < at + n && !err; i++) {
		if (m->page[i].kind == MODEL_HOLE)
			hole = true;
		else
			err = advise_page(m, &m->page[i], advice);
	}
	expect_result(m, "madvise", at, n, got, err ? err : hole ? -ENOMEM : 0);
}

void model_lock(struct model *m, unsigned int at, unsigned int n, bool lock)
{
	expect_result(m, "mlock", at, n, m->env->mlock(m, address(m, at), n * MODEL_PAGE, lock), 0);
	for (unsigned int i = at; i < at + n; i++) {
		struct model_page *p = &m->page[i];

		if (lock && model_expect(m, i, true) == ACCESS_OK)
			take(m, p);
		p->flags = (uint8_t)((p->flags & ~PAGE_LOCKED) | (lock ? PAGE_LOCKED : 0));
	}
}

void model_truncate(struct model *m, unsigned int pages)
{
	struct model_world *w = m->world;

	expect_result(m, "truncate", 0, pages, m->env->truncate(m, pages), 0);
	for (unsigned int i = pages; i < MODEL_FILE_MAX; i++) {
		w->cell[i].value[0] = w->cell[i].value[1] = 0;
		w->cell[i].cut++;
	}
	w->object[0].pages = pages;
}

static uintptr_t word_address(const struct model *m, unsigned int at, int word)
{
	return address(m, at) + (word ? MODEL_PAGE - sizeof(uint32_t) : 0);
}

static void expect_access(struct model *m, unsigned int at, bool write, int got, int want)
{
	static const char *const names[] = { "ok", "MAPERR", "ACCERR", "SIGBUS" };

	if (got != want)
		m->env->fail(m, "%s of page %u: %s, not %s", write ? "write" : "read", at,
			     names[got], names[want]);
}

static void read_word(struct model *m, unsigned int at, int word)
{
	int want = model_expect(m, at, false);
	uint32_t value = 0, right;

	expect_access(m, at, false, m->env->access(m, word_address(m, at, word), false, &value),
		      want);
	if (want != ACCESS_OK)
		return;
	right = contents(m, &m->page[at])[word];
	if (value != right)
		m->env->fail(m, "word %d of page %u (kind %d, flags %x) is %#x, not %#x", word, at,
			     m->page[at].kind, m->page[at].flags, value, right);
}

void model_read(struct model *m, unsigned int at)
{
	read_word(m, at, 0);
	read_word(m, at, 1);
}

void model_write(struct model *m, unsigned int at)
{
	int want = model_expect(m, at, true);

	for (int word = 0; word < 2; word++) {
		uint32_t value = m->next;

		expect_access(m, at, true,
			      m->env->access(m, word_address(m, at, word), true, &value), want);
		if (want != ACCESS_OK)
			return;
		writable(m, &m->page[at])[word] = m->next++;
	}
}

void model_fill(struct model *m, unsigned int at, unsigned int n)
{
	for (unsigned int i = at; i < at + n; i++)
		if (model_expect(m, i, true) == ACCESS_OK)
			model_write(m, i);
}

/* The copy stopped at the second page: has the first word arrived? */
static void copied_half(struct model *m, unsigned int at, uint32_t sent)
{
	uint32_t value = 0;

	expect_access(m, at, false, m->env->access(m, word_address(m, at, 1), false, &value),
		      ACCESS_OK);
	if (value == sent)
		writable(m, &m->page[at])[1] = sent;
	read_word(m, at, 1);
}

void model_copy(struct model *m, unsigned int at, bool in)
{
	bool first = at && model_expect(m, at - 1, in) == ACCESS_OK;
	bool second = at && model_expect(m, at, in) == ACCESS_OK;
	uint32_t buf[2] = { m->next, m->next + 1 };
	long got;

	if (!at || !m->env->copy)
		return;
	got = m->env->copy(m, address(m, at) - sizeof(uint32_t), buf, sizeof(buf), in);
	if (got != -EFAULT || (first && second))
		expect_result(m, in ? "copy in" : "copy out", at, 2, got,
			      !first ? -EFAULT : second ? 8 : 4);
	if (in && first && second) {
		writable(m, &m->page[at - 1])[1] = m->next++;
		writable(m, &m->page[at])[0] = m->next++;
	} else if (in && first) {
		copied_half(m, at - 1, m->next);
		m->next += 2;
	} else if (first && second) {
		if (buf[0] != contents(m, &m->page[at - 1])[1] ||
		    buf[1] != contents(m, &m->page[at])[0])
			m->env->fail(m, "copy out at page %u: %#x %#x", at, buf[0], buf[1]);
	}
}

void model_check(struct model *m)
{
	for (unsigned int i = 0; i < m->pages; i++) {
		int want = model_expect(m, i, false);

		/* A fault costs far more than a read: of a run that faults, the ends will do. */
		if (want == ACCESS_OK || i == 0 || i + 1 == m->pages ||
		    want != model_expect(m, i - 1, false) || want != model_expect(m, i + 1, false))
			model_read(m, i);
	}
}
