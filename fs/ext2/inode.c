/*
 * Inodes between the table on disk and memory: read, made, written back, freed.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "fs/flags.h"
#include "fs/handle.h"
#include "fs/jbd2/jbd2.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

static struct inode *ext2_alloc(struct super_block *sb)
{
	struct ext2_inode *ei = kzalloc(sizeof(*ei));

	if (!ei)
		return NULL;
	/* The kind is not known yet: the lock is made again, with its rank, once it is. */
	inode_init(&ei->vfs, sb, 0, S_IFREG);
	mutex_init(&ei->map_lock, "block map", RANK_BLOCKMAP);
	list_init(&ei->orphan_link);
	list_init(&ei->order_link);
	list_init(&ei->log_link);
	if (sb->journal)
		ei->tid = ei->datasync_tid = journal_committed(sb->journal);
	return &ei->vfs;
}

void ext2_free_inode(struct inode *inode)
{
	kfree(ext2_i(inode));
}

/* The record of an inode in its table. 0 or -errno. */
int ext2_dinode_get(struct super_block *sb, uint64_t ino, struct buf *b, struct ext2_dinode **di)
{
	struct ext2_fs *fs = ext2_fs(sb);
	uint32_t group = (uint32_t)(ino - 1) / fs->inodes_per_group;
	uint32_t index = (uint32_t)(ino - 1) % fs->inodes_per_group;
	uint32_t block = ext2_group(fs, group)->inode_table + index / fs->inodes_per_block;
	int err = buf_read(sb, block, b);

	if (err)
		return err;
	*di = (struct ext2_dinode *)((char *)b->data +
				     (index % fs->inodes_per_block) * fs->inode_size);
	return 0;
}

/* The same of one that was not in use until now: is it what was written there? */
static int dinode_read(struct super_block *sb, uint32_t ino, struct buf *b,
		       struct ext2_dinode **di)
{
	int err = ext2_dinode_get(sb, ino, b, di);

	if (err)
		return err;
	err = ext2_sum_dinode(ext2_fs(sb), *di, ino);
	if (err)
		buf_put(b);
	return err;
}

bool ext2_has_extra(const struct ext2_fs *fs, const struct ext2_dinode *di, size_t end)
{
	return fs->inode_size > 128 && di->extra_isize <= fs->inode_size - 128 &&
	       128u + di->extra_isize >= end;
}

#define EXTRA_END(field) (offsetof(struct ext2_dinode, field) + 4)

/* Seconds (signed) and, where there is room, 30 bits of nanoseconds and 2 more of seconds. */
static int64_t time_load(uint32_t sec, uint32_t extra)
{
	const int64_t last = INT64_MAX / (int64_t)NSEC_PER_SEC - 1; /* a day in 2262 */
	int64_t s = MIN((int32_t)sec + ((int64_t)(extra & 3) << 32), last);

	return s * (int64_t)NSEC_PER_SEC + (int64_t)((extra >> 2) % NSEC_PER_SEC);
}

static void time_store(int64_t ns, uint32_t *sec, uint32_t *extra)
{
	int64_t s = ns / (int64_t)NSEC_PER_SEC, rest = ns % (int64_t)NSEC_PER_SEC;

	if (rest < 0) {
		rest += (int64_t)NSEC_PER_SEC;
		s--;
	}
	if (!extra)
		s = s > INT32_MAX ? INT32_MAX : s < INT32_MIN ? INT32_MIN : s;
	*sec = (uint32_t)s;
	if (extra)
		*extra = (uint32_t)rest << 2 | (uint32_t)(((s - (int32_t)s) >> 32) & 3);
}

