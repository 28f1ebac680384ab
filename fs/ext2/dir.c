/*
 * Directories: blocks full of records. A large one may have an index, which says by the hash of a
 * name in which block it stands. It is kept while new names fit where it says; where one would
 * have to be split it is given up, as the format allows: the flag goes, e2fsck -D makes a new one.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "fs/ext2/htree.h"
#include "kernel/signal.h"
#include "kernel/uapi/dirent.h"
#include "lib/string.h"

static uint32_t dir_blocks(const struct inode *dir)
{
	return (uint32_t)(dir->size_other >> ext2_fs(dir->sb)->block_bits);
}

static int dir_damaged(struct inode *dir, uint32_t block)
{
	return ext2_error(ext2_fs(dir->sb), "directory %lu, block %u",
			  (unsigned long)dir->ino, block);
}

int ext2_dir_block(struct inode *dir, uint32_t n, struct buf *b)
{
	uint32_t pblk;
	uint64_t run;
	int err = ext2_map(ext2_i(dir), n, 1, false, &pblk, &run);

	if (err)
		return err;
	if (!pblk)
		return -ENOENT;
	err = buf_read(dir->sb, pblk, b);
	if (err || likely(!ext2_fs(dir->sb)->sums))
		return err;
	err = ext2_sum_dir_block(dir, n, b->data);
	if (err)
		buf_put(b);
	return err;
}

/* Block n, which there must be. */
static int block_get(struct inode *dir, uint32_t n, struct buf *b)
{
	int err;

	/* A damaged directory may name itself often: whoever waits for it can still be killed. */
	if (unlikely(!(n & 63)) && n && signal_fatal_pending())
		return -EINTR;
	err = ext2_dir_block(dir, n, b);
	return err == -ENOENT ? dir_damaged(dir, n) : err;
}

/* The record at offset `at` of a block, or NULL if it is not sound. */
static struct ext2_dirent *record_at(const struct inode *dir, const struct buf *b, uint32_t at)
{
	const struct ext2_fs *fs = ext2_fs(dir->sb);
	struct ext2_dirent *de = (struct ext2_dirent *)((char *)b->data + at);
	uint32_t left = fs->block_size - at;

	if (left < EXT2_DIRENT_SIZE(1) || de->rec_len > left || de->rec_len & 3 ||
	    de->rec_len < EXT2_DIRENT_SIZE(de->name_len) || de->rec_len < EXT2_DIRENT_SIZE(1) ||
	    de->inode > fs->inodes_count)
		return NULL;
	return de;
}

static struct ext2_dirent *record_behind(struct ext2_dirent *de)
{
	return (struct ext2_dirent *)((char *)de + de->rec_len);
}

/* 0 with p filled, -ENOENT, or another error. */
static int block_find(struct inode *dir, uint32_t n, const char *name, size_t len,
		      struct ext2_place *p)
{
	uint32_t at, block_size = dir->sb->block_size;
	int err = block_get(dir, n, &p->b);

