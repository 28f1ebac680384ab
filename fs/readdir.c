/*
 * getdents64(2).
 */
#include <stdatomic.h>

#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/dirent.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct getdents {
	struct dir_context ctx;
	uaddr_t at;   /* where the next record goes */
	size_t left;  /* bytes */
	int err;      /* why it stopped, if not for lack of room */
	bool any;
};

static bool getdents_emit(struct dir_context *ctx, const char *name, size_t len, uint64_t ino,
			  unsigned type, uint64_t next)
{
	struct getdents *g = container_of(ctx, struct getdents, ctx);
	union {
		struct dirent64 d;
		char bytes[sizeof(struct dirent64) + NAME_MAX + 9];
	} record;
	size_t size = ALIGN_UP(offsetof(struct dirent64, d_name) + len + 1, 8);

	if (len > NAME_MAX)
		return true;
	if (size > g->left) {
		if (!g->any)
			g->err = -EINVAL;
		return false;
	}
	record.d.d_ino = ino;
	record.d.d_off = (int64_t)next;
	record.d.d_reclen = (uint16_t)size;
	record.d.d_type = (uint8_t)type;
	memcpy(record.d.d_name, name, len);
	memset(record.d.d_name + len, 0, size - offsetof(struct dirent64, d_name) - len);
	if (copy_to_user(g->at, &record, size)) {
		g->err = -EFAULT;
		return false;
	}
	g->at += size;
	g->left -= size;
	g->any = true;
	return true;
}

bool dir_emit_dots(struct file *f, struct dir_context *ctx)
{
	struct inode *inode = f->inode;
	struct dentry *parent;
	uint64_t up;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, inode->ino, DT_DIR, 1))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		spin_lock(&dcache_lock);
		parent = f->path.dentry->parent;
		up = parent->inode ? parent->inode->ino : inode->ino;
		spin_unlock(&dcache_lock);
		if (!ctx->emit(ctx, "..", 2, up, DT_DIR, 2))
			return false;
		ctx->pos = 2;
	}
	return true;
}

static int dir_read(struct file *f, struct getdents *g)
{
	struct inode *inode = f->inode;
	int err;

	if (!S_ISDIR(inode->mode) || !f->ops->readdir)
		return -ENOTDIR;
	err = notify_read_asked(f);
	if (err)
		return err;
	mutex_lock(&f->pos_lock);
	mutex_lock(&inode->lock);
	g->ctx.pos = f->pos;
	err = atomic_load(&inode->state) & INODE_DEAD ? -ENOENT : f->ops->readdir(f, &g->ctx);
	f->pos = g->ctx.pos;
	mutex_unlock(&inode->lock);
	mutex_unlock(&f->pos_lock);
	if (!(atomic_load(&f->flags) & O_NOATIME))
		inode_accessed(f->path.mnt, inode);
	notify_file(f, IN_ACCESS);
	return err ? err : g->err;
}

SYSCALL3(getdents64, int, fd, uaddr_t, buf, uint32_t, size)
{
	struct getdents g = {.ctx.emit = getdents_emit, .at = buf, .left = size};
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	err = dir_read(f, &g);
	file_put(f);
	/* What was emitted counts, even if the next record failed. */
	return g.any ? (long)(g.at - buf) : err;
}
