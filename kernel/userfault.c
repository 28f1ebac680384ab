/*
 * User-level paging: contexts, and the faults that wait in them. One lock is enough: what a fault
 * costs here is two switches to another thread anyway.
 */
#include "kernel/userfault.h"

#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/userfaultfd.h"
#include "mm/aspace.h"
#include "mm/fault.h"

static struct spinlock userfault_lock = SPINLOCK_INIT("userfault", RANK_USERFAULT);
static LIST_HEAD(userfaults); /* u */

uint64_t userfault_unprivileged;

/* --- contexts --- */

struct userfault *userfault_create(bool user_only)
{
	struct userfault *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	list_init(&u->pending);
	list_init(&u->told);
	waitqueue_init(&u->readers);
	u->as = current()->aspace;
	u->user_only = user_only;
	spin_lock(&userfault_lock);
	list_add_tail(&u->link, &userfaults);
	spin_unlock(&userfault_lock);
	return u;
}

struct aspace *userfault_space(struct userfault *u)
{
	struct aspace *as;

	spin_lock(&userfault_lock);
	as = u->as && aspace_try_get(u->as) ? u->as : NULL;
	spin_unlock(&userfault_lock);
	return as;
}

void userfault_space_gone(const struct aspace *as)
{
	struct userfault *u;

	/* Only threads of the space add to the list for it, and they are gone. */
	if (likely(list_empty(&userfaults)))
		return;
	spin_lock(&userfault_lock);
	list_for_each_entry(u, &userfaults, link)
		u->as = u->as == as ? NULL : u->as;
	spin_unlock(&userfault_lock);
}

void userfault_destroy(struct userfault *u)
{
	struct aspace *as = userfault_space(u);

	/* Afterwards nobody finds it through an area, so nobody begins to wait. */
	if (as) {
		userfault_register(u, as, 0, USER_TOP, 0);
		aspace_put(as);
	}
	userfault_wake(u, 0, USER_TOP);
	spin_lock(&userfault_lock);
	list_del(&u->link);
	spin_unlock(&userfault_lock);
	kfree(u);
}

int userfault_start(struct userfault *u, uint64_t features)
{
	int err = 0;

	spin_lock(&userfault_lock);
	if (u->ready)
		err = -EINVAL;
	else
		u->features = features;
	u->ready = true;
	spin_unlock(&userfault_lock);
	return err;
}

bool userfault_started(struct userfault *u)
{
	return __atomic_load_n(&u->ready, __ATOMIC_ACQUIRE);
}

bool userfault_take(struct userfault *u, uint64_t *flags, uaddr_t *va, uint32_t *tid)
{
	struct userfault_wait *w;

	spin_lock(&userfault_lock);
	w = list_first_or_null(&u->pending, struct userfault_wait, link);
	if (w) {
		list_move_tail(&w->link, &u->told);
		*flags = w->flags;
		*va = w->va;
		*tid = u->features & UFFD_FEATURE_THREAD_ID ? w->tid : 0;
	}
	spin_unlock(&userfault_lock);
	return w;
}

bool userfault_any(struct userfault *u)
{
	return __atomic_load_n(&u->pending.next, __ATOMIC_RELAXED) != &u->pending;
}

/* --- those who wait --- */

/* w's thread may return, and its stack be gone, as soon as the lock is released. */
static void wake_locked(struct userfault_wait *w)
{
	list_del(&w->link);
	wake_all(&w->woken);
}

static void wake_list_locked(struct list_head *list, uaddr_t start, uaddr_t end)
{
	struct userfault_wait *w, *next;

	list_for_each_entry_safe(w, next, list, link)
		if (w->va >= start && w->va < end)
			wake_locked(w);
}

void userfault_wake(struct userfault *u, uaddr_t start, uaddr_t end)
{
	spin_lock(&userfault_lock);
	wake_list_locked(&u->pending, start, end);
	wake_list_locked(&u->told, start, end);
	spin_unlock(&userfault_lock);
}

bool userfault_post(const struct vma *v, uaddr_t va, uint32_t access, bool wp,
		    struct userfault_wait *w)
{
	struct userfault *u = v->userfault;
	const struct process *p = current()->process;

	list_init(&w->link);
	waitqueue_init(&w->woken);
	w->kernel = access & VM_KERNEL_ACCESS;
	/* Who writes the core of a process that ends has nobody left to ask. */
	if ((u->features & UFFD_FEATURE_SIGBUS) || (u->user_only && w->kernel) ||
	    (p && p->exiting))
		return false;
	w->va = va;
	w->flags = (access & VM_WRITE_ACCESS ? UFFD_PAGEFAULT_FLAG_WRITE : 0) |
		   (wp ? UFFD_PAGEFAULT_FLAG_WP : 0);
	w->tid = (uint32_t)current()->tid;
	spin_lock(&userfault_lock);
	list_add_tail(&w->link, &u->pending);
	spin_unlock(&userfault_lock);
	wake_all(&u->readers);
	return true;
}

void userfault_cancel(struct userfault_wait *w)
{
	spin_lock(&userfault_lock);
	list_del(&w->link);
	spin_unlock(&userfault_lock);
}

static bool waits(const struct userfault_wait *w)
{
	return __atomic_load_n(&w->link.next, __ATOMIC_ACQUIRE) != &w->link;
}

int userfault_wait(struct userfault_wait *w)
{
	/* The program's own access is made again after the signal; a system call's cannot be. */
	int err = wait_event(&w->woken, !waits(w), w->kernel ? WAIT_KILLABLE : WAIT_INTERRUPTIBLE);

	/* The lock also waits for who wakes us. */
	userfault_cancel(w);
	return err ? -ERESTARTNOINTR : 0;
}
