/*
 * procfs: the files that are text, made when they are read and taken apart when they are written.
 */
#include "fs/procfs/procfs.h"

#include "kernel/ipc/ipc.h"
#include "kernel/mem/slab.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"

#define TEXT_MAX  (4 * MiB)
#define STORE_MAX 4096

void proc_append(struct proc_text *t, const char *s, size_t n)
{
	if (t->failed)
		return;
	if (t->len + n + 1 > t->cap) {
		size_t cap = roundup_pow2(MAX(t->len + n + 1, (size_t)1024));
		char *buf = cap <= TEXT_MAX ? kmalloc(cap) : NULL;

		if (!buf) {
			t->failed = true;
			return;
		}
		if (t->len)
			memcpy(buf, t->buf, t->len);
		kfree(t->buf);
		t->buf = buf;
		t->cap = cap;
	}
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

void proc_printf(struct proc_text *t, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	proc_append(t, line, MIN((size_t)n, sizeof(line) - 1));
}

static int text_open(struct inode *inode, struct file *f)
{
	struct proc_inode *pi = proc_i(inode);
	uint32_t execs = pi->process ? pi->process->execs : 0;
	struct proc_text *t;

	/*
	 * Who found it may have been allowed to then: the process may be another program. Asked
	 * when it is known which program the file is for.
	 */
	if ((pi->fd >= 0 || pi->entry->of_memory) && !proc_may_inspect(pi->process))
		return -EACCES;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->execs = execs;
	if (pi->entry->ipc) {
		t->ipc = ipc_own();
		(void)ns_get(&t->ipc->ns);
	}
	mutex_init(&t->lock, "procfs text", RANK_TEXT);
	f->data = t;
	return 0;
}

static void text_release(struct file *f)
{
	struct proc_text *t = f->data;

	if (t->ipc)
		ns_put(&t->ipc->ns);
	kfree(t->buf);
	kfree(t);
}

static bool has_sign(const struct proc_number *n)
{
	return n->max <= INT64_MAX;
}

static uint64_t *value_of(const struct proc_text *t, const struct proc_number *n)
{
	uintptr_t place = (uintptr_t)n->value - (uintptr_t)&ipc_first;

	return t->ipc ? (uint64_t *)((char *)t->ipc + place) : n->value;
}

static struct line line_of(const struct proc_string *s)
{
	return s->own ? s->own() : *s->line;
}

static void line_print(struct proc_text *t, const struct proc_string *s)
{
	struct line l = line_of(s);
	char text[PROC_LINE_MAX];

	line_get(&l, text);
	proc_printf(t, "%s\n", text);
}

static int text_make(struct proc_text *t, struct proc_inode *pi)
{
	const struct proc_entry *e = pi->entry;

	if (e->show_disk)
		return e->show_disk(t, pi->disk);
	if (e->show_hart)
		return e->show_hart(t, pi->hart - 1);
	t->tid = pi->tid;
	t->fd = pi->fd;
	if (e->show)
		return e->show(t, pi->process);
	if (e->string)
		line_print(t, e->string);
	else if (has_sign(e->number))
		proc_printf(t, "%ld\n", (long)*value_of(t, e->number));
	else
		proc_printf(t, "%lu\n", (unsigned long)*value_of(t, e->number));
	return 0;
}

static void text_reset(struct proc_text *t)
{
	t->start = 0;
	t->len = 0;
	t->failed = false;
	t->locks = (struct lock_cursor){0};
	t->number = 0;
}

/*
 * Have the byte at pos in t, if there is one. What is made at once is made when it is read from the
 * start: one reading shows one moment. Pieces go by until the one that pos is in.
 */
static int text_reach(struct proc_text *t, struct proc_inode *pi, uint64_t pos)
{
	const struct proc_entry *e = pi->entry;
	int err = 0;

	if (!pos || !t->buf || pos < t->start) {
		text_reset(t);
		err = e->more ? e->more(t) : text_make(t, pi);
	}
	while (e->more && !err && !t->failed && t->len && pos - t->start >= t->len) {
		if (signal_fatal_pending())
			return -EINTR;
		t->start += t->len;
		t->len = 0;
		err = e->more(t);
	}
	return !err && t->failed ? -ENOMEM : err;
}

static ssize64_t text_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct proc_inode *pi = proc_i(f->inode);
	const struct proc_entry *e = pi->entry;
	struct proc_text *t = f->data;
	ssize64_t ret = 0;
	size_t n;

	if (e->read) {
		ret = e->read(t, pi->process, u, *pos);
		*pos += ret > 0 ? (uint64_t)ret : 0;
		return ret;
	}
	if (!e->show && !e->more && !e->number && !e->string && !e->show_disk && !e->show_hart)
		return -EINVAL;
	mutex_lock(&t->lock);
	ret = text_reach(t, pi, *pos);
	if (!ret && *pos - t->start < t->len) {
		n = MIN(u->resid, t->len - (*pos - t->start));
		ret = (ssize64_t)uio_copy_to(u, t->buf + (*pos - t->start), n);
		*pos += (uint64_t)ret;
		if (!ret && n)
			ret = -EFAULT;
	}
	mutex_unlock(&t->lock);
	return ret;
}

