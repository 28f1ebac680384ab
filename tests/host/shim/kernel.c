/* The parts of a kernel that hardly any source does without. */
#include "tests/host/shim/kernel.h"

#include "kernel/hart.h"
#include "kernel/panic.h"
#include "kernel/printk.h"

struct thread host_thread;
struct thread *host_current = &host_thread;
struct hart harts[MAX_HARTS];
uint32_t nharts = 1;
bool panicking;
bool host_irqs_on = true;
int console_loglevel = LOG_WARNING;
void (*host_printk)(int level, const char *text);
uint64_t dmesg_restrict;

static jmp_buf *panic_target;
static char panic_message[256];

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(panic_message, sizeof(panic_message), fmt, ap);
	va_end(ap);
	if (panic_target)
		longjmp(*panic_target, 1);
	fprintf(stderr, "panic: %s\n", panic_message);
	abort();
}

const char *host_catch_panic(void (*func)(void *), void *arg)
{
	const char *volatile message = NULL;
	jmp_buf target;

	panic_target = &target;
	if (setjmp(target) == 0)
		func(arg);
	else
		message = panic_message;
	panic_target = NULL;
	return message;
}

void vprintk(enum loglevel level, const char *fmt, va_list ap)
{
	char text[300];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (host_printk)
		host_printk((int)level, text);
	else if ((int)level < console_loglevel || getenv("HOST_PRINTK"))
		fputs(text, stderr);
}

void printk(enum loglevel level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

void sched_preempt(void)
{
}

__attribute__((weak)) uint64_t host_csr_read(const char *csr)
{
	(void)csr;
	return 0;
}

__attribute__((weak)) void host_csr_write(const char *csr, uint64_t value)
{
	(void)csr;
	(void)value;
}

__attribute__((weak)) void host_sfence(uint64_t va, uint64_t asid)
{
	(void)va;
	(void)asid;
}

__attribute__((weak)) void host_fence_i(void)
{
}

void host_kernel_start(void)
{
	void *percpu = harts[0].percpu_mm; /* what shim/ram.c gave it stays */

	host_thread = (struct thread){.hart = &harts[0], .comm = "host"};
	host_current = &host_thread;
	memset(&harts[0], 0, sizeof(harts[0]));
	harts[0].percpu_mm = percpu;
	harts[0].current = &host_thread;
	harts[0].online = true;
	nharts = 1;
	host_irqs_on = true;
}

void host_kernel_check(void)
{
	if (host_thread.nheld)
		fail_msg("lock %s is still held", host_thread.held[host_thread.nheld - 1].name);
	if (host_thread.preempt_count)
		fail_msg("preemption is still off");
	if (!host_irqs_on)
		fail_msg("interrupts are still off");
}
