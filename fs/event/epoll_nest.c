/*
 * Instances may watch instances. They form a graph without circles, and all locks that nest
 * (instances', wait queues') are taken along its edges.
 */
#include "fs/event/epoll.h"

#define DEPTH_MAX 4 /* instances below one that is watched by none */

static uint64_t visits; /* (tree_mutex) */

/* Instances below ep, or -ELOOP if goal is among them. tree_mutex held. */
static int depth_below(struct epoll *ep, struct epoll *goal)
{
	struct epoll *child;
	int depth = 0, d;

	if (ep == goal)
		return -ELOOP;
	if (ep->visited == visits)
		return ep->depth;
	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->watches); n && depth >= 0; n = rb_next(n)) {
		child = epoll_of(rb_entry(n, struct watch, node)->file);
		if (!child)
			continue;
		d = depth_below(child, goal);
		depth = d < 0 ? d : MAX(depth, d + 1);
	}
	mutex_unlock(&ep->lock);
	ep->visited = visits;
	ep->depth = depth;
	return depth;
}

/* Instances above ep. tree_mutex and watch_lock held. */
static int depth_above(struct epoll *ep)
{
	struct watch *watch;
	int depth = 0, d;

	if (ep->visited == visits)
		return ep->depth;
	hlist_for_each_entry(watch, &ep->file->watches, file_link) {
		d = depth_above(watch->ep) + 1;
		depth = MAX(depth, d);
	}
	ep->visited = visits;
	ep->depth = depth;
	return depth;
}

int epoll_may_nest(struct epoll *ep, struct epoll *below)
{
	int down, up;

	visits++;
	down = depth_below(below, ep);
	if (down < 0)
		return down;
	visits++;
	spin_lock(&watch_lock);
	up = depth_above(ep);
	spin_unlock(&watch_lock);
	return up + 1 + down > DEPTH_MAX ? -ELOOP : 0;
}
