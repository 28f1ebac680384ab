#include "mm/policy.h"

/*
 * A page that comes in is on trial; from the head of that queue victims are taken. The established
 * ones leave theirs only for a page that is better: one that was used again after a shorter time
 * than the weakest of them has not been used for. So a loop over more than memory keeps as much of
 * itself as fits, and what is read once drives out nothing that is in use.
 *
 * Who is found used when his trial ends, or was established until now, goes on in a third queue. Of
 * the heads of both, that is the victim which has not been used for longer: so what a program
 * used until it turned to something else goes before that, however it was queued.
 *
 * How long the trial queue may be follows from what least-recently-used would have done, which
 * can be told exactly enough: how many pages were used since a page was. A page that comes back
 * although LRU would have kept it says that the trial is too short; an established one that is
 * used again although LRU would have dropped it says that it is too long.
 *
 * When a program ends, and most of memory is free, all that begins anew.
 *
 * Time is counted in epochs, of a fixed share of the pages replaced: use is known no finer.
 */
#define EPOCH_SHARE 64 /* of memory is replaced in an epoch */
#define TRIAL_SHARE 32 /* of memory the trial queue has at least, and the established ones */
#define STAMPS	    (1u << (POLICY_SHADOW_BITS - 1)) /* epochs that can be told apart */
#define STAMP_SHIFT 22
#define LOOKS	    16 /* at established pages for one that came in or goes */
#define SLICE	    64 /* pages that are established with interrupts off */
#define ROUNDS	    32 /* pages on trial that may have been used, before one goes anyway */

enum { COLD, TRIAL, AGED, MAIN };

static struct {
	struct spinlock lock;	/* irq */
	struct frame_list queue[4]; /* (lock) as all below; the oldest first */
	uint64_t goal;		/* pages on trial */
	uint64_t vacant;	/* room for established pages; at first without end */
	uint64_t most;		/* pages when the last victim went */
	uint64_t gone;		/* victims since the epoch began */
	uint64_t stuck;		/* victims that came back, less those that went after them */
	uint32_t now;		/* the epoch's stamp */
	/* By stamp of last use: pages, here or gone; of those, in this epoch: back; in MAIN. */
	uint32_t last[STAMPS], back[STAMPS], kept[STAMPS];
} policy = {.lock = SPINLOCK_INIT("replacement policy", RANK_FRAME), .vacant = UINT64_MAX};

uint32_t policy_tier;

static uint32_t stamp_of(const struct frame *f)
{
	return f->word >> STAMP_SHIFT;
}

static uint32_t age(uint32_t stamp)
{
	return (policy.now - stamp) % STAMPS;
}

static void count_out(uint32_t stamp)
{
	if (policy.last[stamp])
		policy.last[stamp]--;
}

static void stamp_now(struct frame *f)
{
	__atomic_fetch_add((uint32_t *)&f->word, (policy.now - stamp_of(f)) << STAMP_SHIFT,
			   __ATOMIC_RELAXED);
	policy.last[policy.now]++;
}

static unsigned queue_of(const struct frame *f)
{
	return (f->word & FRAME_QUEUE_MASK) >> FRAME_QUEUE_SHIFT;
}

static void push(struct frame *f, unsigned which)
{
	frame_list_append(&policy.queue[which], f);
	frame_set(f, FRAME_QUEUED | which << FRAME_QUEUE_SHIFT);
}

/* From one place to another. Who frees f looks at QUEUED without the lock: it stays set. */
static void pull(struct frame *f)
{
	frame_list_remove(&policy.queue[queue_of(f)], f);
	frame_clear(f, FRAME_QUEUE_MASK);
}

static void move(struct frame *f, unsigned which)
{
	pull(f);
	push(f, which);
}

/* For good; f is held, or being freed by the caller. */
static void take_off(struct frame *f)
{
	pull(f);
	frame_clear(f, FRAME_QUEUED);
}

/* Its room among the established is free. */
static void make_vacant(const struct frame *f)
{
	if (queue_of(f) == MAIN && policy.vacant != UINT64_MAX)
		policy.vacant++;
}

static struct frame *head(unsigned which)
{
	return policy.queue[which].n ? FRAMES + policy.queue[which].first : NULL;
}

static uint64_t on_trial(void)
{
	return (uint64_t)policy.queue[TRIAL].n + policy.queue[AGED].n;
}

