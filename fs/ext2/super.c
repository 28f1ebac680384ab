/*
 * Mounting, checking and unmounting an ext2 volume.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "fs/ext2/features.h"
#include "fs/handle.h"
#include "fs/jbd2/jbd2.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/uapi/statfs.h"
#include "lib/crc.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

/* Nothing more is changed, but that e2fsck is told to look at it. */
static void volume_fail(struct ext2_fs *fs, int err)
{
	/* The journal says it then, until somebody marks the volume. */
	if (fs->sb->journal) {
		journal_abort(fs->sb->journal, err, NULL);
		return;
	}
	/* Without the lock, which the caller may hold. */
	if (!atomic_exchange(&fs->sb->readonly, true)) {
		fs->es->state |= EXT2_ERROR_FS;
		buf_dirty(&fs->super);
	}
}

static __printf(3, 0) void damage_tell(struct ext2_fs *fs, const char *result, const char *fmt,
				       va_list ap)
{
	char text[160];

	vsnprintf(text, sizeof(text), fmt, ap);
	pr_err("ext2 %s: damaged: %s%s\n", fs->sb->bdev->name, text, result);
}

int ext2_error_file(struct ext2_fs *fs, const char *fmt, ...)
{
	va_list ap;

	if (atomic_exchange(&fs->blemished, true))
		return -EUCLEAN;
	va_start(ap, fmt);
	damage_tell(fs, "", fmt, ap);
	va_end(ap);
	return -EUCLEAN;
}

int ext2_error(struct ext2_fs *fs, const char *fmt, ...)
{
	va_list ap;

	if (atomic_exchange(&fs->failed, true))
		return -EUCLEAN;
	va_start(ap, fmt);
	damage_tell(fs, "; read-only from now on", fmt, ap);
	va_end(ap);
	volume_fail(fs, -EUCLEAN);
	return -EUCLEAN;
}

int ext2_unfinished(struct ext2_fs *fs, int err, const char *what)
{
	/* Short of memory is no reason to stop: it costs some space, until e2fsck is run. */
	if (!err || err == -ENOMEM || atomic_exchange(&fs->failed, true))
		return err;
	pr_err("ext2 %s: error %d while %s; read-only from now on\n", fs->sb->bdev->name, -err,
	       what);
	volume_fail(fs, err);
	return err;
}

/* What is in memory only now would be lost: with a journal the log has it still. */
static void ext2_write_failed(struct super_block *sb, int err)
{
	(void)ext2_unfinished(ext2_fs(sb), err, "writing metadata to its place");
}

struct ext2_group *ext2_group(struct ext2_fs *fs, uint32_t group)
{
	return (struct ext2_group *)((char *)fs->gdb[group / fs->descs].data +
				     group % fs->descs * fs->desc_size);
}

void ext2_group_modify(struct ext2_fs *fs, uint32_t group)
{
	buf_modify(&fs->gdb[group / fs->descs]);
}

void ext2_group_dirty(struct ext2_fs *fs, uint32_t group)
{
	buf_dirty(&fs->gdb[group / fs->descs]);
}

void ext2_need_large_file(struct ext2_fs *fs)
{
	mutex_lock(&fs->lock);
	if (fs->es->rev_level && !(fs->es->feature_ro_compat & EXT2_RO_LARGE_FILE)) {
		buf_modify(&fs->super);
		fs->es->feature_ro_compat |= EXT2_RO_LARGE_FILE;
		buf_dirty(&fs->super);
	}
	mutex_unlock(&fs->lock);
}

void ext2_need_ext_attr(struct ext2_fs *fs)
{
	mutex_lock(&fs->lock);
	if (!(fs->es->feature_compat & EXT2_COMPAT_EXT_ATTR)) {
		buf_modify(&fs->super);
		fs->es->feature_compat |= EXT2_COMPAT_EXT_ATTR;
		buf_dirty(&fs->super);
	}
	mutex_unlock(&fs->lock);
}

