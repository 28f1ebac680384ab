/*
 * Extended attributes: in a block of their own, which several inodes may share, and, as Linux
 * leaves them, behind the fields of an inode of 256 bytes or more. Both are read; all go to the
 * block when one changes.
 */
#include "fs/xattr.h"

#include "fs/acl.h"
#include "fs/ext2/ext2.h"
#include "lib/string.h"

#define PAD(n) (((n) + 3u) & ~3u)

/* Where attributes may stand: entries from the start on, values by their offset from base. */
struct region {
	const char *start, *base, *end;
};

/* Is there an entry at *p that lies in the region with its value? 0: the last one is over. */
static int entry_at(const struct region *r, const char *p, const struct ext2_xattr_entry **out)
{
	const struct ext2_xattr_entry *e = (const void *)p;

	/* The end is marked by four zeros, which may lack where no byte is left. */
	if (p + sizeof(uint32_t) > r->end || !*(const uint32_t *)p)
		return 0;
	if (p + sizeof(*e) > r->end || p + EXT2_XATTR_ENTRY_SIZE(e->name_len) > r->end)
		return -EUCLEAN;
	if (e->value_inum || e->value_size > (size_t)(r->end - r->base) ||
	    e->value_offs > (size_t)(r->end - r->base) - e->value_size)
		return -EUCLEAN;
	*out = e;
	return 1;
}

static int xattrs_bad(const struct ext2_inode *ei)
{
	return ext2_error_file(ext2_fs(ei->vfs.sb), "inode %lu has bad attributes",
			       (unsigned long)ei->vfs.ino);
}

static int region_load(struct ext2_inode *ei, const struct region *r, struct list_head *list)
{
	const struct ext2_xattr_entry *e;
	const char *p = r->start;
	int there;

	while ((there = entry_at(r, p, &e)) > 0) {
		struct xattr *x = xattr_add(list, e->name_index, e->name, e->name_len,
					    e->value_size);

		if (!x)
			return -ENOMEM;
		memcpy(xattr_value(x), r->base + e->value_offs, x->size);
		p += EXT2_XATTR_ENTRY_SIZE(e->name_len);
	}
	return there ? xattrs_bad(ei) : 0;
}

/* The block that ei has, in b: 0 or -errno. */
static int block_read(struct ext2_inode *ei, struct buf *b)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	const struct ext2_xattr_header *h;
	int err = -EUCLEAN;

	if (ext2_block_valid(fs, ei->file_acl)) {
		err = buf_read(fs->sb, ei->file_acl, b);
		if (err)
			return err;
		h = b->data;
		if (h->magic == EXT2_XATTR_MAGIC && h->blocks == 1 && h->refcount)
			err = ext2_sum_xattrs(fs, ei->file_acl, h);
		else
			err = -EUCLEAN;
		if (!err)
			return 0;
		buf_put(b);
	}
	return err == -EUCLEAN ? xattrs_bad(ei) : err;
}

/* The magic number before what stands behind the inode's fields, with that in r; NULL: nothing. */
static uint32_t *inline_find(struct ext2_fs *fs, struct ext2_dinode *di, struct region *r)
{
	uint32_t *magic;
	size_t at;

	if (fs->inode_size <= EXT2_DINODE_OLD)
		return NULL;
	at = EXT2_DINODE_OLD + di->extra_isize;
	if (at + 2 * sizeof(uint32_t) > fs->inode_size || (at & 3))
		return NULL;
	magic = (uint32_t *)((char *)di + at);
	r->start = r->base = (const char *)(magic + 1);
	r->end = (const char *)di + fs->inode_size;
	return *magic == EXT2_XATTR_MAGIC ? magic : NULL;
}

bool ext2_xattrs_inline(struct ext2_fs *fs, struct ext2_dinode *di)
{
	struct region r;

	return inline_find(fs, di, &r);
}

/* The same of an inode in memory, whose block is in b then: 0 or -errno. */
static int inline_read(struct ext2_inode *ei, struct buf *b, uint32_t **magic, struct region *r)
{
	struct ext2_dinode *di;
	int err = ext2_dinode_get(ei->vfs.sb, ei->vfs.ino, b, &di);

	if (!err)
		*magic = inline_find(ext2_fs(ei->vfs.sb), di, r);
	return err;
}

static int inline_load(struct ext2_inode *ei, struct list_head *list)
{
	struct region r;
	uint32_t *magic;
	struct buf b;
	int err = inline_read(ei, &b, &magic, &r);

	if (err)
		return err;
	if (magic)
		err = region_load(ei, &r, list);
	buf_put(&b);
	return err;
}