static void times_load(struct ext2_fs *fs, const struct ext2_dinode *di, struct inode *inode)
{
	bool extra = ext2_has_extra(fs, di, EXTRA_END(atime_extra));

	inode->atime = time_load(di->atime, extra ? di->atime_extra : 0);
	inode->mtime = time_load(di->mtime, extra ? di->mtime_extra : 0);
	inode->ctime = time_load(di->ctime, extra ? di->ctime_extra : 0);
	if (ext2_has_extra(fs, di, EXTRA_END(crtime_extra)))
		inode->btime = time_load(di->crtime, di->crtime_extra);
}

static void ops_set(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &ext2_file_iops;
		inode->fops = &ext2_file_fops;
		break;
	case S_IFDIR:
		inode->ops = &ext2_dir_iops;
		inode->fops = &ext2_dir_fops;
		break;
	case S_IFLNK:
		inode->ops = &ext2_symlink_iops;
		break;
	default:
		inode->ops = &ext2_special_iops;
		break;
	}
}

/* Device numbers stand in the block array: 8+8 bits in the first, or 12+20 in the second. */
static dev_t rdev_load(const uint32_t *block)
{
	if (block[0])
		return MKDEV((block[0] >> 8) & 0xff, block[0] & 0xff);
	return MKDEV((block[1] >> 8) & 0xfff, (block[1] & 0xff) | ((block[1] >> 12) & 0xfff00));
}

