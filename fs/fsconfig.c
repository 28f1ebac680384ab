/*
 * fsopen(2), fspick(2), fsconfig(2): a volume's parameters one by one, then the volume. What an
 * option means is the file system's, as for mount(2).
 */
#include "fs/fsconfig.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "fs/mount.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/fsmount.h"
#include "kernel/uapi/mount.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define PARAMETER_MAX 256 /* of a key or a value, with its end */
#define BINARY_MAX    (1 << 20)
#define MESSAGES      8
#define MESSAGE_MAX   (2 * PARAMETER_MAX)

enum phase {
	TO_CREATE,  /* parameters, then FSCONFIG_CMD_CREATE */
	TO_MOUNT,   /* then fsmount(2) */
	TO_CHANGE,  /* parameters, then FSCONFIG_CMD_RECONFIGURE */
	HAS_FAILED,
};

/* All but the first two under the lock. */
struct config {
	struct mutex lock;
	struct fstype *type;
	enum phase phase;
	uint32_t flags, mask;	/* MS_*: what is asked for, of which it was said something */
	char *source, *options; /* NULL: none */
	struct mount *mnt;	/* keeps the volume; stands nowhere */
	char *messages[MESSAGES];
	uint32_t first, last; /* message n is in n % MESSAGES */
};

/* One parameter; the value is a string's only. */
struct parameter {
	uint32_t kind; /* FSCONFIG_SET_* */
	char key[PARAMETER_MAX], value[PARAMETER_MAX];
};

/* A message for who reads the descriptor; the oldest makes room. */
static __attribute__((format(printf, 2, 3))) void say(struct config *c, const char *fmt, ...)
{
	char *text = kmalloc(MESSAGE_MAX);
	va_list ap;
	size_t n;

	if (!text)
		return;
	n = strlcpy(text, "e ", MESSAGE_MAX);
	va_start(ap, fmt);
	vsnprintf(text + n, MESSAGE_MAX - n - 1, fmt, ap);
	va_end(ap);
	strlcat(text, "\n", MESSAGE_MAX);
	if (c->last - c->first == MESSAGES)
		kfree(c->messages[c->first++ % MESSAGES]);
	c->messages[c->last++ % MESSAGES] = text;
}

/* The oldest message, which goes; err_ptr: -ENODATA; -EMSGSIZE: it stays. */
static char *message_take(struct config *c, size_t max)
{
	char *text;

	if (c->first == c->last)
		return err_ptr(-ENODATA);
	text = c->messages[c->first % MESSAGES];
	if (strlen(text) > max)
		return err_ptr(-EMSGSIZE);
	c->first++;
	return text;
}

static ssize64_t config_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct config *c = f->data;
	ssize64_t n;
	char *text;

	mutex_lock(&c->lock);
	text = message_take(c, u->resid);
	mutex_unlock(&c->lock);
	if (is_err(text))
		return ptr_err(text);
	n = (ssize64_t)strlen(text);
	if (uio_copy_to(u, text, (size_t)n) != (size_t)n)
		n = -EFAULT;
	kfree(text);
	return n;
}

/* What was set is used up. */
static void config_clean(struct config *c)
{
	kfree(c->source);
	kfree(c->options);
	c->source = NULL;
	c->options = NULL;
	c->flags = 0;
	c->phase = TO_CHANGE;
}

static void config_free(struct config *c)
{
	config_clean(c);
	mount_put(c->mnt);
	while (c->first != c->last)
		kfree(c->messages[c->first++ % MESSAGES]);
	kfree(c);
}

static void config_release(struct file *f)
{
	config_free(f->data);
}

static const struct file_ops config_fops = {.read = config_read, .release = config_release};

/* A descriptor for a new one; mnt, whose reference goes with it, to be changed, or NULL. */
static int config_open(struct fstype *type, struct mount *mnt, bool cloexec)
{
	struct config *c = kzalloc(sizeof(*c));
	int fd;

	if (!c) {
		mount_put(mnt);
		return -ENOMEM;
	}
	mutex_init(&c->lock, "fsconfig", RANK_TEXT);
	c->type = type;
	c->mnt = mnt;
	c->phase = mnt ? TO_CHANGE : TO_CREATE;
	fd = file_anonymous_fd("anon_inode:[fscontext]", O_RDWR | (cloexec ? O_CLOEXEC : 0),
			       &config_fops, c);
	if (fd < 0)
		config_free(c);
	return fd;
}

SYSCALL2(fsopen, uaddr_t, name, uint32_t, flags)
{
	struct fstype *type;
	struct pathname p;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~FSOPEN_CLOEXEC)
		return -EINVAL;
	err = pathname_get(&p, name);
	if (err)
		return err == -ENAMETOOLONG ? -EINVAL : err;
	type = mount_type(p.s);
	pathname_put(&p);
	return type ? config_open(type, NULL, flags & FSOPEN_CLOEXEC) : -ENODEV;
}