/* In a handle: nothing stands in the inode any more. */
static int inline_clear(struct ext2_inode *ei)
{
	struct region r;
	uint32_t *magic;
	struct buf b;
	int err = inline_read(ei, &b, &magic, &r);

	if (err)
		return err;
	if (magic) {
		buf_modify(&b);
		memset(magic, 0, (size_t)(r.end - (const char *)magic));
		buf_dirty(&b);
	}
	buf_put(&b);
	ei->inline_xattrs = false;
	return 0;
}

/* (xattr_lock) */
static int load_locked(struct inode *inode, struct list_head *list)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct region r;
	struct buf b;
	int err = ei->inline_xattrs ? inline_load(ei, list) : 0;

	if (err || !ei->file_acl)
		return err;
	err = block_read(ei, &b);
	if (err)
		return err;
	r.base = b.data;
	r.start = r.base + sizeof(struct ext2_xattr_header);
	r.end = r.base + inode->sb->block_size;
	err = region_load(ei, &r, list);
	buf_put(&b);
	return err;
}

int ext2_xattrs_load(struct inode *inode, struct list_head *list)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	int err;

	/* A damaged image may give one block to files that do not know of each other. */
	mutex_lock(&fs->xattr_lock);
	err = load_locked(inode, list);
	mutex_unlock(&fs->xattr_lock);
	return err;
}

/* Linux's hash of an entry's name and value, which e2fsck compares. */
static uint32_t entry_hash(const struct xattr *x)
{
	const uint8_t *v = (const uint8_t *)xattr_value(x);
	uint32_t h = 0;

	for (unsigned i = 0; i < x->name_len; i++)
		h = h << 5 ^ h >> 27 ^ (uint8_t)x->name[i];
	for (uint32_t i = 0; i < x->size; i += 4) {
		uint32_t word = 0;

		memcpy(&word, v + i, MIN(4u, x->size - i));
		h = h << 16 ^ h >> 16 ^ word;
	}
	return h;
}

/* Entries are sorted by prefix, length of the name, name. */
static bool before(const struct xattr *a, const struct xattr *b)
{
	if (a->index != b->index)
		return a->index < b->index;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len;
	return memcmp(a->name, b->name, a->name_len) < 0;
}

static void list_sort(struct list_head *list)
{
	struct list_head sorted;

	list_init(&sorted);
	while (!list_empty(list)) {
		struct xattr *first = list_first_entry(list, struct xattr, link), *x;

		list_for_each_entry(x, list, link)
			if (before(x, first))
				first = x;
		list_del(&first->link);
		list_add_tail(&first->link, &sorted);
	}
	list_splice_tail(&sorted, list);
}

static size_t block_bytes(const struct list_head *list)
{
	size_t n = sizeof(struct ext2_xattr_header) + sizeof(uint32_t);
	const struct xattr *x;

	list_for_each_entry(x, list, link)
		n += EXT2_XATTR_ENTRY_SIZE(x->name_len) + PAD(x->size);
	return n;
}

/* The sorted list, which has room, as a block that one inode has. */
static void block_fill(struct ext2_fs *fs, const struct list_head *list, char *block)
{
	struct ext2_xattr_header *h = (void *)block;
	char *p = block + sizeof(*h);
	uint32_t value = fs->block_size, hash = 0;
	const struct xattr *x;

	memset(block, 0, fs->block_size);
	*h = (struct ext2_xattr_header){.magic = EXT2_XATTR_MAGIC, .refcount = 1, .blocks = 1};
	list_for_each_entry(x, list, link) {
		struct ext2_xattr_entry *e = (void *)p;

		value -= PAD(x->size);
		e->name_len = x->name_len;
		e->name_index = x->index;
		e->value_offs = (uint16_t)(x->size ? value : 0);
		e->value_size = x->size;
		e->hash = entry_hash(x);
		memcpy(e->name, x->name, x->name_len);
		memcpy(block + value, xattr_value(x), x->size);
		hash = hash << 16 ^ hash >> 16 ^ e->hash;
		p += EXT2_XATTR_ENTRY_SIZE(x->name_len);
	}
	h->hash = hash;
}

static void blocks_add(struct ext2_inode *ei, int64_t sectors)
{
	mutex_lock(&ei->map_lock);
	ei->vfs.blocks += (uint64_t)sectors;
	mutex_unlock(&ei->map_lock);
}

/* The block that ei has, to be changed: in b, 0 or -errno. */
static int block_read_change(struct ext2_inode *ei, struct buf *b)
{
	int err = block_read(ei, b);

	if (err)
		return err;
	err = ext2_block_check(ext2_fs(ei->vfs.sb), ei->file_acl);
	if (err)
		buf_put(b);
	return err;
}

