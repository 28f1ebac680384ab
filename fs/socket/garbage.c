/*
 * Sockets that only packets hold: each waits in a queue that nobody can read any more, since the
 * queue's own socket waits in another such queue. Counting references does not find them.
 *
 * A socket is a candidate when all references to its file are from packets. What can be reached
 * from sockets that are not, through their queues and the connections they have not accepted, is
 * none. The packets of the rest are freed, and with them the sockets.
 */
#include <stdatomic.h>

#include "fs/socket/socket.h"

struct list_head all_sockets = LIST_INIT(all_sockets); /* (socket_lock) */
static uint32_t total; /* (socket_lock) sockets' files in packets */

void inflight_add(const struct control *c, int n)
{
	for (uint32_t i = 0; i < c->nfiles; i++) {
		struct socket *s = socket_of(c->files[i]);

		if (!s)
			continue;
		s->inflight += (uint32_t)n;
		total += (uint32_t)n;
	}
}

static void reach(struct socket *s, struct list_head *work)
{
	if (s->reached)
		return;
	s->reached = true;
	list_add_tail(&s->search_link, work);
}

static void reach_from(struct socket *s, struct list_head *work)
{
	struct socket *other;
	struct packet *p;

	list_for_each_entry(p, &s->queue, link) {
		for (uint32_t i = 0; i < p->control.nfiles; i++) {
			other = socket_of(p->control.files[i]);
			if (other)
				reach(other, work);
		}
	}
	list_for_each_entry(other, &s->pending, pending_link)
		reach(other, work);
	list_for_each_entry(other, &s->waiting, pending_link)
		reach(other, work);
}

/* Is it held by anything but packets? A connection that waits is held by its listener. */
static bool held_elsewhere(const struct socket *s)
{
	if (!s->file)
		return s->dead || list_empty(&s->pending_link);
	return atomic_load(&s->file->refs) != (int)s->inflight;
}

void garbage_collect(void)
{
	LIST_HEAD(work);
	LIST_HEAD(garbage);
	struct socket *s;

	spin_lock(&socket_lock);
	if (total) {
		list_for_each_entry(s, &all_sockets, all_link)
			s->reached = false;
		list_for_each_entry(s, &all_sockets, all_link)
			if (held_elsewhere(s))
				reach(s, &work);
		while (!list_empty(&work)) {
			s = list_first_entry(&work, struct socket, search_link);
			list_del(&s->search_link);
			reach_from(s, &work);
		}
		list_for_each_entry(s, &all_sockets, all_link) {
			if (s->reached)
				continue;
			list_splice_tail(&s->queue, &garbage);
			s->queued = 0;
			s->npackets = 0;
		}
	}
	spin_unlock(&socket_lock);
	packets_free(&garbage);
}
