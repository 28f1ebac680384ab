#include "tests/host/shim/mmu.h"

#include "kernel/mem/kmap.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"

#define TLB_ENTRIES 64

static uint64_t root_table[PT_ENTRIES];
uint64_t *kernel_root = root_table;
unsigned long host_tlb_hits;

static struct tlb_entry {
	bool valid;
	uint64_t asid, vpn;
	pte_t pte;
} tlb[TLB_ENTRIES];
static uint64_t satp, asid_mask, random_state = 77;
static bool faults_on_ad;

uint64_t kmap_satp(void)
{
	return 0;
}

uint64_t host_csr_read(const char *csr)
{
	return strcmp(csr, "satp") == 0 ? satp : 0;
}

void host_csr_write(const char *csr, uint64_t value)
{
	if (strcmp(csr, "satp") == 0)
		satp = value & ~((SATP_ASID_MASK & ~asid_mask) << SATP_ASID_SHIFT);
}

void host_sfence(uint64_t va, uint64_t asid)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		if ((va == HOST_ALL || va >> PAGE_SHIFT == tlb[i].vpn) &&
		    (asid == HOST_ALL || (asid & asid_mask) == tlb[i].asid))
			tlb[i].valid = false;
	}
}

void host_mmu_start(unsigned asid_bits, bool svade)
{
	memset(tlb, 0, sizeof(tlb));
	satp = 0;
	asid_mask = (1u << asid_bits) - 1;
	faults_on_ad = svade;
	host_tlb_hits = 0;
}

static uint64_t current_asid(void)
{
	return satp >> SATP_ASID_SHIFT & asid_mask;
}

static bool permits(pte_t e, enum vm_access access)
{
	pte_t need = PTE_V | PTE_U;

	need |= access & VM_WRITE_ACCESS  ? PTE_W | PTE_R
		: access & VM_EXEC_ACCESS ? PTE_X
					  : PTE_R;
	return (e & need) == need;
}

/* Sets A and D as the hardware does, or leaves that to a fault. */
static bool update_ad(pte_t *e, enum vm_access access)
{
	pte_t bits = PTE_A | (access & VM_WRITE_ACCESS ? PTE_D : 0);

	if ((*e & bits) == bits)
		return true;
	if (faults_on_ad)
		return false;
	*e |= bits;
	return true;
}

/* The leaf entry for va, at L1 if that is a megapage; NULL: the walk ends before. */
static pte_t *walk(struct aspace *as, uaddr_t va)
{
	pte_t *l1;

	/* From what satp says, not from what the caller thinks. */
	if ((satp & MASK(43, 0)) != (as->satp & MASK(43, 0)))
		fail_msg("satp holds another space");
	l1 = pt_l1_entry(as, va);
	if (!l1 || !pte_present(*l1))
		return NULL;
	if (pte_is_table(*l1))
		return pt_entry(pte_frame(*l1), va);
	/* Misaligned, it would be a fault (privileged specification 4.3.2, step 6). */
	if (pte_pa(*l1) % L1_SIZE)
		fail_msg("a megapage that is not aligned");
	return l1;
}

/* The entry to use, from the cache or the tables; 0: a fault. */
static pte_t translate(struct aspace *as, uaddr_t va, enum vm_access access)
{
	uint64_t vpn = va >> PAGE_SHIFT, asid = current_asid();
	struct tlb_entry *victim = &tlb[test_random(&random_state) % TLB_ENTRIES];
	pte_t *e, page;

	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		struct tlb_entry *t = &tlb[i];

		if (!t->valid || t->vpn != vpn || t->asid != asid)
			continue;
		if (permits(t->pte, access) && (!(access & VM_WRITE_ACCESS) || t->pte & PTE_D)) {
			host_tlb_hits++;
			return t->pte;
		}
		/* A write through an entry without D walks again; a denied one faults at once. */
		if (!permits(t->pte, access))
			return 0;
		victim = t;
	}
	e = walk(as, va);
	if (!e || !permits(*e, access) || !update_ad(e, access))
		return 0;
	page = *e;
	if (e == pt_l1_entry(as, va))
		page += pte_ppn(va % L1_SIZE);
	*victim = (struct tlb_entry){.valid = true, .asid = asid, .vpn = vpn, .pte = page};
	return page;
}

int host_access(struct aspace *as, uaddr_t va, enum vm_access access, uint8_t **data, int *code)
{
	for (int tries = 0; tries < 20; tries++) {
		uint64_t irq = irq_save();
		pte_t e;
		int signal = 0, err;

		aspace_activate(as);
		irq_restore(irq);
		e = translate(as, va, access);
		if (e) {
			*data = (uint8_t *)frame_data(pte_frame(e)) + (va & (PAGE_SIZE - 1));
			return 0;
		}
		err = vm_fault(as, va, access, &signal, code);
		if (err == -EFAULT)
			return -signal;
		if (err)
			return err;
	}
	fail_msg("an access to %#lx never comes to an end", (unsigned long)va);
	return -SIGKILL;
}
