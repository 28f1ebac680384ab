/* Mappings, faults, page contents, /proc, threads; the environment of the model. */
#include "vmlib.h"

#include <setjmp.h>
#include <stdarg.h>

char *map_at(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = mmap(addr, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu bytes at %p: %s", size, addr, strerrorname_np(errno));
	return p;
}

char *map_anon(size_t size, int prot, int flags)
{
	return map_at(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
}

char *map_rw(size_t size)
{
	return map_anon(size, RW, MAP_PRIVATE);
}

int pattern_file(const char *name, size_t size, unsigned int seed)
{
	file_pattern(name, size, seed);
	return (int)CHECK_OK(open(name, O_RDWR));
}

/* One for each thread: several may fault at once. */
static __thread sigjmp_buf fault_back;
static __thread volatile uintptr_t fault_address;
static __thread volatile int fault_code;

static void fault_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_address = (uintptr_t)info->si_addr;
	fault_code = sig == SIGBUS ? TOUCH_BUS + info->si_code : info->si_code;
	siglongjmp(fault_back, 1);
}

/* The mask is not saved: the signals are not blocked while the handler runs. */
static void faults_catch(void)
{
	struct sigaction sa = {
		.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	CHECK_OK(sigaction(SIGBUS, &sa, NULL));
}

int touch(volatile void *where, bool write)
{
	volatile char *p = where;

	faults_catch();
	if (sigsetjmp(fault_back, 0) != 0) {
		if (fault_address != (uintptr_t)where)
			FAIL("the fault at %p has si_addr %p", where, (void *)fault_address);
		return fault_code;
	}
	char value = *p;
	if (write)
		*p = value;
	return 0;
}

void tag_pages(char *p, size_t pages, uint64_t tag)
{
	for (size_t i = 0; i < pages; i++) {
		volatile uint64_t *page = (volatile uint64_t *)(p + i * PAGE);

		page[0] = (tag << 32) + i;
		page[511] = ~((tag << 32) + i);
	}
}

void check_tags(const char *p, size_t pages, uint64_t tag)
{
	for (size_t i = 0; i < pages; i++) {
		const volatile uint64_t *page = (const volatile uint64_t *)(p + i * PAGE);

		if (page[0] != (tag << 32) + i || page[511] != ~((tag << 32) + i))
			FAIL("page %zu at %p is %#llx .. %#llx, not %#llx", i, (const void *)page,
			     (unsigned long long)page[0], (unsigned long long)page[511],
			     (unsigned long long)((tag << 32) + i));
	}
}

void check_zero(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			FAIL("byte %zu is 0x%02x, not 0", i, (unsigned char)p[i]);
}

long statm_pages(int field)
{
	long value[2] = { -1, -1 };
	char text[256];

	file_text("/proc/self/statm", text, sizeof(text));
	CHECK_EQ(sscanf(text, "%ld %ld", &value[0], &value[1]), 2);
	return value[field];
}

/* Calls fn for each line of /proc/self/maps until it returns true; no malloc, which would map. */
static bool maps_each(bool (*fn)(void *arg, uintptr_t start, uintptr_t end, const char *perms),
		      void *arg)
{
	int fd = (int)CHECK_OK(open("/proc/self/maps", O_RDONLY));
	char text[1024];
	size_t have = 0;
	bool found = false;

	for (;;) {
		ssize_t n = read(fd, text + have, sizeof(text) - 1 - have);
		char *line = text, *newline;

		CHECK_GE(n, 0);
		have += (size_t)n;
		text[have] = '\0';
		while (!found && (newline = strchr(line, '\n'))) {
			unsigned long start, end;
			char perms[5] = "";

			CHECK_EQ(sscanf(line, "%lx-%lx %4s", &start, &end, perms), 3);
			found = fn(arg, start, end, perms);
			line = newline + 1;
		}
		have -= (size_t)(line - text);
		memmove(text, line, have);
		if (n == 0 || found)
			break;
	}
	CHECK_OK(close(fd));
	return found;
}

struct maps_query {
	uintptr_t start, end;
	char *perms;
	int count;
};

static bool maps_holds(void *arg, uintptr_t start, uintptr_t end, const char *perms)
{
	struct maps_query *q = arg;

	if (q->start < start || q->start >= end)
		return false;
	q->start = start;
	q->end = end;
	memcpy(q->perms, perms, 5);
	return true;
}

bool maps_find(const void *where, uintptr_t *start, uintptr_t *end, char perms[5])
{
	struct maps_query q = { .start = (uintptr_t)where, .perms = perms };
	bool found = maps_each(maps_holds, &q);

	*start = q.start;
	*end = q.end;
	return found;
}

static bool maps_counts(void *arg, uintptr_t start, uintptr_t end, const char *perms)
{
	struct maps_query *q = arg;

	(void)perms;
	q->count += start < q->end && end > q->start;
	return false;
}

int maps_count(const void *start, const void *end)
{
	struct maps_query q = { .start = (uintptr_t)start, .end = (uintptr_t)end };

	maps_each(maps_counts, &q);
	return q.count;
}

pthread_t thread_begin(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	int error = pthread_create(&t, NULL, fn, arg);

	if (error)
		FAIL("pthread_create: %s", strerrorname_np(error));
	return t;
}

void thread_join(pthread_t t)
{
	CHECK_EQ(pthread_join(t, NULL), 0);
}

/* --- the environment of the model --- */

static long result(long r)
{
	return r == -1 ? -errno : r;
}

static long env_mmap(struct model *m, uintptr_t addr, size_t len, int prot, int flags, bool file,
		     uint64_t offset)
{
	struct vm_context *c = m->context;

	return result((long)mmap((void *)addr, len, prot, flags, file ? c->file : -1,
				 (off_t)offset));
}

static long env_munmap(struct model *m, uintptr_t addr, size_t len)
{
	(void)m;
	return result(munmap((void *)addr, len));
}

static long env_mprotect(struct model *m, uintptr_t addr, size_t len, int prot)
{
	(void)m;
	return result(mprotect((void *)addr, len, prot));
}

static long env_mremap(struct model *m, uintptr_t addr, size_t len, size_t new_len, int flags,
		       uintptr_t to)
{
	(void)m;
	return result((long)mremap((void *)addr, len, new_len, flags, (void *)to));
}

static long env_madvise(struct model *m, uintptr_t addr, size_t len, int advice)
{
	(void)m;
	return result(madvise((void *)addr, len, advice));
}

static long env_mlock(struct model *m, uintptr_t addr, size_t len, bool lock)
{
	(void)m;
	return result(lock ? mlock((void *)addr, len) : munlock((void *)addr, len));
}

static long env_truncate(struct model *m, uint32_t pages)
{
	return result(ftruncate(((struct vm_context *)m->context)->file, pages * (off_t)PAGE));
}

static int env_access(struct model *m, uintptr_t addr, bool write, uint32_t *word)
{
	volatile uint32_t *p = (volatile uint32_t *)addr;

	if (sigsetjmp(fault_back, 0) != 0) {
		if (fault_address != addr)
			m->env->fail(m, "the fault at %#lx has si_addr %#lx", addr,
				     (unsigned long)fault_address);
		if (fault_code == TOUCH_BUS + BUS_ADRERR)
			return ACCESS_BUS;
		return fault_code == SEGV_MAPERR ? ACCESS_MAPERR : ACCESS_ACCERR;
	}
	if (write)
		*p = *word;
	else
		*word = *p;
	return ACCESS_OK;
}

static long env_copy(struct model *m, uintptr_t addr, void *buf, size_t len, bool in)
{
	struct vm_context *c = m->context;
	char rest[16];
	long got, left;

	if (in) {
		CHECK_EQ(write(c->pipe[1], buf, len), len);
		got = result(read(c->pipe[0], (void *)addr, len));
	} else {
		got = result(write(c->pipe[1], (void *)addr, len));
		if (got == (long)len)
			CHECK_EQ(read(c->pipe[0], buf, len), len);
	}
	/* What a copy that failed left in the pipe: unknown, but the pipe must be empty again. */
	while ((left = read(c->pipe[0], rest, sizeof(rest))) > 0)
		continue;
	CHECK(left == 0 || errno == EAGAIN);
	return got;
}

static uint32_t env_pick(struct model *m, uint32_t n)
{
	uint64_t *x = &((struct vm_context *)m->context)->seed;

	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)((*x >> 16) % n);
}

__attribute__((noreturn, format(printf, 2, 3)))
static void env_fail(struct model *m, const char *format, ...)
{
	struct vm_context *c = m->context;
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ut_fail(__FILE__, __LINE__, "%s (SEED=%llu, process %d)", text,
		(unsigned long long)c->first_seed, (int)getpid());
}

const struct model_env vm_env = {
	.mmap = env_mmap, .munmap = env_munmap, .mprotect = env_mprotect, .mremap = env_mremap,
	.madvise = env_madvise, .mlock = env_mlock, .truncate = env_truncate,
	.access = env_access, .copy = env_copy, .pick = env_pick, .fail = env_fail,
};

struct model_world *vm_world(void)
{
	return (struct model_world *)map_anon(sizeof(struct model_world), RW, MAP_SHARED);
}

void vm_model(struct model *m, struct model_world *world, struct vm_context *context, char *base,
	      unsigned int pages, const char *file)
{
	faults_catch();
	context->file = (int)CHECK_OK(open(file, O_RDWR | O_CREAT | O_TRUNC, 0600));
	CHECK_OK(pipe2(context->pipe, O_NONBLOCK));
	m->base = (uintptr_t)base;
	m->pages = pages;
	m->context = context;
	model_start(m, &vm_env, world);
	CHECK_OK(ftruncate(context->file, (off_t)(world->object[0].pages * PAGE)));
}
