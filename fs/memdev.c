/*
 * The devices of null(4) and full(4), and kmsg.
 */
#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/thread.h"
#include "kernel/uapi/fcntl.h"
#include "lib/printf.h"
#include "lib/string.h"

static ssize64_t null_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	return 0;
}

static ssize64_t null_write(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	return (ssize64_t)u->resid;
}

static ssize64_t zero_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	size_t done = 0;

	while (u->resid) {
		size_t want = MIN(u->resid, 64 * KiB), n = uio_zero(u, want);

		done += n;
		if (n < want)
			return done ? (ssize64_t)done : -EFAULT;
		if (signal_fatal_pending())
			break;
	}
	return (ssize64_t)done;
}

static ssize64_t full_write(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	return -ENOSPC;
}

#define KMSG_LINE 1024

/* Each open file of kmsg reads on from a place of its own. */
static int kmsg_open(struct chardev_file *f)
{
	uint64_t *seq;

	if (dmesg_restrict && (f->flags & O_ACCMODE) != O_WRONLY && !cred_capable(CAP_SYSLOG))
		return -EPERM;
	seq = kzalloc(sizeof(*seq));
	f->data = seq;
	return seq ? 0 : -ENOMEM;
}

static void kmsg_release(struct chardev_file *f)
{
	kfree(f->data);
}

/* One message a read: "level,sequence,microseconds,-;text". */
static ssize64_t kmsg_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	uint64_t *seq = f->data, at = *seq;
	char *line = kmalloc(2 * KMSG_LINE), *text, *out;
	unsigned long level = 6, sec = 0, usec = 0;
	size_t n;
	int err = 0;

	if (!line)
		return -ENOMEM;
	while (!(n = printk_read(&at, line, KMSG_LINE)) && !err)
		err = u->nowait ? -EAGAIN
				: wait_event(&printk_wait, printk_next_seq() > at,
					     WAIT_INTERRUPTIBLE);
	if (err)
		goto out;
	/* The ring's form is "<level>[secs.usecs] text\n". */
	text = line;
	if (line[0] == '<') {
		level = (unsigned long)(line[1] - '0');
		text = strchr(line, '[');
	}
	if (text && *text == '[') {
		for (text++; *text == ' '; text++)
			;
		for (; *text >= '0' && *text <= '9'; text++)
			sec = sec * 10 + (unsigned long)(*text - '0');
		for (text += *text == '.'; *text >= '0' && *text <= '9'; text++)
			usec = usec * 10 + (unsigned long)(*text - '0');
		text = strchr(text, ']');
		text = text && text[1] == ' ' ? text + 2 : text;
	}
	out = line + KMSG_LINE;
	n = (size_t)scnprintf(out, KMSG_LINE, "%lu,%lu,%lu,-;%s", level, (unsigned long)(at - 1),
			      sec * 1000000 + usec, text ? text : line);
	err = -EINVAL;
	if (n <= u->resid) {
		err = uio_copy_to(u, out, n) == n ? (int)n : -EFAULT;
		*seq = at;
	}
out:
	kfree(line);
	return err;
}

static ssize64_t kmsg_write(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	size_t n = u->resid;
	unsigned level = LOG_WARNING;
	char *line, *text;

	if (n > KMSG_LINE)
		return -EINVAL;
	text = line = kmalloc(KMSG_LINE + 1);
	if (!line)
		return -ENOMEM;
	if (uio_copy_from(u, line, n) != n) {
		kfree(line);
		return -EFAULT;
	}
	line[n] = '\0';
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>') {
		level = (unsigned)(line[1] - '0');
		text = line + 3;
	}
	printk(level, "%s\n", text);
	kfree(line);
	return (ssize64_t)n;
}

/* To the first message, to the first since the last SYSLOG_ACTION_CLEAR, behind the last. */
static int64_t kmsg_seek(struct chardev_file *f, int64_t offset, int whence)
{
	uint64_t *seq = f->data;

	if (offset)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		*seq = 0;
		return 0;
	case SEEK_DATA:
		*seq = printk_clear_seq;
		return 0;
	case SEEK_END:
		*seq = printk_next_seq();
		return 0;
	}
	return -EINVAL;
}

static uint32_t kmsg_poll(struct chardev_file *f, struct poll_table *pt)
{
	uint64_t *seq = f->data;

	poll_add(pt, &printk_wait, POLLIN | POLLRDNORM);
	return POLLOUT | POLLWRNORM | (printk_next_seq() > *seq ? POLLIN | POLLRDNORM : 0);
}

static const struct chardev_ops null_ops = {
	.read = null_read, .write = null_write, .seek = chardev_seek_start};
static const struct chardev_ops zero_ops = {
	.read = zero_read, .write = null_write, .seek = chardev_seek_start, .maps_zeros = true};
static const struct chardev_ops full_ops = {
	.read = zero_read, .write = full_write, .seek = chardev_seek_start};
static const struct chardev_ops kmsg_ops = {
	.open = kmsg_open,   .release = kmsg_release, .read = kmsg_read,
	.write = kmsg_write, .poll = kmsg_poll,	      .seek = kmsg_seek};

void memdev_init(void)
{
	static struct chardev devices[] = {
		{.name = "null", .dev = MKDEV(1, 3), .mode = 0666, .ops = &null_ops},
		{.name = "zero", .dev = MKDEV(1, 5), .mode = 0666, .ops = &zero_ops},
		{.name = "full", .dev = MKDEV(1, 7), .mode = 0666, .ops = &full_ops},
		{.name = "kmsg", .dev = MKDEV(1, 11), .mode = 0644, .ops = &kmsg_ops},
	};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		if (chardev_register(&devices[i]))
			pr_warn("%s: number taken\n", devices[i].name);
	}
}
