/*
 * NUMA memory policies on a machine of one node, number 0: threads and areas keep what they were
 * told, and tell it; every page is where it is to be already.
 */
#include "kernel/cred.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/syscall.h"
#include "kernel/uapi/mempolicy.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "mm/vma.h"

#define NODES 4 /* that a mask may name; Linux as Debian builds it has room for so many */

/*
 * A policy in ten bits, as threads and the flags of areas keep it: the mode, its flags, and the
 * nodes that are told. 0: none.
 */
#define POLICY_MODE	   7u
#define POLICY_FLAGS_SHIFT 3
#define POLICY_NODES_SHIFT 6

#define MODE_FLAGS	 (MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES)
#define MODE_FLAGS_SHIFT 13

static uint32_t policy_nodes(uint32_t policy)
{
	return policy >> POLICY_NODES_SHIFT;
}

/* The mode with its flags, as it was given. */
static uint32_t policy_mode(uint32_t policy)
{
	return (policy & POLICY_MODE) |
	       ((policy >> POLICY_FLAGS_SHIFT & 7) << MODE_FLAGS_SHIFT);
}

static bool mode_ok(uint32_t mode)
{
	uint32_t plain = mode & ~(uint32_t)MODE_FLAGS;

	if (plain > MPOL_WEIGHTED_INTERLEAVE ||
	    ((mode & MPOL_F_STATIC_NODES) && (mode & MPOL_F_RELATIVE_NODES)))
		return false;
	return !(mode & MPOL_F_NUMA_BALANCING) || plain == MPOL_BIND ||
	       plain == MPOL_PREFERRED_MANY;
}

/* The policy of a mode that is ok and the nodes, or -EINVAL. */
static int policy_make(uint32_t mode, uint32_t nodes)
{
	bool relative = mode & MPOL_F_RELATIVE_NODES;
	bool keep = relative || (mode & MPOL_F_STATIC_NODES);
	uint32_t plain = mode & ~(uint32_t)MODE_FLAGS;

	if (plain == MPOL_DEFAULT)
		return nodes ? -EINVAL : 0;
	if (plain == MPOL_PREFERRED && !nodes)
		plain = MPOL_LOCAL;
	if (plain == MPOL_LOCAL && (nodes || keep))
		return -EINVAL;
	/* Relative ones are counted around those that are there: any is the first. */
	if (plain != MPOL_LOCAL && !(relative ? nodes : nodes & 1))
		return -EINVAL;
	nodes &= keep ? BIT(NODES) - 1 : 1;
	return (int)(plain | (mode >> MODE_FLAGS_SHIFT) << POLICY_FLAGS_SHIFT |
		     nodes << POLICY_NODES_SHIFT);
}

/* The user's mask of max - 1 bits: 0, -EFAULT, -EINVAL for a node that can never be. */
static int nodes_get(uint32_t *nodes, uaddr_t mask, uint64_t max)
{
	uint64_t word;

	*nodes = 0;
	max--;
	if (!max || !mask)
		return 0;
	if (max > PAGE_SIZE * 8)
		return -EINVAL;
	for (uint64_t at = 0; at < max; at += 64) {
		if (get_user_u64(&word, mask + at / 8))
			return -EFAULT;
		if (max - at < 64)
			word &= BIT(max - at) - 1;
		if (!at) {
			*nodes = word & (BIT(NODES) - 1);
			word -= *nodes;
		}
		if (word)
			return -EINVAL;
	}
	return 0;
}

/* As many whole words as hold max - 1 bits; max: not 0. */
static int nodes_put(uaddr_t mask, uint64_t max, uint64_t nodes)
{
	uint64_t bytes = ALIGN_UP(max - 1, 64) / 8;

	if (bytes > PAGE_SIZE)
		return -EINVAL;
	if (bytes > sizeof(nodes) && clear_user(mask + sizeof(nodes), bytes - sizeof(nodes)))
		return -EFAULT;
	return bytes ? put_user_u64(mask, nodes) : 0;
}

SYSCALL3(set_mempolicy, uint32_t, mode, uaddr_t, mask, uint64_t, max)
{
	uint32_t nodes;
	int policy;

	if (!mode_ok(mode))
		return -EINVAL;
	policy = nodes_get(&nodes, mask, max);
	if (!policy)
		policy = policy_make(mode, nodes);
	if (policy < 0)
		return policy;
	current()->mempolicy = (uint16_t)policy;
	return 0;
}

/* That of the area at addr, which has none of its thread's; -EFAULT: there is no area. */
static int policy_at(uaddr_t addr)
{
	struct aspace *as = current()->aspace;
	struct vma *v;
	int policy;

	rwlock_read(&as->lock);
	v = vma_at(&as->areas, addr);
	policy = v ? (int)((v->flags & VMA_POLICY) >> VMA_POLICY_SHIFT) : -EFAULT;
	rwlock_read_unlock(&as->lock);
	return policy;
}

/* What is told as the policy: a mode, or with MPOL_F_NODE a node. Or -errno. */
static int told(uint32_t policy, uaddr_t addr, uint64_t flags)
{
	uint32_t mode = policy & POLICY_MODE;

	if (!(flags & MPOL_F_NODE))
		return (int)policy_mode(policy);
	if (flags & MPOL_F_ADDR) /* of the page, which comes in for that */
		return user_fault_in(addr, 1, false);
	return mode == MPOL_INTERLEAVE || mode == MPOL_WEIGHTED_INTERLEAVE ? 0 : -EINVAL;
}