static void rdev_store(dev_t dev, uint32_t *block)
{
	uint32_t major = MAJOR(dev), minor = MINOR(dev);

	if (major < 256 && minor < 256)
		block[0] = major << 8 | minor;
	else
		block[1] = (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

/* Refuse what no sound volume has. */
static int dinode_check(struct ext2_fs *fs, const struct ext2_dinode *di, uint64_t ino, bool orphan)
{
	static const uint16_t kinds =
		1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12;
	unsigned long n = (unsigned long)ino;

	/* Such inodes are on volumes with these features only, which are never written to. */
	if ((di->flags & EXT2_EXTENTS_FL) && !fs->extents)
		return ext2_error(fs, "inode %lu has extents, the volume has not", n);
	if (di->flags & EXT2_INLINE_FL)
		return ext2_error(fs, "inode %lu holds its own data", n);
	if (!di->links_count && !orphan)
		return ext2_error(fs, "inode %lu is named but has no links", n);
	if (!(kinds >> (di->mode >> 12) & 1))
		return ext2_error(fs, "inode %lu has impossible mode %o", n, di->mode);
	if (S_ISDIR(di->mode) && (di->size % fs->block_size || !di->size || di->size > INT32_MAX))
		return ext2_error(fs, "directory %lu has impossible size %u", n, di->size);
	if (S_ISLNK(di->mode) && (!di->size || di->size >= fs->block_size))
		return ext2_error(fs, "symbolic link %lu has impossible size %u", n, di->size);
	return 0;
}

/* In 512 bytes; of 48 bits, and in blocks of the volume, where ext4 says so. */
static uint64_t blocks_load(const struct ext2_fs *fs, const struct ext2_dinode *di)
{
	uint64_t n = di->blocks;

	if (!(fs->es->feature_ro_compat & EXT2_RO_HUGE_FILE))
		return n;
	n |= (uint64_t)di->osd2_blocks_high << 32;
	return di->flags & EXT2_HUGE_FILE_FL ? n << (fs->block_bits - 9) : n;
}

static int inode_fill(struct inode *inode, struct ext2_dinode *di, bool orphan)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct ext2_inode *ei = ext2_i(inode);
	uint64_t size = di->size;
	int err = dinode_check(fs, di, inode->ino, orphan);

	if (err)
		return err;
	inode->mode = di->mode;
	if (S_ISDIR(inode->mode))
		mutex_init(&inode->lock, "directory", RANK_DIR);
	inode->uid = di->uid | (uint32_t)di->uid_high << 16;
	inode->gid = di->gid | (uint32_t)di->gid_high << 16;
	inode->nlink = di->links_count;
	inode->blocks = blocks_load(fs, di);
	times_load(fs, di, inode);
	ei->flags = di->flags;
	inode_flags_apply(inode, ei->flags);
	ei->file_acl = di->file_acl;
	ei->inline_xattrs = ext2_xattrs_inline(fs, di);
	ei->generation = di->generation;
	ei->group = (uint32_t)(inode->ino - 1) / fs->inodes_per_group;
	memcpy(ei->block, di->block, sizeof(ei->block));
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		inode->rdev = rdev_load(ei->block);
	if (S_ISREG(inode->mode)) {
		size |= (uint64_t)di->size_high << 32;
		if (size > inode->sb->max_size)
			return ext2_error(fs, "inode %lu has an impossible size",
					  (unsigned long)inode->ino);
		object_init(&inode->object, &ext2_object_ops, inode, size);
	} else {
		inode->size_other = size;
	}
	ops_set(inode);
	return !inode->nlink || !(ei->file_acl || ei->inline_xattrs) ? 0 : ext2_acls_load(inode);
}

/* Is there a file? Asked before what its record says can be taken for damage. */
static int inode_exists(struct super_block *sb, uint32_t ino)
{
	struct ext2_dinode *di;
	struct buf b;
	int err = ext2_inode_taken(ext2_fs(sb), ino);

	if (!err)
		err = ext2_dinode_get(sb, ino, &b, &di);
	if (err)
		return err;
	err = di->links_count ? 0 : -ESTALE;
	buf_put(&b);
	return err;
}

/* Who tells us of it: a name, the list of orphans, or a handle that may be of long ago. */
enum source { BY_NAME, BY_ORPHANS, BY_HANDLE };

static struct inode *inode_load(struct super_block *sb, uint32_t ino, enum source source)
{
	bool orphan = source == BY_ORPHANS;
	struct ext2_dinode *di;
	struct inode *inode;
	struct buf b;
	bool fresh;
	int err;

	inode = inode_get_locked(sb, ino, ext2_alloc, &fresh);
	if (!inode)
		return err_ptr(-ENOMEM);
	if (!fresh)
		return inode;
	err = source == BY_HANDLE ? inode_exists(sb, ino) : 0;
	if (!err)
		err = dinode_read(sb, ino, &b, &di);
	if (!err) {
		err = inode_fill(inode, di, orphan);
		if (orphan)
			ext2_i(inode)->orphan_next = di->dtime;
		buf_put(&b);
	}
	if (err) {
		inode_fail_new(inode);
		return err_ptr(err);
	}
	inode_unlock_new(inode);
	return inode;
}

/* Can a file that has a name have that number? */
static bool number_valid(const struct ext2_fs *fs, uint32_t ino)
{
	return ino <= fs->inodes_count && (ino >= fs->first_ino || ino == EXT2_ROOT_INO);
}

struct inode *ext2_iget(struct super_block *sb, uint32_t ino)
{
	struct ext2_fs *fs = ext2_fs(sb);

	if (!number_valid(fs, ino))
		return err_ptr(ext2_error(fs, "a name leads to impossible inode %u", ino));
	return inode_load(sb, ino, BY_NAME);
}

struct inode *ext2_iget_orphan(struct super_block *sb, uint32_t ino)
{
	struct ext2_fs *fs = ext2_fs(sb);

	if (ino > fs->inodes_count || ino < fs->first_ino)
		return err_ptr(ext2_error(fs, "impossible orphan %u", ino));
	return inode_load(sb, ino, BY_ORPHANS);
}

/* --- file handles: number and generation --- */

static void encode_handle(struct inode *inode, uint32_t *words)
{
	words[0] = (uint32_t)inode->ino;
	words[1] = ext2_i(inode)->generation;
}

static struct inode *handle_inode(struct super_block *sb, uint32_t ino)
{
	return number_valid(ext2_fs(sb), ino) ? inode_load(sb, ino, BY_HANDLE) : err_ptr(-ESTALE);
}

static struct inode *handle_decode(struct super_block *sb, const uint32_t *words)
{
	struct inode *inode = handle_inode(sb, words[0]);

	if (is_err(inode) || !words[1] || ext2_i(inode)->generation == words[1])
		return inode;
	inode_put(inode);
	return err_ptr(-ESTALE);
}

static struct inode *handle_parent(struct inode *dir)
{
	struct inode *parent;
	uint32_t ino = 0;
	int err;

	mutex_lock(&dir->lock);
	err = ext2_dir_find(dir, "..", 2, &ino);
	mutex_unlock(&dir->lock);
	if (err || !ino)
		return err_ptr(err ? err : -ESTALE);
	/* Both may have been removed meanwhile. */
	parent = handle_inode(dir->sb, ino);
	if (is_err(parent) || S_ISDIR(parent->mode))
		return parent;
	inode_put(parent);
	return err_ptr(-ESTALE);
}

const struct handle_ops ext2_handle_ops = {
	.words = 2,
	.encode = encode_handle,
	.decode = handle_decode,
	.parent = handle_parent,
};

int ext2_inode_peek(struct super_block *sb, uint32_t ino, struct ext2_inode *ei, uint64_t *size)
{
	struct ext2_dinode *di;
	struct buf b;
	int err = dinode_read(sb, ino, &b, &di);

	if (err)
		return err;
	inode_init(&ei->vfs, sb, ino, di->mode);
	mutex_init(&ei->map_lock, "block map", RANK_BLOCKMAP);
	ei->flags = di->flags;
	ei->generation = di->generation;
	memcpy(ei->block, di->block, sizeof(ei->block));
	*size = di->size | (uint64_t)di->size_high << 32;
	buf_put(&b);
	return 0;
}

struct inode *ext2_inode_new(struct inode *dir, mode_t mode, dev_t rdev)
{
	struct super_block *sb = dir->sb;
	struct ext2_fs *fs = ext2_fs(sb);
	struct inode *inode;
	struct ext2_inode *ei;
	uint32_t ino;
	bool fresh;
	int err = ext2_inode_alloc(dir, mode, &ino);

	if (err)
		return err_ptr(err);
	inode = inode_get_locked(sb, ino, ext2_alloc, &fresh);
	if (inode && !fresh) {
		/* The bitmap says free, but somebody uses it. */
		inode_put(inode);
		return err_ptr(ext2_error(fs, "inode %u is in use but marked free", ino));
	}
	if (!inode) {
		(void)ext2_inode_free(fs, ino, S_ISDIR(mode));
		return err_ptr(-ENOMEM);
	}
	ei = ext2_i(inode);
	inode_init_owner(inode, dir, &mode);
	inode->btime = fs->inode_size > EXT2_DINODE_OLD ? inode->ctime : 0;
	if (S_ISDIR(mode))
		mutex_init(&inode->lock, "directory", RANK_DIR);
	inode->nlink = 1;
	inode->rdev = rdev;
	ei->group = (ino - 1) / fs->inodes_per_group;
	ei->generation = (uint32_t)inode->ctime;
	ei->flags = ext2_i(dir)->flags & FLAGS_INHERITED;
	inode_flags_apply(inode, ei->flags);
	ei->fresh = true;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		rdev_store(rdev, ei->block);
	if (S_ISREG(mode))
		object_init(&inode->object, &ext2_object_ops, inode, 0);
	ops_set(inode);
	inode_unlock_new(inode);
	ext2_inode_changed(inode, true);
	return inode;
}

static void times_store(struct ext2_fs *fs, struct inode *inode, struct ext2_dinode *di)
{
	bool extra = ext2_has_extra(fs, di, EXTRA_END(atime_extra));

	time_store(inode->atime, &di->atime, extra ? &di->atime_extra : NULL);
	time_store(inode->mtime, &di->mtime, extra ? &di->mtime_extra : NULL);
	time_store(inode->ctime, &di->ctime, extra ? &di->ctime_extra : NULL);
}

static void dinode_store(struct inode *inode, struct ext2_dinode *di)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	struct ext2_inode *ei = ext2_i(inode);
	uint64_t size = inode_size(inode);

	if (ei->fresh) {
		memset(di, 0, fs->inode_size);
		if (fs->inode_size > 128) {
			di->extra_isize = EXT2_EXTRA_ISIZE;
			time_store(inode->btime, &di->crtime, &di->crtime_extra);
		}
		ei->fresh = false;
	}
	di->mode = (uint16_t)inode->mode;
	di->uid = (uint16_t)inode->uid;
	di->uid_high = (uint16_t)(inode->uid >> 16);
	di->gid = (uint16_t)inode->gid;
	di->gid_high = (uint16_t)(inode->gid >> 16);
	di->size = (uint32_t)size;
	if (S_ISREG(inode->mode))
		di->size_high = (uint32_t)(size >> 32);
	di->links_count = (uint16_t)inode->nlink;
	di->blocks = (uint32_t)inode->blocks;
	di->flags = ei->flags;
	di->file_acl = ei->file_acl;
	di->generation = ei->generation;
	di->dtime = ei->orphan_next;
	times_store(fs, inode, di);
	mutex_lock(&ei->map_lock);
	memcpy(di->block, ei->block, sizeof(di->block));
	mutex_unlock(&ei->map_lock);
}