SYSCALL3(fspick, int, dirfd, uaddr_t, path, uint32_t, flags)
{
	unsigned walk = flags & FSPICK_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
	struct mount *m = NULL;
	struct path p;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT |
		      FSPICK_EMPTY_PATH))
		return -EINVAL;
	if (flags & FSPICK_EMPTY_PATH)
		walk |= WALK_EMPTY;
	err = path_lookup_user(dirfd, path, walk, &p);
	if (err)
		return err;
	if (!p.mnt || p.dentry != p.mnt->root) {
		err = -EINVAL;
	} else {
		m = mount_clone(p.mnt, p.dentry);
		err = m ? 0 : -ENOMEM;
	}
	path_put(&p);
	return err ? err : config_open(m->sb->type, m, flags & FSPICK_CLOEXEC);
}

/* --- parameters --- */

/* A parameter that the volume has whatever its type. False: it is no such. */
static bool flag_set(struct config *c, const char *key)
{
	static const struct {
		const char *key;
		uint32_t flag;
		bool on;
	} flags[] = {
		{"ro", MS_RDONLY, true},	{"rw", MS_RDONLY, false},
		{"sync", MS_SYNCHRONOUS, true}, {"async", MS_SYNCHRONOUS, false},
		/* As it is anyway. */
		{"nolazytime", 0, false},	{"nomand", 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(key, flags[i].key))
			continue;
		c->mask |= flags[i].flag;
		c->flags &= ~flags[i].flag;
		c->flags |= flags[i].on ? flags[i].flag : 0;
		return true;
	}
	return false;
}

static int source_set(struct config *c, const struct parameter *p)
{
	size_t size = strlen(p->value) + 1;

	if (p->kind != FSCONFIG_SET_STRING) {
		say(c, "Non-string source");
		return -EINVAL;
	}
	if (c->source) {
		say(c, "Multiple sources specified");
		return -EINVAL;
	}
	c->source = kmalloc(size);
	if (!c->source)
		return -ENOMEM;
	memcpy(c->source, p->value, size);
	return 0;
}

/* As mount(2) has them: "key" or "key=value". Commas are between them. */
static int option_set(struct config *c, const struct parameter *p)
{
	char word[2 * PARAMETER_MAX];

	snprintf(word, sizeof(word), "%s%s%s", p->key,
		 p->kind == FSCONFIG_SET_STRING ? "=" : "", p->value);
	if (!*p->key || p->kind > FSCONFIG_SET_STRING || strchr(word, ',') ||
	    (c->type->check_option && c->type->check_option(word))) {
		say(c, "%s: Unknown parameter '%s'", c->type->name, p->key);
		return -EINVAL;
	}
	if (!c->options)
		c->options = kzalloc(PAGE_SIZE);
	if (!c->options)
		return -ENOMEM;
	if (strlen(c->options) + strlen(word) + 2 > PAGE_SIZE)
		return -EINVAL;
	if (*c->options)
		strlcat(c->options, ",", PAGE_SIZE);
	strlcat(c->options, word, PAGE_SIZE);
	return 0;
}

static int parameter_set(struct config *c, const struct parameter *p)
{
	if (c->phase != TO_CREATE && c->phase != TO_CHANGE)
		return -EBUSY;
	if (flag_set(c, p->key))
		return 0;
	return strcmp(p->key, "source") ? option_set(c, p) : source_set(c, p);
}

/* --- commands --- */

static int volume_make(struct config *c, bool exclusive)
{
	const char *options = c->options ? c->options : "";
	const char *source = c->source ? c->source : "none";
	struct blockdev *bdev = NULL;
	struct mount *m;

	if (c->phase != TO_CREATE)
		return -EBUSY;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	c->phase = HAS_FAILED;
	if (c->type->needs_device && !c->source) {
		say(c, "No source specified");
		return -EINVAL;
	}
	if (c->type->needs_device)
		bdev = mount_device(source);
	if (is_err(bdev)) {
		say(c, "%s: Can't lookup blockdev", source);
		return (int)ptr_err(bdev);
	}
	m = mount_make(source, bdev, c->type, c->flags | (exclusive ? SUPER_EXCLUSIVE : 0),
		       options);
	if (is_err(m))
		return (int)ptr_err(m);
	c->mnt = m;
	c->phase = TO_MOUNT;
	return 0;
}

static int volume_change(struct config *c)
{
	int err;

	if (c->phase != TO_CHANGE)
		return -EBUSY;
	c->phase = HAS_FAILED;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (c->options && !c->mnt->sb->ops->check_options)
		return -EINVAL;
	err = super_change(c->mnt->sb, c->flags, c->mask, c->options);
	if (!err)
		config_clean(c);
	return err;
}

