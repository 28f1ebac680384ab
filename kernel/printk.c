/*
 * Kernel messages: a ring of records, and the console.
 *
 * A record is its sequence number, time, level and text. The ring is bytes; records are laid end
 * to end and the oldest make room. Readers copy under the lock.
 */
#include "kernel/printk.h"

#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "lib/printf.h"
#include "lib/string.h"

#define RING_SIZE (64 * KiB)
#define LINE_MAX  512

struct record {
	uint64_t seq;
	uint64_t time; /* ns */
	uint16_t len;  /* of the text, without NUL */
	uint8_t level;
	uint8_t pad[5];
};

static struct spinlock ring_lock = SPINLOCK_INIT("printk", RANK_NONE);
static uint8_t ring[RING_SIZE];	     /* (ring_lock) */
static uint64_t ring_head, ring_tail; /* (ring_lock) byte positions, ever growing */
static uint64_t next_seq, first_seq;  /* (ring_lock) */
static struct console *console;
int console_loglevel = LOG_DEBUG;
uint64_t dmesg_restrict;
struct waitqueue printk_wait = WAITQUEUE_INIT(printk_wait);

static void ring_put(const void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ring[ring_head++ % RING_SIZE] = ((const uint8_t *)data)[i];
}

static void ring_get(uint64_t pos, void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)data)[i] = ring[(pos + i) % RING_SIZE];
}

static size_t record_size(const struct record *r)
{
	return ALIGN_UP(sizeof(*r) + r->len, 8);
}

static void ring_append(int level, uint64_t time, const char *text, size_t len)
{
	struct record r = {.seq = next_seq++, .time = time, .len = len, .level = level};
	static const uint8_t zeros[8];

	while (ring_head + record_size(&r) - ring_tail > RING_SIZE) {
		struct record old;

		ring_get(ring_tail, &old, sizeof(old));
		ring_tail += record_size(&old);
		first_seq = old.seq + 1;
	}
	ring_put(&r, sizeof(r));
	ring_put(text, len);
	ring_put(zeros, record_size(&r) - sizeof(r) - len);
}

static int format_prefix(char *buf, size_t size, uint64_t time)
{
	return scnprintf(buf, size, "[%5lu.%06lu] ", time / NSEC_PER_SEC,
			 time / NSEC_PER_USEC % 1000000);
}

static void console_write(const char *s, size_t n)
{
	struct console *c = __atomic_load_n(&console, __ATOMIC_ACQUIRE);

	if (c)
		c->write(c, s, n);
	else
		sbi_console_write(s, n);
}

void vprintk(enum loglevel level, const char *fmt, va_list ap)
{
	char text[LINE_MAX], prefix[32];
	uint64_t now = time_ns(), irq = 0;
	size_t len;
	int n;

	n = vsnprintf(text, sizeof(text), fmt, ap);
	len = MIN((size_t)MAX(n, 0), sizeof(text) - 1);
	while (len && text[len - 1] == '\n')
		len--;
	/* In a panic another hart may have stopped inside the lock. */
	if (!panicking)
		irq = spin_lock_irq(&ring_lock);
	ring_append(level, now, text, len);
	if ((int)level < console_loglevel || panicking) {
		n = format_prefix(prefix, sizeof(prefix), now);
		console_write(prefix, n);
		console_write(text, len);
		console_write("\r\n", 2);
	}
	if (!panicking) {
		spin_unlock_irq(&ring_lock, irq);
		wake_all(&printk_wait);
	}
}

void printk(enum loglevel level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

void console_register(struct console *c)
{
	__atomic_store_n(&console, c, __ATOMIC_RELEASE);
}

_Atomic uint64_t printk_clear_seq;

uint64_t printk_next_seq(void)
{
	return next_seq;
}

size_t printk_read(uint64_t *seq, char *buf, size_t size)
{
	uint64_t irq = spin_lock_irq(&ring_lock), pos = ring_tail;
	struct record r;
	char text[LINE_MAX];
	size_t len = 0;

	while (pos < ring_head) {
		ring_get(pos, &r, sizeof(r));
		if (r.seq >= *seq) {
			ring_get(pos + sizeof(r), text, r.len);
			text[r.len] = 0;
			len = 1;
			break;
		}
		pos += record_size(&r);
	}
	spin_unlock_irq(&ring_lock, irq);
	if (!len)
		return 0;
	*seq = r.seq + 1;
	return scnprintf(buf, size, "<%u>[%5lu.%06lu] %s\n", r.level, r.time / NSEC_PER_SEC,
			 r.time / NSEC_PER_USEC % 1000000, text);
}