int ext2_inode_store(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_dinode *di;
	struct buf b;
	int err;

	mutex_lock(&ei->map_lock);
	ext2_window_close(ei);
	mutex_unlock(&ei->map_lock);
	err = ext2_dinode_get(inode->sb, inode->ino, &b, &di);
	if (err)
		return err;
	buf_modify(&b);
	dinode_store(inode, di);
	buf_dirty(&b);
	buf_put(&b);
	return 0;
}

/* Would storing the inode change its record? 0, 1 or -errno. */
static int inode_differs(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_dinode *di, now;
	struct buf b;
	int err;

	if (!list_empty(&ei->log_link))
		return 0; /* it is written with its transaction anyway */
	if (ei->fresh)
		return 1;
	err = ext2_dinode_get(inode->sb, inode->ino, &b, &di);
	if (err)
		return err;
	/* Of a small record the rest is never looked at. */
	memset(&now, 0, sizeof(now));
	memcpy(&now, di, MIN(sizeof(now), (size_t)ext2_fs(inode->sb)->inode_size));
	dinode_store(inode, &now);
	err = memcmp(&now, di, MIN(sizeof(now), (size_t)ext2_fs(inode->sb)->inode_size)) != 0;
	buf_put(&b);
	return err;
}

int ext2_write_inode(struct inode *inode)
{
	struct ext2_fs *fs = ext2_fs(inode->sb);
	int err;

	if (atomic_load(&fs->failed))
		return -EROFS;
	if (!inode->sb->journal)
		return ext2_unfinished(fs, ext2_inode_store(inode), "writing an inode");
	err = inode_differs(inode);
	if (err <= 0)
		return err;
	err = ext2_begin(fs, EXT2_CREDITS_INODE);
	if (err)
		return err;
	ext2_inode_changed(inode, true);
	ext2_end(fs);
	return 0;
}

int ext2_inode_erase(struct inode *inode)
{
	struct ext2_inode *ei = ext2_i(inode);
	struct ext2_dinode *di;
	struct buf b;
	int err = ext2_dinode_get(inode->sb, inode->ino, &b, &di);

	if (err)
		return err;
	buf_modify(&b);
	dinode_store(inode, di);
	di->dtime = ext2_seconds_now();
	di->links_count = 0;
	di->size = di->size_high = 0;
	di->blocks = 0;
	memset(di->block, 0, sizeof(di->block));
	buf_dirty(&b);
	buf_put(&b);
	return ext2_inode_free(ext2_fs(inode->sb), (uint32_t)inode->ino, S_ISDIR(ei->vfs.mode));
}