static int perform(struct config *c, uint32_t command, const struct parameter *p)
{
	switch (command) {
	case FSCONFIG_CMD_CREATE:
		return volume_make(c, false);
	case FSCONFIG_CMD_CREATE_EXCL:
		return volume_make(c, true);
	case FSCONFIG_CMD_RECONFIGURE:
		return volume_change(c);
	default:
		return parameter_set(c, p);
	}
}

/* Are there a key, a value, a number exactly where the command has one? */
static int arguments_check(uint32_t command, uaddr_t key, uaddr_t value, int aux)
{
	bool ok;

	switch (command) {
	case FSCONFIG_SET_FLAG:
		ok = key && !value && !aux;
		break;
	case FSCONFIG_SET_STRING:
		ok = key && value && !aux;
		break;
	case FSCONFIG_SET_BINARY:
		ok = key && value && aux > 0 && aux <= BINARY_MAX;
		break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		ok = key && value && (aux == AT_FDCWD || aux >= 0);
		break;
	case FSCONFIG_SET_FD:
		ok = key && !value && aux >= 0;
		break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_CREATE_EXCL:
	case FSCONFIG_CMD_RECONFIGURE:
		ok = !key && !value && !aux;
		break;
	default:
		return -EOPNOTSUPP;
	}
	return ok ? 0 : -EINVAL;
}

/* 0, -EFAULT; -EINVAL: too long. */
static int string_get(char *buf, uaddr_t user)
{
	ssize64_t n = strncpy_from_user(buf, user, PARAMETER_MAX);

	return n == -ENAMETOOLONG ? -EINVAL : (int)MIN(n, 0);
}

/* A path, which no parameter here is: is it one at all? */
static int path_check(uaddr_t user, bool empty)
{
	struct pathname p;
	int err = pathname_get(&p, user);

	if (err)
		return err;
	if (!*p.s && !empty)
		err = -ENOENT;
	pathname_put(&p);
	return err;
}

/* Bytes, which no parameter here is: can they be read? */
static int binary_check(uaddr_t user, size_t size)
{
	char chunk[PARAMETER_MAX];
	int err = 0;

	for (size_t n; !err && size; size -= n, user += n) {
		n = MIN(size, sizeof(chunk));
		err = copy_from_user(chunk, user, n);
	}
	return err;
}

static int descriptor_check(int fd)
{
	struct file *f = fd_get_any(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

static int parameter_get(struct parameter *p, uaddr_t key, uaddr_t value, int aux)
{
	int err = string_get(p->key, key);

	p->value[0] = '\0';
	if (err)
		return err;
	switch (p->kind) {
	case FSCONFIG_SET_STRING:
		return string_get(p->value, value);
	case FSCONFIG_SET_BINARY:
		return binary_check(value, (size_t)aux);
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY:
		return path_check(value, p->kind == FSCONFIG_SET_PATH_EMPTY);
	case FSCONFIG_SET_FD:
		return descriptor_check(aux);
	default:
		return 0;
	}
}

/* Those of old kinds know flags and strings alone. */
static bool is_too_new(const struct config *c, uint32_t command)
{
	return !c->type->check_option &&
	       ((command >= FSCONFIG_SET_BINARY && command <= FSCONFIG_SET_FD) ||
		command == FSCONFIG_CMD_CREATE_EXCL);
}

static int configure(struct file *f, uint32_t command, uaddr_t key, uaddr_t value, int aux)
{
	struct parameter *p;
	struct config *c;
	int err = 0;

	if (f->ops != &config_fops)
		return -EINVAL;
	c = f->data;
	if (is_too_new(c, command))
		return -EOPNOTSUPP;
	p = kmalloc_wait(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->kind = command;
	if (key)
		err = parameter_get(p, key, value, aux);
	if (!err) {
		mutex_lock(&c->lock);
		err = perform(c, command, p);
		mutex_unlock(&c->lock);
	}
	kfree(p);
	return err;
}

SYSCALL5(fsconfig, int, fd, uint32_t, command, uaddr_t, key, uaddr_t, value, int, aux)
{
	int err = fd < 0 ? -EINVAL : arguments_check(command, key, value, aux);
	struct file *f;

	if (err)
		return err;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = configure(f, command, key, value, aux);
	file_put(f);
	return err;
}

struct mount *fsconfig_mount(struct file *f)
{
	struct mount *m = err_ptr(-EINVAL);
	struct config *c;

	if (f->ops != &config_fops)
		return m;
	c = f->data;
	mutex_lock(&c->lock);
	if (c->mnt && c->phase != TO_MOUNT) {
		m = err_ptr(-EBUSY);
	} else if (c->mnt) {
		m = mount_clone(c->mnt, c->mnt->root);
		if (m)
			config_clean(c);
		else
			m = err_ptr(-ENOMEM);
	}
	mutex_unlock(&c->lock);
	return m;
}
