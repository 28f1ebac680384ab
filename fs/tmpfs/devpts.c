/*
 * devpts: the names of pseudo-terminals. Each mount is a volume of its own, with its own numbers
 * (as in Linux): a node for each terminal, and a node ptmx, which opens new ones. Opening
 * /dev/ptmx uses the volume that is mounted on the directory pts beside it.
 */
#include <stdatomic.h>

#include "drivers/tty/pty.h"
#include "fs/mount.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/statfs.h"
#include "kernel/uapi/termios.h"
#include "lib/bitmap.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define PTY_MAX 4096

struct devpts {
	struct tmpfs fs;		 /* first: tmpfs_of gives it */
	uint64_t used[PTY_MAX / 64];	 /* (fs.lock) numbers */
	uint32_t max, nused;		 /* - how many there may be; (fs.lock) how many there are */
	bool set_uid, set_gid;		 /* - the rest too: whose the nodes are */
	uint32_t uid, gid, mode, ptmxmode;
};

/* An open master. */
struct master {
	struct pty *pty;
	struct mount *mnt; /* referenced: the volume stays while it is open */
	struct inode *inode; /* referenced: of the terminal's node */
	uint32_t number;
	char name[8];
};

static struct devpts *devpts_of(struct super_block *sb)
{
	return container_of(tmpfs_of(sb), struct devpts, fs);
}

/* --- the terminals' nodes --- */

/* inode->data is the terminal while its master is open (fs.lock). */
static int terminal_open(struct inode *inode, struct file *f)
{
	struct tmpfs *fs = tmpfs_of(inode->sb);
	struct tty *t;
	int err;

	mutex_lock(&fs->lock);
	t = inode->data ? tty_get(inode->data) : NULL;
	mutex_unlock(&fs->lock);
	if (!t)
		return -EIO;
	f->ops = &chardev_fops;
	err = chardev_file_open(f, &t->chardev);
	tty_put(t);
	return err;
}

static const struct file_ops terminal_fops = {.open = terminal_open};

/* The directory entry for m's terminal, the directory locked; err_ptr on failure. */
static struct dentry *entry_lock(struct master *m)
{
	struct inode *dir = m->mnt->root->inode;
	struct dentry *d;

	mutex_lock(&dir->lock);
	d = dentry_lookup_locked(m->mnt->root, m->name, strlen(m->name));
	if (is_err(d))
		mutex_unlock(&dir->lock);
	return d;
}

static int node_add(struct master *m)
{
	struct super_block *sb = m->mnt->sb;
	struct devpts *fs = devpts_of(sb);
	struct dentry *d = entry_lock(m);
	struct inode *dir = m->mnt->root->inode, *inode;
	struct list_head none;
	int err;

	if (is_err(d))
		return (int)ptr_err(d);
	list_init(&none);
	err = tmpfs_dir_iops.mknod(dir, d, S_IFCHR | fs->mode,
				   pty_terminal(m->pty)->chardev.dev, &none, &inode);
	if (!err) {
		if (fs->set_uid)
			inode->uid = fs->uid;
		if (fs->set_gid)
			inode->gid = fs->gid;
		inode->fops = &terminal_fops;
		inode->data = pty_terminal(m->pty);
		m->inode = inode_get(inode);
		dentry_fill(d, inode);
	}
	mutex_unlock(&dir->lock);
	dentry_put(d);
	return err;
}

/* The name goes; an inode that is still in use opens nothing any more. */
static void node_remove(struct master *m)
{
	struct devpts *fs = devpts_of(m->mnt->sb);
	struct inode *dir = m->mnt->root->inode;
	struct dentry *d = entry_lock(m);

	mutex_lock(&fs->fs.lock);
	m->inode->data = NULL;
	mutex_unlock(&fs->fs.lock);
	inode_put(m->inode);
	if (is_err(d))
		return;
	if (d->inode && !tmpfs_dir_iops.unlink(dir, d))
		dentry_removed(d);
	mutex_unlock(&dir->lock);
	dentry_put(d);
}

/* --- masters --- */