static void geometry_set(struct ext2_fs *fs, const struct ext2_super *es)
{
	fs->block_bits = 10 + es->log_block_size;
	fs->block_size = 1u << fs->block_bits;
	fs->ptr_bits = fs->block_bits - 2;
	fs->ptrs = 1u << fs->ptr_bits;
	fs->inode_size = es->rev_level ? es->inode_size : 128;
	fs->inodes_per_block = fs->block_size / fs->inode_size;
	fs->blocks_per_group = es->blocks_per_group;
	fs->inodes_per_group = es->inodes_per_group;
	fs->blocks_count = es->blocks_count;
	fs->inodes_count = es->inodes_count;
	fs->first_data_block = es->first_data_block;
	fs->first_ino = es->rev_level ? es->first_ino : EXT2_FIRST_INO_OLD;
	fs->groups = (es->blocks_count - es->first_data_block - 1) / es->blocks_per_group + 1;
	fs->desc_size = sizeof(struct ext2_group);
	if (es->rev_level && (es->feature_incompat & EXT2_INCOMPAT_64BIT))
		fs->desc_size = es->desc_size;
	fs->descs = fs->block_size / fs->desc_size;
	fs->gdb_count = DIV_ROUND_UP(fs->groups, fs->descs);
	fs->extents = es->rev_level && (es->feature_incompat & EXT2_INCOMPAT_EXTENT);
	fs->filetype = es->rev_level && (es->feature_incompat & EXT2_INCOMPAT_FILETYPE);
	fs->bitmap_group = UINT32_MAX;
}

/* The superblock through the device's own cache, before the block size is known. */
static int super_peek(struct super_block *sb, struct ext2_super *es)
{
	struct frame *f;
	int err = 0;

	/* What was written to the device as a file (mke2fs) must be what we read. */
	err = pagecache_sync(&sb->bdev->object, 0, UINT32_MAX);
	if (err)
		return err;
	if ((sb->bdev->sectors << SECTOR_SHIFT) < EXT2_SUPER_OFFSET + sizeof(*es))
		return -EINVAL;
	f = pagecache_get(&sb->bdev->object, 0, &err);
	if (!f)
		return err ? err : -EIO;
	memcpy(es, (char *)frame_data(f) + EXT2_SUPER_OFFSET, sizeof(*es));
	frame_put(f);
	return 0;
}

static bool group_sound(struct ext2_fs *fs, const struct ext2_group *gd)
{
	const struct ext2_group_high *high = (const void *)(gd + 1);
	uint32_t table_blocks = fs->inodes_per_group / fs->inodes_per_block;

	if (fs->desc_size > sizeof(*gd) &&
	    (high->block_bitmap | high->inode_bitmap | high->inode_table))
		return false;
	return ext2_block_valid(fs, gd->block_bitmap) && ext2_block_valid(fs, gd->inode_bitmap) &&
	       ext2_block_valid(fs, gd->inode_table) &&
	       gd->inode_table + (uint64_t)table_blocks <= fs->blocks_count &&
	       gd->free_blocks_count <= fs->blocks_per_group &&
	       gd->free_inodes_count <= fs->inodes_per_group;
}

/* Group descriptors: all in memory while mounted, checked once here. */
static int groups_load(struct ext2_fs *fs)
{
	fs->gdb = kzalloc(fs->gdb_count * sizeof(*fs->gdb));
	if (!fs->gdb)
		return -ENOMEM;
	for (uint32_t i = 0; i < fs->gdb_count; i++) {
		int err = buf_read(fs->sb, fs->first_data_block + 1 + i, &fs->gdb[i]);

		if (err)
			return err;
	}
	for (uint32_t g = 0; g < fs->groups; g++) {
		struct ext2_group *gd = ext2_group(fs, g);
		int err = ext2_sum_group(fs, g);

		if (err)
			return err;
		if (!group_sound(fs, gd)) {
			pr_err("ext2 %s: group %u is damaged\n", fs->sb->bdev->name, g);
			return -EUCLEAN;
		}
		fs->free_blocks += (uint64_t)gd->free_blocks_count << ext2_cluster_bits(fs->es);
		fs->free_inodes += gd->free_inodes_count;
		fs->dirs += gd->used_dirs_count;
	}
	return 0;
}

