/*
 * Pressure stall information (Linux: Documentation/accounting/psi.rst): for how long threads could
 * not work for want of a processor, of memory, of an answer from a block device.
 *
 * A wait for memory or a device is told of by who waits, when it begins and when it ends. Waiting
 * for a processor is counted by the scheduler.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/types.h"
#include "kernel/wait.h"
#include "lib/list.h"

struct object;
struct psi_hart;

enum psi_resource { PSI_IO, PSI_MEMORY, PSI_CPU };
#define PSI_RESOURCES 3

struct psi_stall {
	struct list_head link;	/* (lock of `at`) those for memory */
	struct thread *thread;
	struct psi_hart *at;	/* of the hart on which it began */
	uint64_t ran;		/* (lock of `at`) ns the thread has run, as far as counted */
	uint32_t what;		/* a bit for each resource; 0: it lies within another such */
};

/*
 * The running thread waits, or works, for want of memory (BIT(PSI_MEMORY)) or a device until
 * psi_end, which is due. Nests. No spin lock held; does not sleep.
 */
void psi_begin(struct psi_stall *s, uint32_t what);
void psi_end(struct psi_stall *s);

/* Does anybody wait for a device? Any context. */
bool psi_waits_for_io(void);

/* As wait_event, for what a block device is to do. */
#define wait_event_io(wq, condition, mode)                                                         \
	({                                                                                         \
		int io_err_ = 0;                                                                   \
		if (!(condition)) {                                                                \
			struct psi_stall stall_;                                                   \
			psi_begin(&stall_, BIT(PSI_IO));                                           \
			io_err_ = wait_event(wq, condition, mode);                                 \
			psi_end(&stall_);                                                          \
		}                                                                                  \
		io_err_;                                                                           \
	})

/*
 * A page of a file was dropped for want of memory; one comes in. The wait for a page that went not
 * long ago is for memory as well. Any context.
 */
void psi_page_went(const struct object *o, uint64_t index);
void psi_page_back(const struct object *o, uint64_t index);
extern _Atomic bool psi_pages_went;
static inline void psi_page_came(const struct object *o, uint64_t index)
{
	if (unlikely(atomic_load_explicit(&psi_pages_went, memory_order_relaxed)))
		psi_page_back(o, index);
}

/* Something runs: the averages are to be kept up. Interrupts off, no lock held. */
void psi_wake(void);
extern _Atomic bool psi_awake;
static inline void psi_tick(void)
{
	if (unlikely(!atomic_load_explicit(&psi_awake, memory_order_relaxed)))
		psi_wake();
}

/* What /proc/pressure shows: some waited; all did who had anything to do (full). Any context. */
enum { PSI_SOME, PSI_FULL };
struct psi_values {
	uint32_t avg[3];	/* over 10, 60 and 300 s, in hundredths of a percent */
	uint64_t total;		/* us since boot */
};
void psi_read(enum psi_resource r, struct psi_values out[2]);
/* Once, when memory can be waited for. */
void psi_init(void);
