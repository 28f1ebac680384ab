/*
 * fanotify(7): which file an event is about, told by handles and names (FAN_REPORT_FID and the
 * like) in records behind the event's metadata.
 */
#include "fs/event/fanotify.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"

/* --- what is told --- */

/* The file, the directory, its name: what of them is told. */
struct told {
	struct inode *dir, *to_dir, *object; /* NULL: is not */
	const char *name, *to_name;
};

/* Is the file itself told, beside its directory? Linux tells no directory twice. */
static bool tells_file(uint32_t flags, uint32_t mask)
{
	if (mask & FAN_NAMES)
		return flags & FAN_REPORT_TARGET_FID;
	return (flags & FAN_REPORT_FID) && !(mask & FAN_ONDIR);
}

/* Of a rename those hear of a side who have a mark on its directory, or on the volume. */
static void choose_sides(const struct fan_wish *w, struct told *t)
{
	if (!(w->places & (BIT(ON_INODE) | BIT(ON_VOLUME))))
		t->dir = NULL, t->name = NULL;
	if (!(w->places & (BIT(ON_TO_DIR) | BIT(ON_VOLUME))))
		t->to_dir = NULL, t->to_name = NULL;
}

static void choose(uint32_t flags, const struct fan_news *n, const struct fan_wish *w,
		   struct told *t)
{
	bool of_name = w->mask & FAN_NAMES, named;
	struct inode *dir = !of_name && S_ISDIR(n->inode->mode) ? n->inode : n->dir;
	bool file = tells_file(flags, w->mask);

	*t = (struct told){.object = of_name && !file ? n->dir : n->inode};
	if (!(flags & FAN_REPORT_DIR_FID) || !dir)
		return;
	file = file && n->inode != dir;
	named = (flags & FAN_REPORT_NAME) && n->name && (of_name || !(w->mask & FAN_ONDIR));
	t->object = dir;
	if (!named && !file)
		return;
	*t = (struct told){.dir = dir, .to_dir = n->to_dir, .object = file ? n->inode : NULL};
	if (named)
		t->name = n->name, t->to_name = n->to_name;
	if (w->mask & FAN_RENAME)
		choose_sides(w, t);
}

static void encode(struct inode *inode, struct handle *h)
{
	if (inode)
		(void)handle_encode(inode, true, h);
}

struct fan_info *fanotify_info(uint32_t flags, const struct fan_news *n, const struct fan_wish *w)
{
	size_t name_size, to_size, size;
	struct fan_info *i;
	struct told t;

	choose(flags, n, w, &t);
	name_size = t.name ? strlen(t.name) + 1 : 0;
	to_size = t.to_name ? strlen(t.to_name) + 1 : 0;
	size = sizeof(*i) + name_size + to_size;
	i = kzalloc(size);
	if (!i)
		return NULL;
	i->size = size;
	memcpy(i->fsid, w->fsid, sizeof(i->fsid));
	encode(t.dir, &i->dir);
	encode(t.to_dir, &i->to_dir);
	encode(t.object, &i->object);
	i->name_len = name_size ? (uint8_t)(name_size - 1) : 0;
	i->to_len = to_size ? (uint8_t)(to_size - 1) : 0;
	if (name_size)
		memcpy(i->names, t.name, name_size);
	if (to_size)
		memcpy(i->names + name_size, t.to_name, to_size);
	return i;
}

/* --- the records --- */

struct record {
	uint8_t type;
	const struct handle *handle;
	const char *name;
	size_t name_len; /* 0: there is none, and no NUL */
};

/* How the one file is called that an event is about, where no other stands before it. */
static void name_object(uint32_t flags, uint32_t mask, struct record *r)
{
	if ((flags & FAN_HANDLES) == FAN_REPORT_FID)
		return;
	if ((flags & FAN_REPORT_NAME) && (mask & FAN_ONDIR))
		*r = (struct record){FAN_EVENT_INFO_TYPE_DFID_NAME, r->handle, ".", 1};
	else if (mask & (FAN_NAMES | FAN_ONDIR))
		r->type = FAN_EVENT_INFO_TYPE_DFID;
}

/* In Linux's order: directory, new directory, file. Their number. */
static int records_of(uint32_t flags, uint32_t mask, const struct fan_info *i, struct record r[3])
{
	const char *to_name = i->names + (i->name_len ? i->name_len + 1 : 0);
	int n = 0;

	if (i->dir.head.bytes)
		r[n++] = (struct record){mask & FAN_RENAME ? FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
					 : i->name_len	   ? FAN_EVENT_INFO_TYPE_DFID_NAME
							   : FAN_EVENT_INFO_TYPE_DFID,
					 &i->dir, i->names, i->name_len};
	if (i->to_dir.head.bytes)
		r[n++] = (struct record){FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, &i->to_dir, to_name,
					 i->to_len};
	if (i->object.head.bytes) {
		r[n] = (struct record){FAN_EVENT_INFO_TYPE_FID, &i->object, NULL, 0};
		if (!n)
			name_object(flags, mask, &r[n]);
		n++;
	}
	return n;
}

/* A record is: header, fsid, handle, name with its NUL, zeros up to a multiple of 4. */
static size_t record_length(const struct record *r)
{
	size_t name = r->name_len ? r->name_len + 1 : 0;

	return ALIGN_UP(sizeof(struct fanotify_event_info_header) + sizeof(int32_t[2]) +
				sizeof(r->handle->head) + r->handle->head.bytes + name, 4);
}

size_t fanotify_info_length(uint32_t flags, uint32_t mask, const struct fan_info *i)
{
	size_t length = flags & FAN_REPORT_PIDFD ? sizeof(struct fanotify_event_info_pidfd) : 0;
	struct record r[3];
	int n = i ? records_of(flags, mask, i, r) : 0;

	while (n > 0)
		length += record_length(&r[--n]);
	return length;
}

static int record_give(const struct record *r, const int32_t fsid[2], struct uio *u)
{
	struct {
		struct fanotify_event_info_header header;
		int32_t fsid[2];
		struct handle handle;
		char name[NAME_MAX + 1];
	} text = {.header = {r->type, 0, (uint16_t)record_length(r)}, .fsid = {fsid[0], fsid[1]}};
	uint8_t *handle = (uint8_t *)&text.handle;
	size_t bytes = sizeof(r->handle->head) + r->handle->head.bytes;

	memcpy(handle, r->handle, bytes);
	if (r->name_len)
		memcpy(handle + bytes, r->name, r->name_len);
	return uio_copy_to(u, &text, text.header.len) == text.header.len ? 0 : -EFAULT;
}

int fanotify_info_give(uint32_t flags, uint32_t mask, const struct fan_info *i, struct uio *u)
{
	struct record r[3];
	int n = i ? records_of(flags, mask, i, r) : 0, err = 0;

	for (int k = 0; !err && k < n; k++)
		err = record_give(&r[k], i->fsid, u);
	return err;
}