/* Say on the disk whether the volume is in use, and make sure it stands there. fs->lock held. */
static int super_mark(struct ext2_fs *fs, bool in_use)
{
	if (fs->dirty_mark == in_use)
		return 0;
	fs->dirty_mark = in_use;
	if (fs->journal) {
		fs->es->feature_incompat &= ~(uint32_t)EXT2_INCOMPAT_RECOVER;
		fs->es->feature_incompat |= in_use ? EXT2_INCOMPAT_RECOVER : 0;
	}
	if (in_use) {
		/* With a journal it is sound at any time. */
		if (!fs->journal)
			fs->es->state &= ~EXT2_VALID_FS;
		fs->es->mnt_count++;
		fs->es->mtime = ext2_seconds_now();
	} else if (atomic_load(&fs->blemished)) {
		fs->es->state |= EXT2_ERROR_FS;
	} else if (!(fs->es->state & EXT2_ERROR_FS)) {
		fs->es->state |= EXT2_VALID_FS;
	}
	fs->es->wtime = ext2_seconds_now();
	buf_dirty(&fs->super);
	return buf_sync(&fs->super);
}

static int ext2_sync(struct super_block *sb)
{
	struct ext2_fs *fs = ext2_fs(sb);
	int err;

	if (sb->journal) {
		err = journal_commit(sb->journal);
		return err ? err : blockdev_flush(sb->bdev);
	}
	mutex_lock(&fs->lock);
	if (fs->es->free_blocks_count != fs->free_blocks ||
	    fs->es->free_inodes_count != fs->free_inodes) {
		fs->es->free_blocks_count = (uint32_t)fs->free_blocks;
		fs->es->free_inodes_count = (uint32_t)fs->free_inodes;
		fs->es->wtime = ext2_seconds_now();
		if (fs->dirty_mark)
			buf_dirty(&fs->super);
	}
	mutex_unlock(&fs->lock);
	err = buf_sync_all(sb);
	if (!err && fs->dirty_mark)
		err = blockdev_flush(sb->bdev);
	return err;
}

static int volume_mark(struct ext2_fs *fs, bool in_use)
{
	int err;

	mutex_lock(&fs->lock);
	err = super_mark(fs, in_use);
	mutex_unlock(&fs->lock);
	return err ? err : blockdev_flush(fs->sb->bdev);
}

/*
 * needs_recovery stands on the disk before the log holds anything, and until all of it has reached
 * its place.
 */
static int ext2_remount(struct super_block *sb, bool readonly)
{
	struct ext2_fs *fs = ext2_fs(sb);
	bool has_journal = fs->es->rev_level &&
			   (fs->es->feature_compat & EXT2_COMPAT_HAS_JOURNAL);
	int err;

	if (readonly && !fs->dirty_mark)
		return 0;
	if (readonly) {
		err = ext2_journal_deactivate(fs);
		return err ? err : volume_mark(fs, false);
	}
	if (fs->noload && has_journal && (fs->es->feature_incompat & EXT2_INCOMPAT_RECOVER)) {
		pr_err("ext2 %s: not written before its journal is recovered\n", sb->bdev->name);
		return -EINVAL;
	}
	if (atomic_load(&fs->failed) || (has_journal && !fs->journal && !fs->noload) ||
	    !ext2_features_writable(fs->es, sb))
		return -EROFS;
	err = volume_mark(fs, true);
	if (!err)
		err = ext2_journal_activate(fs);
	if (err) {
		(void)volume_mark(fs, false);
		return err;
	}
	ext2_orphans_clean(fs);
	return 0;
}

/* Let go of all that was read of the volume. */
static void volume_drop(struct ext2_fs *fs)
{
	buf_put(&fs->bitmap);
	buf_put(&fs->super);
	for (uint32_t i = 0; fs->gdb && i < fs->gdb_count; i++)
		buf_put(&fs->gdb[i]);
	kfree(fs->gdb);
	fs->gdb = NULL;
	fs->bitmap_group = UINT32_MAX;
	fs->free_blocks = fs->free_inodes = fs->dirs = 0;
	(void)pagecache_invalidate(&fs->sb->meta, 0, UINT32_MAX);
	/* The device's own cache has not seen what went past it. */
	(void)pagecache_invalidate(&fs->sb->bdev->object, 0, UINT32_MAX);
}

static void ext2_release(struct ext2_fs *fs)
{
	fs->sb->journal = NULL;
	journal_close(fs->journal);
	ext2_pending_free(fs);
	volume_drop(fs);
	buf_destroy(fs->sb);
	kfree(fs);
}

static void ext2_unmount(struct super_block *sb)
{
	struct ext2_fs *fs = ext2_fs(sb);
	int err = ext2_sync(sb);

	if (!err && fs->dirty_mark)
		err = ext2_remount(sb, true);
	if (err)
		pr_err("ext2 %s: not left clean: error %d\n", sb->bdev->name, -err);
	ext2_release(fs);
}