/* (xattr_lock) */
static int drop_locked(struct ext2_inode *ei)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	uint32_t block = ei->file_acl;
	struct ext2_xattr_header *h;
	struct buf b;
	bool last;
	int err;

	if (!block || !ext2_block_valid(fs, block))
		return 0;
	err = block_read_change(ei, &b);
	if (err)
		return err;
	h = b.data;
	last = h->refcount == 1;
	if (!last) {
		buf_modify(&b);
		h->refcount--;
		buf_dirty(&b);
	}
	buf_put(&b);
	ei->file_acl = 0;
	blocks_add(ei, -(int64_t)MIN(ei->vfs.blocks, (uint64_t)(fs->block_size >> 9)));
	if (!last)
		return 0;
	buf_forget(fs->sb, block);
	return ext2_blocks_free(fs, block, 1);
}

int ext2_xattrs_drop(struct ext2_inode *ei)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	int err;

	mutex_lock(&fs->xattr_lock);
	err = drop_locked(ei);
	/* If it is no more its file's, it was read; freeing it has failed. */
	if ((err == -EUCLEAN || err == -EIO) && ei->file_acl) {
		(void)xattrs_bad(ei);
		ei->file_acl = 0;
		err = 0;
	}
	mutex_unlock(&fs->xattr_lock);
	return err;
}

/* In a handle: a new block for ei, in place of what it may have and shares with others. */
static int block_new(struct ext2_inode *ei, const struct list_head *list)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	uint32_t block, goal = fs->first_data_block + ei->group * fs->blocks_per_group;
	struct buf b;
	int err = ext2_block_alloc(fs, goal, &block);

	if (err)
		return err;
	err = buf_zero(fs->sb, block, &b);
	if (err) {
		(void)ext2_blocks_free(fs, block, 1);
		return err;
	}
	block_fill(fs, list, b.data);
	buf_dirty(&b);
	buf_put(&b);
	err = drop_locked(ei);
	if (err && ei->file_acl) {
		buf_forget(fs->sb, block);
		(void)ext2_blocks_free(fs, block, 1);
		return err;
	}
	ei->file_acl = block;
	blocks_add(ei, fs->block_size >> 9);
	ext2_need_ext_attr(fs);
	return err;
}

/* In a handle: the list goes to ei's block if no other inode has it, else to a new one. */
static int block_write(struct ext2_inode *ei, const struct list_head *list)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	struct buf b;
	int err;

	if (!ei->file_acl)
		return block_new(ei, list);
	err = block_read_change(ei, &b);
	if (err)
		return err;
	if (((struct ext2_xattr_header *)b.data)->refcount > 1) {
		buf_put(&b);
		return block_new(ei, list);
	}
	buf_modify(&b);
	block_fill(fs, list, b.data);
	buf_dirty(&b);
	buf_put(&b);
	return 0;
}

int ext2_xattrs_store(struct inode *inode, struct list_head *list, mode_t mode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_fs *fs = ext2_fs(inode->sb);
	int err;

	if (!fs->es->rev_level)
		return -EOPNOTSUPP; /* nothing there could say that it has attributes */
	if (block_bytes(list) > fs->block_size)
		return -ENOSPC;
	list_sort(list);
	err = ext2_begin(fs, EXT2_CREDITS_NAME);
	if (err)
		return err;
	mutex_lock(&fs->xattr_lock);
	err = list_empty(list) ? drop_locked(ei) : block_write(ei, list);
	mutex_unlock(&fs->xattr_lock);
	if (!err && ei->inline_xattrs)
		err = ext2_unfinished(fs, inline_clear(ei), "moving attributes");
	if (!err)
		inode->mode = mode;
	inode->ctime = inode_now();
	ext2_inode_changed(inode, false);
	ext2_end(fs);
	return err;
}

int ext2_xattrs_init(struct inode *inode, struct list_head *list)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	int err;

	if (!fs->es->rev_level)
		return -EOPNOTSUPP;
	err = block_bytes(list) > fs->block_size ? -ENOSPC : acl_learn(inode, list);
	if (err)
		return err;
	list_sort(list);
	mutex_lock(&fs->xattr_lock);
	err = block_new(ext2_i(inode), list);
	mutex_unlock(&fs->xattr_lock);
	ext2_inode_changed(inode, false);
	return err;
}

int ext2_acls_load(struct inode *inode)
{
	struct list_head list;
	int err;

	list_init(&list);
	err = ext2_xattrs_load(inode, &list);
	if (err && err != -ENOMEM)
		acl_unreadable(inode, err);
	else if (!err)
		err = acl_learn(inode, &list);
	xattrs_free(&list);
	return err == -ENOMEM ? err : 0;
}
