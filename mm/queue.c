#include "mm/queue.h"

#include "mm/frame.h"
#include "mm/object.h"

/*
 * Second chance: page-cache frames stand in a queue. The hand takes the oldest; one that was used
 * since it last came by goes to the end with its mark removed, one that can go goes.
 */
static struct spinlock queue_lock = SPINLOCK_INIT("reclaim queue", RANK_QUEUE);
static struct frame_list queue; /* (queue_lock) the oldest first */
_Atomic uint64_t queue_length;
struct waitqueue memory_wait = WAITQUEUE_INIT(memory_wait);

/* (queue_lock) */
static void queue_push(struct frame *f)
{
	frame_list_append(&queue, f);
	frame_set(f, FRAME_QUEUED);
	queue_length++;
}

/* (queue_lock) */
static void queue_remove(struct frame *f)
{
	frame_list_remove(&queue, f);
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
	if (queue.n) {
		f = FRAMES + queue.first;
		frame_list_remove(&queue, f);
		frame_list_append(&queue, f);
		*o = f->object;
		if (*o && object_try_get(*o))
			frame_get(f);
		else
			*o = NULL;
	}
	spin_unlock(&queue_lock);
	return f;
}