static int ext2_statfs(struct super_block *sb, struct statfs64 *st)
{
	struct ext2_fs *fs = ext2_fs(sb);
	uint64_t overhead, reserved;

	mutex_lock(&fs->lock);
	overhead = fs->first_data_block +
		   (uint64_t)fs->groups * (2 + fs->inodes_per_group / fs->inodes_per_block) +
		   1 + fs->gdb_count;
	reserved = fs->es->r_blocks_count;
	st->f_blocks = fs->blocks_count > overhead ? fs->blocks_count - overhead : 0;
	st->f_bfree = fs->free_blocks + atomic_load(&fs->windowed);
	st->f_bavail = st->f_bfree > reserved ? st->f_bfree - reserved : 0;
	st->f_files = fs->inodes_count;
	st->f_ffree = fs->free_inodes;
	mutex_unlock(&fs->lock);
	memcpy(st->f_fsid, fs->es->uuid, sizeof(st->f_fsid));
	return 0;
}

const struct super_ops ext2_super_ops = {
	.write_inode = ext2_write_inode,
	.evict = ext2_evict,
	.free = ext2_free_inode,
	.sync = ext2_sync,
	.remount = ext2_remount,
	.check_options = ext2_options_check,
	.show_options = ext2_options_show,
	.write_failed = ext2_write_failed,
	.unmount = ext2_unmount,
	.handles = &ext2_handle_ops,
	.statfs = ext2_statfs,
};

/* All that is read before the root directory. */
static int volume_load(struct ext2_fs *fs, const struct ext2_super *es)
{
	uint32_t super_block = EXT2_SUPER_OFFSET / fs->block_size;
	int err;

	err = buf_read(fs->sb, super_block, &fs->super);
	if (err)
		return err;
	fs->es = (struct ext2_super *)((char *)fs->super.data +
				       EXT2_SUPER_OFFSET % fs->block_size);
	if (memcmp(fs->es, es, sizeof(*es)))
		return -EIO;
	if (!ext2_sum_setup(fs, es)) {
		pr_err("ext2 %s: wrong checksum of the superblock\n", fs->sb->bdev->name);
		return -EBADMSG;
	}
	return groups_load(fs);
}

/* After a recovery: read the volume again, and say on it that it needs none. */
static int volume_again(struct ext2_fs *fs, struct ext2_super *es)
{
	uint64_t blocks = fs->blocks_count;
	int err;

	volume_drop(fs);
	err = super_peek(fs->sb, es);
	if (err)
		return err;
	if (ext2_super_check(es, fs->sb->bdev) || es->blocks_count != blocks ||
	    1024u << es->log_block_size != fs->block_size) {
		pr_err("ext2 %s: its journal held another volume's superblock\n",
		       fs->sb->bdev->name);
		return -EUCLEAN;
	}
	err = ext2_features_check(es, fs->sb);
	if (err)
		return err;
	geometry_set(fs, es);
	err = volume_load(fs, es);
	if (err)
		return err;
	fs->es->feature_incompat &= ~(uint32_t)EXT2_INCOMPAT_RECOVER;
	if (journal_error(fs->journal))
		fs->es->state |= EXT2_ERROR_FS;
	/* The one structure that is written on a volume with checksums, which we only read. */
	if (fs->es->feature_ro_compat & EXT2_RO_METADATA_CSUM)
		fs->es->checksum = crc32c(~0u, fs->es, offsetof(struct ext2_super, checksum));
	memcpy(es, fs->es, sizeof(*es));
	buf_dirty(&fs->super);
	err = buf_sync(&fs->super);
	if (!err)
		err = blockdev_flush(fs->sb->bdev);
	if (!err && journal_error(fs->journal))
		err = journal_clear_error(fs->journal);
	return err;
}

/* Find the journal and recover what it holds. */
static int journal_load(struct ext2_fs *fs, struct ext2_super *es)
{
	bool recover = es->feature_incompat & EXT2_INCOMPAT_RECOVER;
	int err;

	if (!es->rev_level || !(es->feature_compat & EXT2_COMPAT_HAS_JOURNAL))
		return recover ? -EINVAL : 0;
	if (fs->noload)
		return 0;
	err = ext2_journal_open(fs);
	if (err && recover)
		return err;
	if (err) {
		/* It holds nothing: the volume can be looked at without it. */
		pr_warn("ext2 %s: read-only without its journal\n", fs->sb->bdev->name);
		atomic_store(&fs->sb->readonly, true);
		return 0;
	}
	if (!recover)
		return 0;
	err = ext2_journal_recover(fs);
	return err ? err : volume_again(fs, es);
}