uint64_t policy_pages(void)
{
	return on_trial() + policy.queue[MAIN].n + policy.queue[COLD].n;
}

/* The access that brought it in does not count. */
static void note_use(struct frame *f)
{
	if (frame_has(f, FRAME_FRESH)) {
		frame_clear(f, FRAME_FRESH | FRAME_REFERENCED);
		return;
	}
	if (queue_of(f) == MAIN)
		policy.kept[stamp_of(f)]++;
	count_out(stamp_of(f));
	stamp_now(f);
	frame_set(f, FRAME_REFERENCED | FRAME_PROVEN);
}

/* Was it used since it was last looked at here? */
static bool used(struct frame *f)
{
	if (!frame_has(f, FRAME_FRESH) && page_accessed(f) &&
	    (age(stamp_of(f)) || queue_of(f) == COLD))
		note_use(f);
	return !frame_has(f, FRAME_FRESH) && frame_has(f, FRAME_REFERENCED);
}

/* An established page that was not used since the hand came by; NULL if that takes too long. */
static struct frame *weakest(void)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		struct frame *f = head(MAIN);

		if (!f || !used(f))
			return f;
		frame_clear(f, FRAME_REFERENCED);
		move(f, MAIN);
	}
	return NULL;
}

/* Of the heads of the trial, one that was used meanwhile, or that which was not for longest. */
static struct frame *tried(void)
{
	struct frame *f = head(TRIAL), *g = head(AGED);

	if (!f || !g || used(f))
		return f ? f : g;
	return used(g) || age(stamp_of(g)) >= age(stamp_of(f)) ? g : f;
}

/* Put f where it belongs by its last use but one: among the established, or where they may end. */
static void place(struct frame *f, uint32_t stamp, unsigned otherwise)
{
	struct frame *w = weakest();

	if (w && age(stamp) < age(stamp_of(w))) {
		move(w, AGED);
		push(f, MAIN);
	} else {
		push(f, otherwise);
	}
}

/* While there is room, a trial ends with a place among the established. */
static void enter_new(struct frame *f)
{
	stamp_now(f);
	push(f, TRIAL);
	if (policy.vacant &&
	    on_trial() > MAX(policy.goal, policy_pages() / TRIAL_SHARE)) {
		policy.vacant--;
		move(tried(), MAIN);
	}
}

void policy_enter(struct frame *f, uint32_t shadow)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	/* A harvest may have been faster. */
	if (frame_has(f, FRAME_QUEUED)) {
		note_use(f);
	} else if (!shadow || policy.vacant) {
		frame_set(f, FRAME_FRESH);
		enter_new(f);
	} else {
		frame_set(f, FRAME_FRESH);
		stamp_now(f);
		place(f, shadow % STAMPS, TRIAL);
	}
	if (shadow) {
		count_out(shadow % STAMPS);
		policy.back[shadow % STAMPS]++;
		if (!policy_tier || age(shadow % STAMPS) < age(policy_tier % STAMPS))
			frame_set(f, FRAME_PROVEN);
	}
	spin_unlock_irq(&policy.lock, irq);
}

void policy_enter_next(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	if (!frame_has(f, FRAME_QUEUED)) {
		frame_list_push(&policy.queue[COLD], f);
		frame_set(f, FRAME_QUEUED | COLD << FRAME_QUEUE_SHIFT);
	}
	spin_unlock_irq(&policy.lock, irq);
}

/* Off its queue, and counted, as a victim is. False: it has just left its object. */
static bool pick(struct frame *f)
{
	if (frame_has(f, FRAME_QUEUED)) {
		make_vacant(f);
		pull(f);
	} else if (frame_type(f) == FRAME_ANON) {
		stamp_now(f);
	} else {
		return false;
	}
	frame_clear(f, FRAME_FRESH | FRAME_REFERENCED);
	return true;
}

void policy_cold(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	if (pick(f))
		push(f, COLD);
	spin_unlock_irq(&policy.lock, irq);
}

void policy_take(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	if (pick(f))
		frame_clear(f, FRAME_QUEUED);
	spin_unlock_irq(&policy.lock, irq);
}

void policy_leave(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	if (frame_has(f, FRAME_QUEUED)) {
		count_out(stamp_of(f));
		make_vacant(f);
		take_off(f);
	}
	/* What was learned is of pages that are gone: it begins anew. */
	if (policy_pages() < policy.most / 2) {
		policy.most = policy.goal = 0;
		policy.vacant = UINT64_MAX;
	}
	spin_unlock_irq(&policy.lock, irq);
}