	if (err)
		return err;
	p->before = NULL;
	for (at = 0; at < block_size; at += p->de->rec_len) {
		p->de = record_at(dir, &p->b, at);
		if (!p->de) {
			err = dir_damaged(dir, n);
			goto out;
		}
		if (p->de->name_len == len && p->de->inode && !memcmp(p->de->name, name, len))
			return 0;
		p->before = p->de;
	}
	err = -ENOENT;
out:
	buf_put(&p->b);
	return err;
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool is_indexed(struct inode *dir)
{
	return (ext2_i(dir)->flags & EXT2_INDEX_FL) &&
	       (ext2_fs(dir->sb)->es->feature_compat & EXT2_COMPAT_DIR_INDEX);
}

/* By the index, which does not know the dots. -ENOENT: not there. -ENODATA: no usable index. */
static int index_find(struct inode *dir, const char *name, size_t len, struct ext2_place *p)
{
	uint32_t leaves = dir_blocks(dir);
	struct ext2_htree h;
	int err;

	if (!is_indexed(dir) || is_dots(name, len))
		return -ENODATA;
	err = ext2_htree_first(&h, dir, name, len);
	if (err)
		return err == -ENOENT ? -ENODATA : err;
	do {
		err = block_find(dir, h.leaf, name, len, p);
		if (err != -ENOENT)
			return err;
		/* A damaged index may name a leaf more than once. */
		err = leaves-- ? ext2_htree_next(&h) : -ENODATA;
	} while (!err);
	return err;
}

int ext2_dir_place(struct inode *dir, const char *name, size_t len, struct ext2_place *p)
{
	uint32_t blocks = dir_blocks(dir);
	int err = index_find(dir, name, len, p);

	if (err != -ENODATA)
		return err;
	err = -ENOENT;
	for (uint32_t n = 0; n < blocks && err == -ENOENT; n++)
		err = block_find(dir, n, name, len, p);
	return err;
}

int ext2_dir_find(struct inode *dir, const char *name, size_t len, uint32_t *ino)
{
	struct ext2_place p;
	int err = ext2_dir_place(dir, name, len, &p);

	*ino = 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	*ino = p.de->inode;
	buf_put(&p.b);
	return 0;
}

static uint8_t type_for(const struct inode *dir, mode_t mode)
{
	static const uint8_t types[16] = {
		[DT_FIFO] = EXT2_FT_FIFO, [DT_CHR] = EXT2_FT_CHR, [DT_DIR] = EXT2_FT_DIR,
		[DT_BLK] = EXT2_FT_BLK,	  [DT_REG] = EXT2_FT_REG, [DT_LNK] = EXT2_FT_LNK,
		[DT_SOCK] = EXT2_FT_SOCK,
	};

	return ext2_fs(dir->sb)->filetype ? types[DT_OF_MODE(mode)] : 0;
}

static void record_set(struct inode *dir, struct ext2_dirent *de, const char *name, size_t len,
		       uint32_t ino, mode_t mode)
{
	de->inode = ino;
	de->name_len = (uint8_t)len;
	de->file_type = type_for(dir, mode);
	memcpy(de->name, name, len);
}

/* A record of size bytes in block n. 0, -ENOSPC (no room in it), or another error. */
static int block_add(struct inode *dir, uint32_t n, const char *name, size_t len, uint32_t ino,
		     mode_t mode)
{
	uint32_t need = EXT2_DIRENT_SIZE((uint32_t)len), at, block_size = dir->sb->block_size;
	struct ext2_dirent *de;
	struct buf b;
	int err = block_get(dir, n, &b);

	if (err)
		return err;
	err = -ENOSPC;
	for (at = 0; at < block_size; at += de->rec_len) {
		uint32_t used;

		de = record_at(dir, &b, at);
		if (!de) {
			err = dir_damaged(dir, n);
			break;
		}
		used = de->inode ? EXT2_DIRENT_SIZE(de->name_len) : 0;
		if (de->rec_len - used < need)
			continue;
		buf_modify(&b);
		if (used) {
			struct ext2_dirent *rest = (void *)((char *)de + used);

			rest->rec_len = (uint16_t)(de->rec_len - used);
			de->rec_len = (uint16_t)used;
			de = rest;
		}
		record_set(dir, de, name, len, ino, mode);
		buf_dirty(&b);
		err = 0;
		break;
	}
	buf_put(&b);
	return err;
}

/* One more block, which is one unused record. */
static int dir_grow(struct inode *dir)
{
	struct ext2_inode *ei = ext2_i(dir);
	uint32_t n = dir_blocks(dir), pblk;
	struct buf b;
	uint64_t run;
	int err;

	if (dir->size_other + dir->sb->block_size > INT32_MAX)
		return -EFBIG;
	err = ext2_map(ei, n, 1, true, &pblk, &run);
	if (err)
		return err;
	err = buf_zero(dir->sb, pblk, &b);
	if (err) {
		(void)ext2_map_trim(ei, n);
		return err;
	}
	((struct ext2_dirent *)b.data)->rec_len = (uint16_t)dir->sb->block_size;
	buf_put(&b);
	dir->size_other += dir->sb->block_size;
	ext2_inode_changed(dir, true);
	return 0;
}

/* Into the block where the index looks for it. -ENOSPC: no room there, or no index. */
static int index_add(struct inode *dir, const char *name, size_t len, uint32_t ino, mode_t mode)
{
	struct ext2_htree h;
	int err;

	if (!is_indexed(dir))
		return -ENOSPC;
	err = ext2_htree_first(&h, dir, name, len);
	if (!err)
		err = block_add(dir, h.leaf, name, len, ino, mode);
	return err == -ENOENT ? -ENOSPC : err;
}

/* fsync waits for the transaction of its records, even if its times are what they were. */
static void changed(struct inode *dir)
{
	dir->mtime = dir->ctime = inode_now();
	ext2_inode_changed(dir, false);
}

int ext2_dir_add(struct inode *dir, const char *name, size_t len, uint32_t ino, mode_t mode)
{
	struct ext2_inode *ei = ext2_i(dir);
	uint32_t n = ei->space_hint, blocks = dir_blocks(dir);
	int err = index_add(dir, name, len, ino, mode);

	if (err != -ENOSPC) {
		if (!err)
			changed(dir);
		return err;
	}
	ei->flags &= ~(uint32_t)EXT2_INDEX_FL;
	for (; n < blocks && err == -ENOSPC; n++)
		err = block_add(dir, n, name, len, ino, mode);
	if (err == -ENOSPC) {
		err = dir_grow(dir);
		if (!err)
			err = block_add(dir, n++, name, len, ino, mode);
	}
	if (err)
		return err;
	/* Blocks before have no room for a name like this; a shorter one loses little. */
	ei->space_hint = n - 1;
	changed(dir);
	return 0;
}

void ext2_dir_remove(struct inode *dir, struct ext2_place *p)
{
	struct ext2_dirent *before = p->before;

	/* Names may have been put between the two since it was found. */
	while (before && record_behind(before) != p->de)
		before = record_behind(before);
	buf_modify(&p->b);
	if (before)
		before->rec_len = (uint16_t)(before->rec_len + p->de->rec_len);
	p->de->inode = 0;
	buf_dirty(&p->b);
	ext2_i(dir)->space_hint = 0;
	changed(dir);
}

void ext2_dir_set(struct inode *dir, struct ext2_place *p, uint32_t ino, mode_t mode)
{
	buf_modify(&p->b);
	p->de->inode = ino;
	p->de->file_type = type_for(dir, mode);
	buf_dirty(&p->b);
	changed(dir);
}

int ext2_dir_make(struct inode *dir, uint32_t parent)
{
	struct ext2_dirent *de;
	struct buf b;
	uint32_t pblk;
	uint64_t run;
	int err = dir_grow(dir);

	if (!err)
		err = ext2_map(ext2_i(dir), 0, 1, false, &pblk, &run);
	if (!err)
		err = buf_read(dir->sb, pblk, &b);
	if (err)
		return err;
	buf_modify(&b);
	/* The second one first: who comes by a handle may look at any moment. */
	de = (struct ext2_dirent *)((uint8_t *)b.data + EXT2_DIRENT_SIZE(1));
	de->rec_len = (uint16_t)(dir->sb->block_size - EXT2_DIRENT_SIZE(1));
	record_set(dir, de, "..", 2, parent, S_IFDIR);
	de = b.data;
	record_set(dir, de, ".", 1, (uint32_t)dir->ino, S_IFDIR);
	de->rec_len = EXT2_DIRENT_SIZE(1);
	buf_dirty(&b);
	buf_put(&b);
	return 0;
}

int ext2_dir_empty(struct inode *dir)
{
	uint32_t blocks = dir_blocks(dir), at;
	int err = 0;

	for (uint32_t n = 0; n < blocks && !err; n++) {
		struct ext2_dirent *de;
		struct buf b;

		err = block_get(dir, n, &b);
		if (err)
			break;
		for (at = 0; at < dir->sb->block_size && !err; at += de->rec_len) {
			de = record_at(dir, &b, at);
			if (!de) {
				err = dir_damaged(dir, n);
				break;
			}
			if (de->inode && !is_dots(de->name, de->name_len))
				err = -ENOTEMPTY;
		}
		buf_put(&b);
	}
	return err;
}

static unsigned type_of(const struct inode *dir, const struct ext2_dirent *de)
{
	static const uint8_t types[EXT2_FT_MAX] = {
		[EXT2_FT_REG] = DT_REG,	  [EXT2_FT_DIR] = DT_DIR,   [EXT2_FT_CHR] = DT_CHR,
		[EXT2_FT_BLK] = DT_BLK,	  [EXT2_FT_FIFO] = DT_FIFO, [EXT2_FT_SOCK] = DT_SOCK,
		[EXT2_FT_LNK] = DT_LNK,
	};

	if (!ext2_fs(dir->sb)->filetype || de->file_type >= EXT2_FT_MAX)
		return DT_UNKNOWN;
	return types[de->file_type];
}

/* The records of one block from byte `from` on. 1: the buffer is full. */
static int block_emit(struct inode *dir, uint32_t n, uint32_t from, struct dir_context *ctx)
{
	uint64_t base = (uint64_t)n * dir->sb->block_size;
	struct ext2_dirent *de;
	struct buf b;
	int err = block_get(dir, n, &b);

	if (err)
		return err;
	for (uint32_t at = 0; at < dir->sb->block_size && !err; at += de->rec_len) {
		de = record_at(dir, &b, at);
		if (!de) {
			err = dir_damaged(dir, n);
			break;
		}
		/* A position may be stale, in the middle of a record: go on behind it. */
		if (at < from || !de->inode || !de->name_len)
			continue;
		if (!ctx->emit(ctx, de->name, de->name_len, de->inode, type_of(dir, de),
			       base + at + de->rec_len))
			err = 1;
		else
			ctx->pos = base + at + de->rec_len;
	}
	buf_put(&b);
	return err;
}

int ext2_readdir(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	uint32_t bits = ext2_fs(dir->sb)->block_bits;
	int err = 0;

	while (ctx->pos < dir->size_other && !err) {
		uint32_t n = (uint32_t)(ctx->pos >> bits);

		err = block_emit(dir, n, ctx->pos & (dir->sb->block_size - 1), ctx);
		if (!err)
			ctx->pos = (uint64_t)(n + 1) << bits;
	}
	return err > 0 ? 0 : err;
}
