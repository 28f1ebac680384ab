/*
 * Which locks and leases there are, and who waits for them: /proc/locks and /proc/PID/fdinfo.
 */
#include "fs/locks.h"

static struct spinlock locked_lock = SPINLOCK_INIT("locked files", RANK_LOCKED);
static LIST_HEAD(locked); /* (locked_lock) file_locks of all inodes that have any */

void locks_list(struct file_locks *l)
{
	spin_lock(&locked_lock);
	list_add(&l->link, &locked);
	spin_unlock(&locked_lock);
}

void locks_unlist(struct file_locks *l)
{
	spin_lock(&locked_lock);
	list_del(&l->link);
	spin_unlock(&locked_lock);
}

void lock_wait_begin(struct file_locks *l, struct lock_wait *w, const struct file_lock *want)
{
	w->want = want;
	spin_lock(&l->lock);
	list_add_tail(&w->link, &l->waits);
	spin_unlock(&l->lock);
}

void lock_wait_end(struct file_locks *l, struct lock_wait *w)
{
	spin_lock(&l->lock);
	list_del(&w->link);
	spin_unlock(&l->lock);
}

/* What was found so far. */
struct listing {
	struct lock_fact *out;
	uint32_t room, n;
};

static void fact_add(struct listing *t, const struct lock_fact *fact)
{
	if (t->n < t->room)
		t->out[t->n] = *fact;
	t->n++;
}

static struct lock_fact fact_of_lock(const struct file_lock *k, const struct inode *inode)
{
	return (struct lock_fact){
		.kind = k->kind, .type = k->write ? F_WRLCK : F_RDLCK, .pid = k->pid,
		.dev = inode->sb->dev, .ino = inode->ino, .start = k->start, .end = k->end};
}

static struct lock_fact fact_of_lease(const struct lease *a, const struct inode *inode)
{
	return (struct lock_fact){
		.kind = LOCK_LEASE,
		.type = a->unlock ? F_UNLCK : a->downgrade ? F_RDLCK : a->type,
		.breaking = a->unlock || a->downgrade,
		.pid = a->pid, .dev = inode->sb->dev, .ino = inode->ino, .end = INT64_MAX};
}

/*
 * Who waits for the same thing stands behind those who came before and are in the way, as they
 * will be when they have it: w gets its place in that tree, which is a list with levels.
 */
static void wait_place(struct list_head *places, struct lock_wait *w)
{
	struct list_head *before = places;
	struct lock_wait *at;

	w->level = 1;
	list_for_each_entry(at, places, place) {
		if (at->level < w->level) {
			before = &at->place;
			break;
		}
		if (at->level == w->level && locks_conflict(at->want, w->want))
			w->level++;
	}
	list_add_tail(&w->place, before);
}

/* What somebody has, and after that who waits for it. l->lock held. */
static void held_add(struct listing *t, struct file_locks *l, const void *held,
		     const struct lock_fact *fact)
{
	struct lock_wait *w;
	LIST_HEAD(places);

	fact_add(t, fact);
	list_for_each_entry(w, &l->waits, link) {
		if (w->blocker == held)
			wait_place(&places, w);
	}
	list_for_each_entry(w, &places, place) {
		struct lock_fact waits = fact_of_lock(w->want, l->inode);

		waits.level = w->level;
		fact_add(t, &waits);
	}
}

static void file_add(struct listing *t, struct file_locks *l)
{
	struct file_lock *k;
	struct lock_wait *w;
	struct lease *a;

	spin_lock(&l->lock);
	list_for_each_entry(w, &l->waits, link) {
		if (w->want->kind == LOCK_LEASE)
			w->blocker = lease_in_the_way(l, w->want->write);
		else
			w->blocker = lock_in_the_way(l, w->want);
	}
	list_for_each_entry(k, &l->list, link) {
		struct lock_fact fact = fact_of_lock(k, l->inode);

		held_add(t, l, k, &fact);
	}
	list_for_each_entry(a, &l->leases, link) {
		struct lock_fact fact = fact_of_lease(a, l->inode);

		held_add(t, l, a, &fact);
	}
	spin_unlock(&l->lock);
}

uint32_t locks_facts(struct lock_fact *out, uint32_t room)
{
	struct listing t = {.out = out, .room = room};
	struct file_locks *l;

	spin_lock(&locked_lock);
	list_for_each_entry(l, &locked, link)
		file_add(&t, l);
	spin_unlock(&locked_lock);
	return t.n;
}

/* Those on the whole file come first, or those on bytes. */
static void own_add(struct listing *t, struct file_locks *l, const struct file *f,
		    const void *process, bool whole)
{
	struct file_lock *k;

	list_for_each_entry(k, &l->list, link) {
		struct lock_fact fact = fact_of_lock(k, l->inode);

		if ((k->kind == LOCK_FLOCK) == whole && k->file == f &&
		    (k->owner == f || k->owner == process))
			fact_add(t, &fact);
	}
}

uint32_t locks_file_facts(struct file *f, const void *process, struct lock_fact *out,
			  uint32_t room)
{
	struct listing t = {.out = out, .room = room};
	struct file_locks *l = locks_of(f->inode, false);
	struct lease *a;

	if (!l)
		return 0;
	spin_lock(&l->lock);
	own_add(&t, l, f, process, true);
	own_add(&t, l, f, process, false);
	list_for_each_entry(a, &l->leases, link) {
		struct lock_fact fact = fact_of_lease(a, l->inode);

		if (a->file == f)
			fact_add(&t, &fact);
	}
	spin_unlock(&l->lock);
	return t.n;
}
