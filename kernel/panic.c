/*
 * The end: say what happened, stop the machine.
 */
#include "kernel/panic.h"

#include "kernel/boot.h"
#include "kernel/machine_stop.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/trap.h"
#include "kernel/trace.h"
#include "lib/printf.h"

#define PANIC_STATUS 101 /* QEMU's exit status after a panic: none that `make run` commands use */

extern const uint32_t ksyms_count, ksyms_addr[], ksyms_name[];
extern const char ksyms_text[];

bool panicking;

const char *ksym_lookup(uint64_t addr, uint64_t *offset)
{
	uint64_t rel = addr - (uint64_t)_kernel_start;
	uint32_t lo = 0, hi = ksyms_count;

	*offset = 0;
	if (addr < (uint64_t)_text_start || addr >= (uint64_t)_text_end)
		return "?";
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (ksyms_addr[mid] <= rel)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return "?";
	*offset = rel - ksyms_addr[lo - 1];
	return ksyms_text + ksyms_name[lo - 1];
}

static void print_frame(uint64_t pc, const char *mark)
{
	uint64_t offset;
	const char *name = ksym_lookup(pc, &offset);

	printk(LOG_EMERG, "  %016lx %s+0x%lx%s\n", pc, name, offset, mark);
}

static bool in_text(uint64_t a)
{
	return a >= (uint64_t)_text_start && a < (uint64_t)_text_end;
}

/* Does the instruction before pc call something? Then pc can be a return address. */
static bool follows_call(uint64_t pc)
{
	uint16_t half, word_low;

	if (!in_text(pc - 4) || (pc & 1))
		return false;
	word_low = *(const uint16_t *)(pc - 4);
	half = *(const uint16_t *)(pc - 2);
	if ((word_low & 0xfff) == 0x0ef || ((word_low & 0x7f) == 0x67 && (word_low >> 7 & 31) == 1))
		return true; /* jal ra or jalr ra, 4 bytes */
	return (half & 0xf07f) == 0x9002 && (half & 0xf80); /* c.jalr */
}

/*
 * Debug kernels keep frame pointers: return address at fp - 8, caller's at fp - 16. Release kernels
 * do not, so there every word of the stack that follows a call is shown; some are left-overs.
 */
static void backtrace(uint64_t fp, uint64_t sp, uint64_t ra)
{
	uint64_t low = sp, high = ALIGN_UP(sp + 1, KSTACK_SIZE);

	printk(LOG_EMERG, "backtrace:\n");
#if DEBUG
	if (ra)
		print_frame(ra, " (ra)");
	for (int i = 0; i < 32 && fp > low && fp <= high && !(fp & 7); i++) {
		uint64_t saved = ((const uint64_t *)fp)[-1], next = ((const uint64_t *)fp)[-2];

		if (in_text(saved))
			print_frame(saved, "");
		else
			next = saved; /* a function that calls none saves only the frame pointer */
		if (next <= fp)
			break;
		fp = next;
	}
#else
	(void)fp;
	(void)ra;
	for (int n = 0; low + 8 <= high && n < 32; low += 8) {
		uint64_t word = *(const uint64_t *)ALIGN_UP(low, 8);

		if (in_text(word) && follows_call(word)) {
			print_frame(word, " ?");
			n++;
		}
	}
#endif
	(void)follows_call;
}

static void print_registers(const struct trapframe *tf)
{
	/* As they lie in a trap frame. */
	static const char names[32][4] = {"pc", "ra", "sp", "gp",  "tp",  "t0", "t1", "t2",
					  "s0", "s1", "a0", "a1",  "a2",  "a3", "a4", "a5",
					  "a6", "a7", "s2", "s3",  "s4",  "s5", "s6", "s7",
					  "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
	const uint64_t *r = &tf->pc;
	uint64_t offset;
	const char *name = ksym_lookup(tf->pc, &offset);

	printk(LOG_EMERG, "at %s+0x%lx  scause %lx stval %lx sstatus %lx\n", name, offset,
	       tf->cause, tf->badaddr, tf->status);
	for (int i = 0; i < 32; i += 4)
		printk(LOG_EMERG, "%3s %016lx %3s %016lx %3s %016lx %3s %016lx\n", names[i], r[i],
		       names[i + 1], r[i + 1], names[i + 2], r[i + 2], names[i + 3], r[i + 3]);
}

/* Other harts stop; a second panic on this one or on another goes no further. */
static void begin(void)
{
	static uint32_t begun;

	irq_disable();
	if (__atomic_exchange_n(&begun, 1, __ATOMIC_SEQ_CST)) {
		if (current()->hart->index == 0 && !nharts)
			machine_halt();
		for (;;)
			wait_for_interrupt();
	}
	panicking = true;
	for (uint32_t i = 0; i < nharts; i++)
		if (harts[i].online && &harts[i] != current()->hart)
			ipi_send(&harts[i], IPI_STOP);
}

static void __noreturn finish(uint64_t fp, uint64_t sp, uint64_t ra)
{
	struct thread *t = current();

	printk(LOG_EMERG, "hart %u, thread %d (%s)\n", t->hart ? t->hart->hartid : 0, t->tid,
	       t->comm);
	backtrace(fp, sp, ra);
	trace_dump();
	printk(LOG_EMERG, "---[ end of panic ]---\n");
	machine_poweroff(PANIC_STATUS);
}

/* The registers a caller keeps, as they are now: what is known of the others is nothing. */
static void snapshot(struct trapframe *tf)
{
	*tf = (struct trapframe){.status = csr_read(sstatus)};
	__asm__ volatile("sd sp, 16(%0)\n\tsd gp, 24(%0)\n\tsd tp, 32(%0)\n\t"
			 "sd s0, 64(%0)\n\tsd s1, 72(%0)\n\tsd s2, 144(%0)\n\tsd s3, 152(%0)\n\t"
			 "sd s4, 160(%0)\n\tsd s5, 168(%0)\n\tsd s6, 176(%0)\n\t"
			 "sd s7, 184(%0)\n\tsd s8, 192(%0)\n\tsd s9, 200(%0)\n\t"
			 "sd s10, 208(%0)\n\tsd s11, 216(%0)"
			 :
			 : "r"(tf)
			 : "memory");
}

void panic(const char *fmt, ...)
{
	char message[256];
	struct trapframe tf;
	va_list ap;

	snapshot(&tf);
	tf.pc = tf.ra = (uint64_t)__builtin_return_address(0);
	begin();
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	printk(LOG_EMERG, "panic: %s\n", message);
	print_registers(&tf);
	finish((uint64_t)__builtin_frame_address(0), tf.sp, 0);
}

void panic_trap(const struct trapframe *tf, const char *fmt, ...)
{
	char message[256];
	va_list ap;

	begin();
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	printk(LOG_EMERG, "panic: %s\n", message);
	print_registers(tf);
	finish(tf->s0, tf->sp, tf->ra);
}
