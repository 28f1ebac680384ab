/*
 * Recent events, for panics. Debug kernels only: a release kernel records nothing.
 */
#include "kernel/trace.h"

#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"

#if DEBUG
#define EVENTS 64

static struct event {
	uint64_t time; /* of the time CSR */
	const char *what;
	uint64_t a, b;
	pid_t tid;
	uint32_t hart;
} events[EVENTS];
static _Atomic uint32_t next_event;

void trace(const char *what, uint64_t a, uint64_t b)
{
	struct thread *t = current();

	events[next_event++ % EVENTS] =
		(struct event){time_read(), what, a, b, t->tid, t->hart->index};
}

void trace_dump(void)
{
	printk(LOG_EMERG, "last events, oldest first:\n");
	for (uint32_t i = 0; i < EVENTS; i++) {
		const struct event *e = &events[(next_event + i) % EVENTS];

		if (e->what)
			printk(LOG_EMERG, "  %lu hart %u tid %d %s %lx %lx\n", e->time, e->hart,
			       e->tid, e->what, e->a, e->b);
	}
}
#else
void trace(const char *what, uint64_t a, uint64_t b)
{
	(void)what;
	(void)a;
	(void)b;
}

void trace_dump(void)
{
}
#endif
