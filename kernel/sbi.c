/*
 * Calls into the firmware.
 */
#include "kernel/sbi.h"

#include "kernel/hart.h"
#include "kernel/printk.h"

static bool have_time, have_ipi, have_rfence, have_hsm, have_srst, have_dbcn;

struct sbiret sbi_call(uint64_t ext, uint64_t fid, uint64_t arg0, uint64_t arg1, uint64_t arg2,
		       uint64_t arg3, uint64_t arg4)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;
	register uint64_t a3 __asm__("a3") = arg3;
	register uint64_t a4 __asm__("a4") = arg4;
	register uint64_t a6 __asm__("a6") = fid;
	register uint64_t a7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbiret){.error = (long)a0, .value = (long)a1};
}

static bool probe(uint64_t ext)
{
	struct sbiret r = sbi_call(SBI_BASE, 3, ext, 0, 0, 0, 0);

	return !r.error && r.value;
}

void sbi_init(void)
{
	have_time = probe(SBI_TIME);
	have_ipi = probe(SBI_IPI);
	have_rfence = probe(SBI_RFENCE);
	have_hsm = probe(SBI_HSM);
	have_srst = probe(SBI_SRST);
	have_dbcn = probe(SBI_DBCN);
	if (!have_time || !have_ipi || !have_rfence || !have_hsm)
		pr_warn("sbi: the firmware lacks %s%s%s%s\n", have_time ? "" : "TIME ",
			have_ipi ? "" : "IPI ", have_rfence ? "" : "RFENCE ",
			have_hsm ? "" : "HSM ");
}

bool sbi_has(enum sbi_ext ext)
{
	switch (ext) {
	case SBI_TIME:
		return have_time;
	case SBI_IPI:
		return have_ipi;
	case SBI_RFENCE:
		return have_rfence;
	case SBI_HSM:
		return have_hsm;
	case SBI_SRST:
		return have_srst;
	case SBI_DBCN:
		return have_dbcn;
	default:
		return probe(ext);
	}
}

void sbi_set_timer(uint64_t time)
{
	sbi_call(have_time ? SBI_TIME : 0, 0, time, 0, 0, 0, 0);
}

/*
 * The firmware wants a mask of hart ids from a base. Hart ids need not be dense, so go in windows:
 * the lowest id left, and all ids within 64 of it.
 */
static void for_each_window(uint64_t mask, void (*call)(uint64_t ids, uint64_t base, void *arg),
			    void *arg)
{
	while (mask) {
		uint64_t base = UINT64_MAX, ids = 0;

		for (uint64_t m = mask; m; m &= m - 1)
			base = MIN(base, (uint64_t)harts[ctz64(m)].hartid);
		for (uint64_t m = mask; m; m &= m - 1) {
			uint32_t i = ctz64(m);

			if (harts[i].hartid - base < 64) {
				ids |= 1UL << (harts[i].hartid - base);
				mask &= ~(1UL << i);
			}
		}
		call(ids, base, arg);
	}
}

static void call_ipi(uint64_t ids, uint64_t base, void *arg)
{
	(void)arg;
	sbi_call(SBI_IPI, 0, ids, base, 0, 0, 0);
}

void sbi_send_ipi(uint64_t hartmask)
{
	for_each_window(hartmask, call_ipi, NULL);
}

struct fence_args {
	uint64_t fid, va, len, asid;
};

static void call_fence(uint64_t ids, uint64_t base, void *arg)
{
	struct fence_args *f = arg;

	sbi_call(SBI_RFENCE, f->fid, ids, base, f->va, f->len, f->asid);
}

void sbi_remote_sfence(uint64_t hartmask, uint64_t va, uint64_t len)
{
	struct fence_args f = {1, len == UINT64_MAX ? 0 : va, len, 0};

	for_each_window(hartmask, call_fence, &f);
}

void sbi_remote_sfence_asid(uint64_t hartmask, uint64_t va, uint64_t len, uint64_t asid)
{
	struct fence_args f = {2, len == UINT64_MAX ? 0 : va, len, asid};

	for_each_window(hartmask, call_fence, &f);
}

void sbi_remote_fence_i(uint64_t hartmask)
{
	struct fence_args f = {0, 0, 0, 0};

	for_each_window(hartmask, call_fence, &f);
}

long sbi_hart_start(uint32_t hartid, paddr_t entry, uint64_t opaque)
{
	return sbi_call(SBI_HSM, 0, hartid, entry, opaque, 0, 0).error;
}

void sbi_putchar(char c)
{
	if (have_dbcn)
		sbi_call(SBI_DBCN, 2, (uint8_t)c, 0, 0, 0, 0);
	else
		sbi_call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)c, 0, 0, 0, 0);
}

void sbi_console_write(const char *s, size_t n)
{
	while (n--)
		sbi_putchar(*s++);
}

void sbi_system_reset(bool restart, bool failure)
{
	if (have_srst)
		sbi_call(SBI_SRST, 0, restart ? 1 : 0, failure ? 1 : 0, 0, 0, 0);
	if (!restart)
		sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0, 0, 0);
}
