/*
 * riscv_hwprobe(2): what programs may use of the harts. Extensions are those that all harts have;
 * what is on but needs the kernel's help that it does not give (V, Zicboz) is not among them.
 */
#include "kernel/hwprobe.h"

#include "kernel/hart.h"
#include "kernel/layout.h"
#include "kernel/machine.h"
#include "kernel/sbi.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/hwprobe.h"
#include "mm/usercopy.h"

#define NIDS 3 /* mvendorid, marchid, mimpid */

static uint64_t ids[MAX_HARTS][NIDS];
static bool ids_known;

static void ids_read(void *unused)
{
	(void)unused;
	/* Functions 4 to 6 of the SBI's base extension. */
	for (uint32_t i = 0; i < NIDS; i++)
		ids[this_hart()->index][i] =
			(uint64_t)sbi_call(SBI_BASE, 4 + i, 0, 0, 0, 0, 0).value;
}

static void ids_learn(void)
{
	if (__atomic_load_n(&ids_known, __ATOMIC_ACQUIRE))
		return;
	preempt_disable();
	ids_read(NULL);
	hart_call(~0UL, ids_read, NULL);
	preempt_enable();
	__atomic_store_n(&ids_known, true, __ATOMIC_RELEASE);
}

/* What all of these harts have; -1 if they differ. cpus is not 0. */
static uint64_t id_of(hartmask_t cpus, int64_t key)
{
	uint64_t id = ids[ctz64(cpus)][key];

	for (hartmask_t left = cpus; left; left &= left - 1)
		if (ids[ctz64(left)][key] != id)
			return UINT64_MAX;
	return id;
}

static uint64_t extensions(void)
{
	uint64_t value = 0;

	if (machine_has(ISA_F) && machine_has(ISA_D))
		value |= RISCV_HWPROBE_IMA_FD;
	if (machine_has(ISA_C))
		value |= RISCV_HWPROBE_IMA_C;
	if (machine_has(ISA_ZBA))
		value |= RISCV_HWPROBE_EXT_ZBA;
	if (machine_has(ISA_ZBB))
		value |= RISCV_HWPROBE_EXT_ZBB;
	if (machine_has(ISA_ZBS))
		value |= RISCV_HWPROBE_EXT_ZBS;
	return value;
}

/* What is so on these harts, of which there is one at least. */
static void probe(struct riscv_hwprobe *p, hartmask_t cpus)
{
	switch (p->key) {
	case RISCV_HWPROBE_KEY_MVENDORID:
	case RISCV_HWPROBE_KEY_MARCHID:
	case RISCV_HWPROBE_KEY_MIMPID:
		p->value = id_of(cpus, p->key);
		break;
	case RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
		p->value = RISCV_HWPROBE_BASE_BEHAVIOR_IMA;
		break;
	case RISCV_HWPROBE_KEY_IMA_EXT_0:
		p->value = extensions();
		break;
	case RISCV_HWPROBE_KEY_CPUPERF_0:
		p->value = RISCV_HWPROBE_MISALIGNED_UNKNOWN;
		break;
	case RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS:
		p->value = USER_TOP; /* its end, says Linux */
		break;
	case RISCV_HWPROBE_KEY_TIME_CSR_FREQ:
		p->value = machine.timebase_hz;
		break;
	default:
		*p = (struct riscv_hwprobe){.key = -1};
	}
}

void hwprobe_all(struct riscv_hwprobe *pairs, uint32_t keys)
{
	ids_learn();
	for (uint32_t key = 0; key < keys; key++) {
		pairs[key].key = key;
		probe(&pairs[key], harts_online());
	}
}

/* Those of the harts on which it is as *p says; of bits, at least those. 0: key not known. */
static hartmask_t matching(struct riscv_hwprobe *p, hartmask_t cpus)
{
	hartmask_t match = 0;

	for (hartmask_t left = cpus; left; left &= left - 1) {
		struct riscv_hwprobe is = {.key = p->key};

		probe(&is, left & -left);
		if (is.key < 0) {
			*p = is;
			return 0;
		}
		if (p->key >= RISCV_HWPROBE_KEY_BASE_BEHAVIOR &&
		    p->key <= RISCV_HWPROBE_KEY_CPUPERF_0)
			is.value &= p->value;
		if (is.value == p->value)
			match |= left & -left;
	}
	return match;
}

static long each_pair(uaddr_t pairs, uint64_t count, hartmask_t *cpus, bool which)
{
	hartmask_t all = *cpus;
	struct riscv_hwprobe p;

	for (; count--; pairs += sizeof(p)) {
		if (copy_from_user(&p, pairs, sizeof(p)))
			return -EFAULT;
		if (which)
			*cpus &= matching(&p, all);
		else
			probe(&p, all);
		if ((!which || p.key < 0) && copy_to_user(pairs, &p, sizeof(p)))
			return -EFAULT;
	}
	return 0;
}

SYSCALL5(riscv_hwprobe, uaddr_t, pairs, uint64_t, count, uint64_t, size, uaddr_t, ucpus, uint32_t,
	 flags)
{
	hartmask_t online = harts_online(), cpus = 0;
	bool which = flags & RISCV_HWPROBE_WHICH_CPUS;
	long err;

	if ((flags & ~(uint32_t)RISCV_HWPROBE_WHICH_CPUS) || (which && (!size || !ucpus)))
		return -EINVAL;
	size = MIN(size, sizeof(cpus));
	if (ucpus && copy_from_user(&cpus, ucpus, size))
		return -EFAULT;
	/* None given: those that there are. */
	cpus = (which && !cpus) || (!size && !ucpus) ? online : cpus & online;
	if (!cpus && !which)
		return -EINVAL;
	ids_learn();
	err = each_pair(pairs, count, &cpus, which);
	if (!err && which && copy_to_user(ucpus, &cpus, size))
		err = -EFAULT;
	return err;
}
