#include "mm/queue.h"

#include "mm/frame.h"
#include "mm/object.h"

/*
 * Second chance: page-cache frames stand in a queue. The hand takes the oldest; one that was used
 * since it last came by goes to the end with its mark removed, one that can go goes.
 */
static struct spinlock queue_lock = SPINLOCK_INIT("reclaim queue", RANK_QUEUE);
static uint32_t queue_head, queue_tail; /* (queue_lock) page numbers */
_Atomic uint64_t queue_length;
struct waitqueue memory_wait = WAITQUEUE_INIT(memory_wait);

/* (queue_lock) */
static void queue_push(struct frame *f)
{
	uint32_t pfn = frame_pfn(f);

	f->next = PFN_NONE;
	f->prev = queue_tail;
	if (queue_tail != PFN_NONE)
		FRAMES[queue_tail].next = pfn;
	else
		queue_head = pfn;
	queue_tail = pfn;
	frame_set(f, FRAME_QUEUED);
	queue_length++;
}

/* (queue_lock) */
static void queue_remove(struct frame *f)
{
	if (f->prev != PFN_NONE)
		FRAMES[f->prev].next = f->next;
	else
		queue_head = f->next;
	if (f->next != PFN_NONE)
		FRAMES[f->next].prev = f->prev;
	else
		queue_tail = f->prev;
	frame_clear(f, FRAME_QUEUED);
	queue_length--;
}

void queue_enter(struct frame *f)
{
	spin_lock(&queue_lock);
	queue_push(f);
	spin_unlock(&queue_lock);
}

void queue_leave(struct frame *f)
{
	spin_lock(&queue_lock);
	if (frame_has(f, FRAME_QUEUED))
		queue_remove(f);
	spin_unlock(&queue_lock);
}

/*
 * The oldest frame, moved to the end, with references to it and to its object. While it is queued
 * its object lives: frames leave the queue before their object goes.
 */
struct frame *queue_next(struct object **o)
{
	struct frame *f = NULL;

	spin_lock(&queue_lock);
	if (queue_head != PFN_NONE) {
		f = FRAMES + queue_head;
		queue_remove(f);
		queue_push(f);
		*o = f->object;
		if (*o && object_try_get(*o))
			frame_get(f);
		else
			*o = NULL;
	}
	spin_unlock(&queue_lock);
	return f;
}