/*
 * On a machine without a clock files would date from 1970. That is worse than wrong: e2fsck takes a
 * deletion time below the number of inodes for a link of the list of orphans.
 */
static void clock_follow(const struct ext2_super *es)
{
	uint32_t last = MAX(es->wtime, es->mtime);

	time_not_before(NSEC_PER_SEC * MAX(last, es->mkfs_time));
}

/* The root directory; then, unless it is only to be read, the volume is in use. */
static int root_load(struct ext2_fs *fs, struct inode **root)
{
	struct super_block *sb = fs->sb;
	int err;

	*root = ext2_iget(sb, EXT2_ROOT_INO);
	if (is_err(*root))
		return (int)ptr_err(*root);
	if (!S_ISDIR((*root)->mode)) {
		pr_err("ext2 %s: the root is no directory\n", sb->bdev->name);
		err = -EUCLEAN;
	} else {
		err = atomic_load(&sb->readonly) ? 0 : ext2_remount(sb, false);
		/* A journal that cannot be written does not keep the volume from being read. */
		if (err == -ENOSPC || err == -EUCLEAN) {
			atomic_store(&sb->readonly, true);
			err = 0;
		}
	}
	if (err)
		inode_put(*root);
	return err;
}

static void locks_init(struct ext2_fs *fs)
{
	mutex_init(&fs->lock, "ext2", RANK_SUPER);
	mutex_init(&fs->xattr_lock, "ext2 attributes", RANK_XATTR);
	spin_init(&fs->list_lock, "ext2 lists", RANK_JLIST);
	list_init(&fs->orphans);
	list_init(&fs->ordered);
	list_init(&fs->logged);
	waitqueue_init(&fs->filled);
}

static int ext2_mount(struct super_block *sb, const char *options, struct inode **root)
{
	struct ext2_super *es = kmalloc(sizeof(*es));
	struct ext2_fs *fs = kzalloc(sizeof(*fs));
	const char *why;
	int err = -ENOMEM;

	if (!es || !fs)
		goto fail;
	err = super_peek(sb, es);
	if (err)
		goto fail;
	why = ext2_super_check(es, sb->bdev);
	if (why) {
		if (es->magic == EXT2_MAGIC)
			pr_err("ext2 %s: %s\n", sb->bdev->name, why);
		err = -EINVAL;
		goto fail;
	}
	err = ext2_options_parse(sb, es, options, &fs->noload);
	if (!err)
		err = ext2_features_check(es, sb);
	if (err)
		goto fail;
	fs->sb = sb;
	sb->posix_acl = true;
	locks_init(fs);
	geometry_set(fs, es);
	sb->data = fs;
	sb->ops = &ext2_super_ops;
	sb->block_size = fs->block_size;
	sb->time_min = INT32_MIN * (int64_t)NSEC_PER_SEC;
	sb->time_max = fs->inode_size > 128 ? INT64_MAX : INT32_MAX * (int64_t)NSEC_PER_SEC;
	sb->max_size = es->rev_level ? ext2_max_size(fs) : INT32_MAX;
	buf_init(sb, fs->blocks_count);
	err = volume_load(fs, es);
	if (!err)
		err = journal_load(fs, es);
	if (err)
		goto fail_release;
	clock_follow(es);
	err = root_load(fs, root);
	if (err)
		goto fail_release;
	if (!(es->state & EXT2_VALID_FS) || (es->state & EXT2_ERROR_FS))
		pr_warn("ext2 %s: was not unmounted cleanly; e2fsck should look at it\n",
			sb->bdev->name);
	kfree(es);
	return 0;
fail_release:
	ext2_release(fs);
	kfree(es);
	return err;
fail:
	kfree(es);
	kfree(fs);
	return err;
}

void ext2_register(void)
{
	static struct fstype ext2 = {
		.name = "ext2", .needs_device = true, .mount = ext2_mount,
		.check_option = ext2_option_check,
		.magic = EXT2_SUPER_MAGIC};

	fstype_register(&ext2);
}