SYSCALL5(get_mempolicy, uaddr_t, out, uaddr_t, mask, uint64_t, max, uaddr_t, addr, uint64_t, flags)
{
	bool allowed = flags & MPOL_F_MEMS_ALLOWED;
	int policy = current()->mempolicy, value = 0;

	if ((mask && !max) ||
	    (flags & ~(uint64_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)))
		return -EINVAL;
	if (allowed ? flags != MPOL_F_MEMS_ALLOWED : addr && !(flags & MPOL_F_ADDR))
		return -EINVAL;
	if (!allowed) {
		if (flags & MPOL_F_ADDR)
			policy = policy_at(addr);
		value = policy < 0 ? policy : told((uint32_t)policy, addr, flags);
	}
	if (value < 0)
		return value;
	if (out && put_user_u32(out, (uint32_t)value))
		return -EFAULT;
	return mask ? nodes_put(mask, max, allowed ? 1 : policy_nodes((uint32_t)policy)) : 0;
}

/* (a writer) */
static int bind_areas(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t policy)
{
	struct vma *v = vma_find(&as->areas, start);
	int err = 0;

	for (; v && v->start < end; v = v->next) {
		if (as->areas.count + 2 > max_map_count ||
		    !(v = aspace_isolate(v, MAX(start, v->start), end, false))) {
			err = -ENOMEM;
			break;
		}
		aspace_area_change(v, v->prot,
				   (v->flags & ~(uint32_t)VMA_POLICY) | policy << VMA_POLICY_SHIFT);
	}
	aspace_merge(as, start, end);
	return err;
}

SYSCALL6(mbind, uaddr_t, start, uint64_t, len, uint32_t, mode, uaddr_t, mask, uint64_t, max,
	 uint32_t, flags)
{
	struct aspace *as = current()->aspace;
	uaddr_t end = start + ALIGN_UP(len, PAGE_SIZE);
	uint64_t pages;
	uint32_t nodes;
	int policy, err;

	if (!mode_ok(mode))
		return -EINVAL;
	err = nodes_get(&nodes, mask, max);
	if (err)
		return err;
	if (flags & ~(uint32_t)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !cred_capable(CAP_SYS_NICE))
		return -EPERM;
	if ((start & ~PAGE_MASK) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	policy = policy_make(mode, nodes);
	if (policy < 0)
		return policy;
	rwlock_write(&as->lock);
	pages = pages_in(as, start, end, 0);
	err = -EFAULT;
	/* A hole is no matter to the default, unless there is nothing else. */
	if (policy ? pages == (end - start) >> PAGE_SHIFT : pages)
		err = bind_areas(as, start, end, (uint32_t)policy);
	rwlock_write_unlock(&as->lock);
	return err;
}

/* --- pages of any process --- */

/* The space of process pid (0: the caller), which the caller may look into; referenced. */
static struct aspace *aspace_of(pid_t pid)
{
	struct process *p = process_find(pid ? pid : current()->process->pid);
	struct aspace *as;

	if (!p)
		return err_ptr(-ESRCH);
	as = process_aspace_allowed(p, true);
	process_put(p);
	return as ? as : err_ptr(-EINVAL);
}

/* The node of the page at va, or why there is none. */
static int node_of_page(struct aspace *as, uaddr_t va)
{
	struct frame *leaf;
	int node = -ENOENT;
	pte_t p;

	rwlock_read(&as->lock);
	if (!vma_at(&as->areas, va)) {
		node = -EFAULT;
	} else if ((leaf = pt_lock_leaf(as, va)) != NULL) {
		p = *pt_entry(leaf, va);
		if (pte_resident(p))
			node = pte_special(p) ? -EFAULT : 0; /* the zero page is nowhere */
		pt_unlock(leaf);
	}
	rwlock_read_unlock(&as->lock);
	return node;
}

static int tell_page(struct aspace *as, uint64_t i, uaddr_t pages, uaddr_t nodes, uaddr_t status)
{
	uint64_t va;
	uint32_t to = 0;

	if (get_user_u64(&va, pages + i * sizeof(va)) ||
	    (nodes && get_user_u32(&to, nodes + i * sizeof(to))))
		return -EFAULT;
	if (to)
		return -ENODEV;
	return put_user_u32(status + i * sizeof(to), (uint32_t)node_of_page(as, va));
}

SYSCALL6(move_pages, pid_t, pid, uint64_t, n, uaddr_t, pages, uaddr_t, nodes, uaddr_t, status,
	 uint32_t, flags)
{
	struct aspace *as;
	int err = 0;

	if (flags & ~(uint32_t)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !cred_capable(CAP_SYS_NICE))
		return -EPERM;
	as = aspace_of(pid);
	if (is_err(as))
		return ptr_err(as);
	for (uint64_t i = 0; i < n && !err; i++)
		err = signal_fatal_pending() ? -EINTR : tell_page(as, i, pages, nodes, status);
	aspace_put(as);
	return err;
}

SYSCALL4(migrate_pages, pid_t, pid, uint64_t, max, uaddr_t, from, uaddr_t, to)
{
	uint32_t old, new;
	struct aspace *as;
	int err = nodes_get(&old, from, max);

	if (!err)
		err = nodes_get(&new, to, max);
	if (err)
		return err;
	as = aspace_of(pid);
	if (is_err(as))
		return ptr_err(as);
	aspace_put(as);
	if ((new & ~1u) && !cred_capable(CAP_SYS_NICE))
		return -EPERM;
	return new & 1 ? 0 : -EINVAL;
}