static struct frame *choose(void)
{
	struct frame *f;

	for (unsigned i = 0;; i++) {
		f = head(COLD);
		if (!f)
			f = on_trial() ? tried() : head(MAIN);
		if (!f || !used(f) || i == ROUNDS)
			return f;
		frame_clear(f, FRAME_REFERENCED);
		pull(f);
		place(f, stamp_of(f), AGED);
	}
}

struct frame *policy_victim(void **with)
{
	uint64_t irq = spin_lock_irq(&policy.lock);
	struct frame *f, *w;

	policy.vacant = 0;
	policy.most = policy_pages();
	policy.stuck -= policy.stuck > 0;
	/*
	 * New private pages, as many as went at most, enter with the next harvest. When nothing on
	 * trial can go, established ones are tried.
	 */
	if (on_trial() + policy.gone + frames_free() < policy.goal || policy.stuck > on_trial()) {
		w = weakest();
		if (w)
			move(w, AGED);
	}
	f = choose();
	if (f && page_hold(f, with)) {
		take_off(f);
		policy.gone++;
	} else if (f) {
		move(f, TRIAL); /* who frees it takes it off */
		f = NULL;
	}
	spin_unlock_irq(&policy.lock, irq);
	return f;
}

void policy_return(struct frame *f)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	policy.stuck = MIN(policy.stuck + 2, 2 * on_trial() + 8);
	count_out(stamp_of(f));
	stamp_now(f);
	if (!frame_has(f, FRAME_QUEUED))
		push(f, TRIAL);
	spin_unlock_irq(&policy.lock, irq);
}

uint32_t policy_shadow(const struct frame *f)
{
	return STAMPS | stamp_of(f);
}

void policy_forget(uint32_t shadow)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	if (shadow)
		count_out(shadow % STAMPS);
	spin_unlock_irq(&policy.lock, irq);
}

bool policy_due(void)
{
	return policy.gone >= policy_pages() / EPOCH_SHARE;
}

void policy_used(struct frame *const *frames, uint32_t n)
{
	uint64_t irq = spin_lock_irq(&policy.lock);

	for (uint32_t i = 0; i < n; i++) {
		if (frame_has(frames[i], FRAME_QUEUED))
			note_use(frames[i]);
		else if (frame_type(frames[i]) == FRAME_ANON)
			enter_new(frames[i]);
	}
	spin_unlock_irq(&policy.lock, irq);
}

void policy_copied(struct frame *f)
{
	if (frame_has(f, FRAME_QUEUED) && !frame_has(f, FRAME_FRESH) && age(stamp_of(f)))
		policy_used(&f, 1);
}

/* Of how many epochs ago are the pages that LRU would still have, all that were used since? */
static uint32_t lru_age(void)
{
	uint64_t pages = 0, room = policy_pages();
	uint32_t ago = 0;

	while (ago < STAMPS - 1) {
		pages += policy.last[(policy.now - ago) % STAMPS];
		if (pages > room)
			break;
		ago++;
	}
	return ago;
}

void policy_epoch(void)
{
	uint64_t longer = 0, shorter = 0, least, irq = spin_lock_irq(&policy.lock);
	uint32_t limit = lru_age();

	for (uint32_t s = 0; s < STAMPS; s++) {
		if (age(s) < limit)
			longer += policy.back[s];
		else
			shorter += policy.kept[s];
		policy.back[s] = policy.kept[s] = 0;
	}
	least = policy_pages() / TRIAL_SHARE;
	policy.goal += 2 * longer;
	policy.goal -= MIN(policy.goal, 2 * shorter);
	policy.goal = MIN(MAX(policy.goal, least), policy_pages() - least);
	/*
	 * More on trial than that: memory that was found late, or the queue became shorter. There
	 * may be many: others get at the lock between.
	 */
	for (uint64_t n = 1, most = policy.goal + least; on_trial() > most; n++) {
		move(tried(), MAIN);
		if (n % SLICE == 0) {
			spin_unlock_irq(&policy.lock, irq);
			irq = spin_lock_irq(&policy.lock);
		}
	}
	policy.now = (policy.now + 1) % STAMPS;
	policy.last[policy.now] = 0;
	policy.gone = 0;
	spin_unlock_irq(&policy.lock, irq);
}
