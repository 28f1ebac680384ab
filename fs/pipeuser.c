/*
 * What the pipes of one user may hold, all together (pipe(7), pipe-user-pages-soft and -hard).
 */
#include <stdatomic.h>

#include "fs/pipe.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"

#define PIPE_PAGES	 16u /* 64 KiB, as pipe(7) says */
#define PIPE_PAGES_LEAST 2u  /* for who has too much */

uint64_t pipe_pages_soft = 16384, pipe_pages_hard;

struct pipe_user {
	struct list_head link; /* users_lock */
	uid_t uid;
	uint32_t pipes;	       /* users_lock */
	_Atomic uint64_t pages;
};

static struct spinlock users_lock = SPINLOCK_INIT("pipe users", RANK_LOCKERS);
static LIST_HEAD(users);

/* One more pipe for him, if he is known. */
static struct pipe_user *user_join_locked(uid_t uid)
{
	struct pipe_user *u;

	list_for_each_entry(u, &users, link) {
		if (u->uid == uid) {
			u->pipes++;
			return u;
		}
	}
	return NULL;
}

struct pipe_user *pipe_user_get(void)
{
	uid_t uid = current()->cred->uid;
	struct pipe_user *u, *new;

	spin_lock(&users_lock);
	u = user_join_locked(uid);
	spin_unlock(&users_lock);
	if (u)
		return u;
	new = kzalloc(sizeof(*new));
	if (!new)
		return NULL;
	new->uid = uid;
	new->pipes = 1;
	spin_lock(&users_lock);
	u = user_join_locked(uid);
	if (!u)
		list_add(&new->link, &users);
	spin_unlock(&users_lock);
	if (!u)
		return new;
	kfree(new);
	return u;
}

void pipe_user_put(struct pipe_user *u, uint32_t pages)
{
	bool last;

	atomic_fetch_sub(&u->pages, pages);
	spin_lock(&users_lock);
	last = !--u->pipes;
	if (last)
		list_del(&u->link);
	spin_unlock(&users_lock);
	if (last)
		kfree(u);
}

/* More than the limit, and it holds for who asks? */
static bool too_much(uint64_t pages, uint64_t limit)
{
	return limit && pages > limit && !cred_capable(CAP_SYS_RESOURCE) &&
	       !cred_capable(CAP_SYS_ADMIN);
}

/* Of a new pipe, whatever its user has besides. */
static uint32_t pages_first(void)
{
	uint64_t most = pipe_max_size / PAGE_SIZE;

	return most >= PIPE_PAGES || cred_capable(CAP_SYS_RESOURCE) ? PIPE_PAGES : (uint32_t)most;
}

uint32_t pipe_user_first(struct pipe_user *u)
{
	uint32_t n = pages_first();
	uint64_t sum;

	sum = atomic_fetch_add(&u->pages, n) + n;
	if (too_much(sum, pipe_pages_soft)) {
		sum = atomic_fetch_add(&u->pages, (uint64_t)PIPE_PAGES_LEAST - n) - n;
		sum += n = PIPE_PAGES_LEAST;
	}
	if (!too_much(sum, pipe_pages_hard))
		return n;
	atomic_fetch_sub(&u->pages, n);
	return 0;
}

bool pipe_user_resize(struct pipe_user *u, uint32_t was, uint32_t n)
{
	uint64_t sum = atomic_fetch_add(&u->pages, (uint64_t)n - was) + n - was;

	if (n <= was || !(too_much(sum, pipe_pages_soft) || too_much(sum, pipe_pages_hard)))
		return true;
	atomic_fetch_sub(&u->pages, n - was);
	return false;
}