static int number_take(struct devpts *fs, uint32_t *number)
{
	int err = -ENOSPC;

	mutex_lock(&fs->fs.lock);
	if (fs->nused < fs->max) {
		*number = (uint32_t)bitmap_find_zero(fs->used, 0, PTY_MAX);
		bitmap_set(fs->used, *number);
		fs->nused++;
		err = 0;
	}
	mutex_unlock(&fs->fs.lock);
	return err;
}

static void number_give(struct devpts *fs, uint32_t number)
{
	mutex_lock(&fs->fs.lock);
	bitmap_clear(fs->used, number);
	fs->nused--;
	mutex_unlock(&fs->fs.lock);
}

static bool is_devpts(const struct mount *m)
{
	return !strcmp(m->sb->type->name, "devpts");
}

/* The mount whose terminals the ptmx at p makes, referenced; NULL: there is none. */
static struct mount *mount_for(const struct path *p)
{
	struct mount *m = NULL, *next;
	struct dentry *d;

	if (is_devpts(p->mnt))
		return mount_get(p->mnt);
	d = dentry_lookup(p->dentry->parent, "pts", 3);
	if (is_err(d))
		return NULL;
	spin_lock(&dcache_lock);
	for (next = mount_find_locked(p->mnt, d); next; next = mount_find_locked(m, m->root))
		m = next;
	if (m && is_devpts(m) && m->root->parent == m->root)
		mount_get(m);
	else
		m = NULL;
	spin_unlock(&dcache_lock);
	dentry_put(d);
	return m;
}

static int master_open(struct master *m)
{
	struct devpts *fs = devpts_of(m->mnt->sb);
	int err = number_take(fs, &m->number);

	if (err)
		return err;
	snprintf(m->name, sizeof(m->name), "%u", m->number);
	m->pty = pty_create(m->number);
	err = m->pty ? node_add(m) : -ENOMEM;
	if (!err)
		return 0;
	if (m->pty)
		pty_close(m->pty);
	number_give(fs, m->number);
	return err;
}

static int ptmx_open(struct chardev_file *f)
{
	struct master *m = kzalloc(sizeof(*m));
	int err = -ENODEV;

	if (!m)
		return -ENOMEM;
	m->mnt = mount_for(&f->file->path);
	if (m->mnt)
		err = master_open(m);
	if (err) {
		mount_put(m->mnt);
		kfree(m);
		return err;
	}
	f->data = m;
	return 0;
}

static void ptmx_release(struct chardev_file *f)
{
	struct master *m = f->data;

	node_remove(m);
	pty_close(m->pty);
	number_give(devpts_of(m->mnt->sb), m->number);
	mount_put(m->mnt);
	kfree(m);
}

static bool nonblocking(const struct chardev_file *f, const struct uio *u)
{
	return (f->flags & O_NONBLOCK) || u->nowait;
}

static ssize64_t ptmx_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	return pty_read(((struct master *)f->data)->pty, u, nonblocking(f, u));
}

static ssize64_t ptmx_write(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	return pty_write(((struct master *)f->data)->pty, u, nonblocking(f, u));
}

static uint32_t ptmx_poll(struct chardev_file *f, struct poll_table *pt)
{
	return pty_poll(((struct master *)f->data)->pty, pt);
}

static struct async_list *ptmx_async(struct chardev_file *f)
{
	return pty_async(((struct master *)f->data)->pty);
}

/* The terminal opened without its name: a descriptor, or -errno (TIOCGPTPEER). */
static long peer_open(struct master *m, uint64_t flags)
{
	struct path p = {m->mnt, NULL};
	struct file *f;

	p.dentry = dentry_lookup(m->mnt->root, m->name, strlen(m->name));
	if (is_err(p.dentry))
		return ptr_err(p.dentry);
	f = p.dentry->inode ? file_open_path(&p, (int)flags) : err_ptr(-EIO);
	dentry_put(p.dentry);
	if (is_err(f))
		return ptr_err(f);
	return fd_install_or_put(f, flags & O_CLOEXEC);
}

static long ptmx_ioctl(struct chardev_file *f, uint32_t cmd, uint64_t arg)
{
	struct master *m = f->data;

	return cmd == TIOCGPTPEER ? peer_open(m, arg) : pty_ioctl(m->pty, cmd, arg);
}

