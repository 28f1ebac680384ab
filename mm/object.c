#include "mm/object.h"

#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/swap/object.h"
#include "lib/ref.h"
#include "mm/frame.h"
#include "mm/pagecache.h"
#include "mm/stat.h"
#include "mm/writeback.h"

/* Owners that wait for the last other reference to an object of theirs. */
static struct waitqueue object_wait = WAITQUEUE_INIT(object_wait);

static struct radix_node *node_alloc(void)
{
	return kmalloc(sizeof(struct radix_node));
}

static void node_free(struct radix_node *n)
{
	kfree(n);
}

static const struct radix_ops radix_ops = {.node_alloc = node_alloc, .node_free = node_free};

void object_init(struct object *o, const struct object_ops *ops, void *owner, uint64_t size)
{
	*o = (struct object){.ops = ops, .owner = owner, .refs = 1, .size = size};
	mutex_init(&o->lock, "object", RANK_OBJECT);
	spin_init(&o->tree_lock, "object tree", RANK_TREE);
	radix_init(&o->frames, &radix_ops);
	radix_init(&o->slots, &swap_radix_ops);
	list_init(&o->dirty_link);
}

struct object *object_get(struct object *o)
{
	o->refs++;
	return o;
}

bool object_try_get(struct object *o)
{
	return ref_try_get(&o->refs);
}

void object_put(struct object *o)
{
	/* Read first: the owner may free it as soon as the count is down. */
	const struct object_ops *ops = o->ops;
	int left = --o->refs;

	if (!left && ops->release)
		ops->release(o);
	else if (left <= 1)
		wake_all(&object_wait);
}

void object_promise(struct object *o, uint64_t pages)
{
	commit_add((int64_t)(pages - o->promised));
	o->promised = pages;
}

void object_destroy(struct object *o)
{
	assert(!o->areas.count);
	if (o->ops->write_pages)
		writeback_forget(o);
	else
		swap_object_end(o);
	/* Who walks through objects brings pages in; who wants one to go holds it. */
	wait_event(&object_wait, o->refs <= 1, WAIT_UNINTERRUPTIBLE);
	pagecache_invalidate(o, 0, OBJECT_INDEX_MAX);
	assert(object_pages(o) == 0);
	object_promise(o, 0);
	wait_event(&object_wait, o->refs <= 1, WAIT_UNINTERRUPTIBLE);
}

/* --- shared anonymous memory --- */

static void shm_release(struct object *o)
{
	object_destroy(o);
	kfree(o);
}

static const struct object_ops shm_ops = {
	.name = "shm", .read_pages = swap_object_read, .release = shm_release};

struct object *shm_object_create(uint64_t size, bool promised)
{
	struct object *o = kmalloc(sizeof(*o));

	if (!o)
		return NULL;
	object_init(o, &shm_ops, NULL, ALIGN_UP(size, PAGE_SIZE));
	if (promised)
		object_promise(o, DIV_ROUND_UP(size, PAGE_SIZE));
	return o;
}