bool proc_number_parse(const char *s, uint64_t *value)
{
	*value = 0;
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (*value > (UINT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(*s - '0');
	}
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	return !*s;
}

static int number_store(struct proc_text *t, const struct proc_number *n, const char *s)
{
	bool sign = has_sign(n), minus = sign && *s == '-';
	uint64_t value;

	if (!proc_number_parse(s + minus, &value) || (sign && value > INT64_MAX))
		return -EINVAL;
	if (minus)
		value = -value;
	if (sign ? (int64_t)value < (int64_t)n->min || (int64_t)value > (int64_t)n->max
		 : value < n->min || value > n->max)
		return -EINVAL;
	*value_of(t, n) = value;
	if (n->changed)
		n->changed();
	return 0;
}

static int string_store(const struct proc_string *s, char *text)
{
	struct line l = line_of(s);
	char *end = strchr(text, '\n');

	if (end)
		*end = '\0';
	if (s->allowed && !s->allowed(text))
		return -EINVAL;
	line_set(&l, text, strlen(text));
	return 0;
}

/* text of n bytes and a NUL was written to an open file whose text is t. */
static int text_store(struct proc_text *t, struct proc_inode *pi, char *text, size_t n)
{
	const struct proc_entry *e = pi->entry;

	if (e->admin && !cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (e->store)
		return e->store(pi->process, text, n);
	if (e->store_ipc)
		return e->store_ipc(t->ipc, text);
	if (e->store_name)
		return e->store_name(pi->process, pi->tid, text);
	return e->string ? string_store(e->string, text)
			 : number_store(t, e->number, text);
}

static ssize64_t text_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct proc_inode *pi = proc_i(f->inode);
	const struct proc_entry *e = pi->entry;
	size_t n = u->resid;
	char *text;
	int err;

	if (e->write) {
		ssize64_t ret = e->write(f->data, pi->process, u, *pos);

		*pos += ret > 0 ? (uint64_t)ret : 0;
		return ret;
	}
	if ((!e->store && !e->store_ipc && !e->store_name && !e->number && !e->string) ||
	    n >= STORE_MAX)
		return -EINVAL;
	/* Root may open it all the same. */
	if (!(e->mode & 0222))
		return -EINVAL;
	text = kmalloc(n + 1);
	if (!text)
		return -ENOMEM;
	err = uio_copy_from(u, text, n) == n ? 0 : -EFAULT;
	text[n] = '\0';
	if (!err)
		err = text_store(f->data, pi, text, n);
	kfree(text);
	return err ? err : (ssize64_t)n;
}

static long text_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	const struct proc_inode *pi = proc_i(f->inode);

	return pi->entry->ioctl ? pi->entry->ioctl(f->data, pi->process, cmd, arg) : -ENOTTY;
}

static bool is_sized(const struct dentry *d)
{
	for (; !proc_i(d->inode)->entry->sized; d = d->parent)
		if (d->parent == d)
			return false;
	return true;
}

/* Of most there is nothing but a text, or memory: no end that a position could count from. */
static int64_t text_seek(struct file *f, int64_t offset, int whence)
{
	if (proc_i(f->inode)->entry->unmoved)
		return file_seek_simple(f, 0, SEEK_CUR);
	if (whence != SEEK_SET && whence != SEEK_CUR && !is_sized(f->path.dentry))
		return -EINVAL;
	return file_seek_simple(f, offset, whence);
}

const struct file_ops proc_text_fops = {
	.seek = text_seek,
	.ioctl = text_ioctl,
	.open = text_open,
	.release = text_release,
	.read = text_read,
	.write = text_write,
};

void proc_numbers_print(struct proc_text *t, const uint64_t *values, int n)
{
	for (int i = 0; i < n; i++)
		proc_printf(t, "%lu%c", (unsigned long)values[i], i < n - 1 ? '\t' : '\n');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The word at *text, which goes on behind it; "" at the end. */
static char *word_next(char **text)
{
	char *s = *text, *word;

	while (is_space(*s))
		s++;
	word = s;
	while (*s && !is_space(*s))
		s++;
	if (*s)
		*s++ = '\0';
	*text = s;
	return word;
}

/* Those that are not there stay as they are. */
bool proc_numbers_parse(char *text, uint64_t *values, int n)
{
	uint64_t got[PROC_NUMBERS_MAX];
	int i;

	for (i = 0; i < n; i++) {
		char *word = word_next(&text);

		if (!*word)
			break;
		if (!proc_number_parse(word, &got[i]) || got[i] > INT32_MAX)
			return false;
	}
	memcpy(values, got, (size_t)i * sizeof(got[0]));
	return true;
}