static const struct chardev_ops ptmx_ops = {
	.open = ptmx_open,
	.release = ptmx_release,
	.read = ptmx_read,
	.write = ptmx_write,
	.ioctl = ptmx_ioctl,
	.poll = ptmx_poll,
	.async = ptmx_async,
};

/* --- volumes --- */

/* A number in this base up to a comma or the end. */
static bool number_parse(const char **at, unsigned base, uint32_t *out)
{
	const char *s = *at;
	uint64_t n = 0;

	for (; *s >= '0' && *s < (char)('0' + base) && n <= UINT32_MAX; s++)
		n = n * base + (unsigned)(*s - '0');
	if (s == *at || (*s && *s != ',') || n > UINT32_MAX)
		return false;
	*at = s;
	*out = (uint32_t)n;
	return true;
}

static int options_parse(struct devpts *fs, const char *s)
{
	const struct {
		const char *name;
		unsigned base;
		uint32_t *value;
	} options[] = {{"uid=", 10, &fs->uid},		 {"gid=", 10, &fs->gid},
		       {"mode=", 8, &fs->mode},		 {"ptmxmode=", 8, &fs->ptmxmode},
		       {"max=", 10, &fs->max}};
	uint32_t i;

	while (s && *s) {
		if (!strncmp(s, "newinstance", 11) && (!s[11] || s[11] == ',')) {
			s += 11; /* every mount is one */
		} else {
			for (i = 0; i < ARRAY_SIZE(options); i++)
				if (!strncmp(s, options[i].name, strlen(options[i].name)))
					break;
			if (i == ARRAY_SIZE(options))
				return -EINVAL;
			s += strlen(options[i].name);
			if (!number_parse(&s, options[i].base, options[i].value))
				return -EINVAL;
			fs->set_uid |= options[i].value == &fs->uid;
			fs->set_gid |= options[i].value == &fs->gid;
		}
		s += *s == ',';
	}
	fs->mode &= 0777;
	fs->ptmxmode &= 0777;
	return fs->max <= PTY_MAX ? 0 : -EINVAL;
}

static int ptmx_node_add(struct inode *root, mode_t mode)
{
	struct tmpfs *fs = tmpfs_of(root->sb);
	struct inode *inode = tmpfs_inode_new(root->sb, NULL, S_IFCHR | mode,
					      MKDEV(PTMX_MAJOR, PTMX_MINOR));
	int err;

	if (is_err(inode))
		return (int)ptr_err(inode);
	inode->nlink = 1;
	mutex_lock(&fs->lock);
	err = tmpfs_add_locked(root, "ptmx", 4, inode);
	mutex_unlock(&fs->lock);
	if (err)
		inode_put(inode);
	return err;
}

static int devpts_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	return tmpfs_dir_iops.lookup(dir, d, out);
}

/* Programs make and remove no names here. */
static const struct inode_ops devpts_dir_iops = {.lookup = devpts_lookup};

static int devpts_mount(struct super_block *sb, const char *options, struct inode **root)
{
	struct devpts *fs = kzalloc(sizeof(*fs));
	int err;

	if (!fs)
		return -ENOMEM;
	fs->mode = 0600;
	fs->max = PTY_MAX;
	err = options_parse(fs, options);
	if (!err)
		err = tmpfs_fill(sb, &fs->fs, 0755, root);
	if (err) {
		kfree(fs);
		return err;
	}
	(*root)->ops = &devpts_dir_iops;
	err = ptmx_node_add(*root, fs->ptmxmode);
	if (err) {
		inode_put(*root);
		kfree(fs);
	}
	return err;
}

void devpts_register(void)
{
	static struct fstype devpts = {
		.name = "devpts", .mount = devpts_mount, .magic = DEVPTS_SUPER_MAGIC};
	static struct chardev ptmx = {
		.name = "ptmx",
		.dev = MKDEV(PTMX_MAJOR, PTMX_MINOR),
		.mode = 0666,
		.ops = &ptmx_ops,
	};

	fstype_register(&devpts);
	(void)chardev_register(&ptmx);
}
