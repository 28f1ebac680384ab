/*
 * Which locks and leases there are, and who waits for them: /proc/locks and /proc/PID/fdinfo.
 */
#include "fs/locks.h"

static struct spinlock locked_lock = SPINLOCK_INIT("locked files", RANK_LOCKED);
static struct rb_root locked = RB_ROOT_INIT; /* (locked_lock) those of all inodes, by number */

void locks_list(struct file_locks *l)
{
	static uint64_t last; /* (locked_lock) */
	struct rb_node *end;

	spin_lock(&locked_lock);
	l->number = ++last;
	end = rb_last(&locked);
	rb_insert(&locked, &l->node, end, end ? &end->right : &locked.node, NULL);
	spin_unlock(&locked_lock);
}

void locks_unlist(struct file_locks *l)
{
	spin_lock(&locked_lock);
	rb_erase(&locked, &l->node, NULL);
	spin_unlock(&locked_lock);
}

/* The first whose number is not below this, or NULL. locked_lock held. */
static struct file_locks *locks_from(uint64_t number)
{
	struct rb_node *at = locked.node;
	struct file_locks *found = NULL;

	while (at) {
		struct file_locks *l = rb_entry(at, struct file_locks, node);

		if (l->number >= number)
			found = l;
		at = l->number >= number ? at->left : at->right;
	}
	return found;
}

void lock_wait_enter(struct file_locks *l, struct lock_wait *w, const void *blocker)
{
	struct list_head *before = &l->waits;
	struct lock_wait *at;
	bool met = false;

	if (w->blocker)
		return;
	w->blocker = blocker;
	w->level = 1;
	list_for_each_entry(at, &l->waits, link) {
		if (met && (at->blocker != blocker || at->level < w->level)) {
			before = &at->link;
			break;
		}
		if (at->blocker != blocker)
			continue;
		met = true;
		if (at->level == w->level && locks_conflict(at->want, w->want))
			w->level++;
	}
	list_add_tail(&w->link, before);
}

static void wait_leave(struct lock_wait *w)
{
	list_del(&w->link);
	w->blocker = NULL;
}

void lock_waits_clear(struct file_locks *l)
{
	struct lock_wait *w, *next;

	list_for_each_entry_safe(w, next, &l->waits, link)
		wait_leave(w);
}

/* Those who stood behind it look for another place. */
void lock_wait_end(struct file_locks *l, struct lock_wait *w)
{
	const void *blocker;
	struct lock_wait *at;
	bool left = false;

	spin_lock(&l->lock);
	blocker = w->blocker;
	if (blocker) {
		at = list_next_entry(w, link);
		while (&at->link != &l->waits && at->blocker == blocker && at->level > w->level) {
			struct lock_wait *next = list_next_entry(at, link);

			wait_leave(at);
			at = next;
			left = true;
		}
		wait_leave(w);
	}
	if (left)
		wake_all(&l->wait);
	spin_unlock(&l->lock);
}

/* What was found so far. */
struct listing {
	struct lock_fact *out;
	uint32_t room, n;
	struct lock_cursor *at;
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

/* That line of what t->at stands at, unless it was there before. False: there is no room. */
static bool line_add(struct listing *t, uint32_t line, const struct lock_fact *fact)
{
	if (line < t->at->line)
		return true;
	if (t->n == t->room)
		return false;
	t->at->line++;
	fact_add(t, fact);
	return true;
}

/* What somebody has, number `at` of the file, and after that who waits for it. False: no room. */
static bool held_add(struct listing *t, struct file_locks *l, uint32_t at, const void *held,
		     const struct lock_fact *fact)
{
	struct lock_wait *w;
	uint32_t line = 0;

	if (at < t->at->held)
		return true;
	if (!line_add(t, line++, fact))
		return false;
	list_for_each_entry(w, &l->waits, link) {
		struct lock_fact waits;

		if (w->blocker != held)
			continue;
		waits = fact_of_lock(w->want, l->inode);
		waits.level = w->level;
		if (!line_add(t, line++, &waits))
			return false;
	}
	t->at->held++;
	t->at->line = 0;
	return true;
}

/* False: no room. */
static bool file_add(struct listing *t, struct file_locks *l)
{
	struct file_lock *k;
	struct lease *a;
	uint32_t at = 0;

	list_for_each_entry(k, &l->list, link) {
		struct lock_fact fact = fact_of_lock(k, l->inode);

		if (!held_add(t, l, at++, k, &fact))
			return false;
	}
	list_for_each_entry(a, &l->leases, link) {
		struct lock_fact fact = fact_of_lease(a, l->inode);

		if (!held_add(t, l, at++, a, &fact))
			return false;
	}
	return true;
}

/* Of the file that t->at stands at, or the next one there is. False: no room, or no more. */
static bool next_add(struct listing *t)
{
	struct lock_cursor *at = t->at;
	struct file_locks *l;
	bool all = false;

	spin_lock(&locked_lock);
	l = locks_from(at->file);
	if (l) {
		if (l->number != at->file)
			*at = (struct lock_cursor){.file = l->number};
		spin_lock(&l->lock);
		all = file_add(t, l);
		spin_unlock(&l->lock);
		if (all)
			*at = (struct lock_cursor){.file = l->number + 1};
	}
	spin_unlock(&locked_lock);
	return all;
}

/* No lock of the kernel is held for longer than one file takes. */
uint32_t locks_facts(struct lock_cursor *at, struct lock_fact *out, uint32_t room)
{
	struct listing t = {.out = out, .room = room, .at = at};

	while (next_add(&t))
		continue;
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
