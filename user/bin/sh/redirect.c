#include "redirect.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expand.h"
#include "jobs.h"
#include "shell.h"

struct redirect_saved {
	struct redirect_saved *next;
	int fd;
	int copy;		/* -1: fd was closed */
};

int redirect_private(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD);

	if (copy >= 0)
		close(fd);
	return copy;
}

bool redirect_move(int from, int to)
{
	bool moved;

	if (from == to)
		return fcntl(from, F_SETFD, 0) == 0;
	moved = dup2(from, to) >= 0;
	close(from);
	return moved;
}

/* Remember what `fd` is now, once per set of redirections. */
static void descriptor_save(struct redirect_undo *undo, int fd)
{
	struct redirect_saved *saved;

	for (saved = undo->saved; saved; saved = saved->next)
		if (saved->fd == fd)
			return;
	saved = arena_alloc(&scratch, sizeof(*saved));
	saved->fd = fd;
	saved->copy = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD);
	saved->next = undo->saved;
	undo->saved = saved;
}

void redirect_restore(struct redirect_undo *undo)
{
	fflush(stdout);
	for (; undo->saved; undo->saved = undo->saved->next) {
		struct redirect_saved *saved = undo->saved;

		if (saved->copy < 0) {
			close(saved->fd);
			continue;
		}
		dup2(saved->copy, saved->fd);
		close(saved->copy);
	}
}

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return;
		bytes += done;
		len -= done;
	}
}

/*
 * The text of a here-document as the reading end of a pipe. What does not fit the pipe
 * for sure is fed by a child of its own.
 */
static int here_open(const char *text)
{
	size_t len = strlen(text);
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	if (len <= PIPE_BUF) {
		write_all(fds[1], text, len);
	} else if (job_fork(NULL, JOB_INTERNAL) == 0) {
		close(fds[0]);
		write_all(fds[1], text, len);
		_exit(0);
	}
	close(fds[1]);
	return fds[0];
}

/* > under noclobber: a regular file that is there already is left alone. */
static int careful_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd >= 0 || errno != EEXIST)
		return fd;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		close(fd);
		errno = EEXIST;
		return -1;
	}
	return fd;
}

static int target_open(const struct redirect *redirect, const char *target)
{
	switch (redirect->kind) {
	case REDIRECT_READ:
		return open(target, O_RDONLY | O_CLOEXEC);
	case REDIRECT_WRITE:
		if (option_on(OPTION_NOCLOBBER))
			return careful_open(target);
		return open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	case REDIRECT_CLOBBER:
		return open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	case REDIRECT_APPEND:
		return open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	case REDIRECT_BOTH:
		return open(target, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	default:
		return here_open(target);
	}
}

static bool dup_perform(int fd, const char *target)
{
	if (strcmp(target, "-") == 0) {
		close(fd);
		return true;
	}
	if (!*target || strlen(target) > 4 ||
	    strspn(target, "0123456789") != strlen(target)) {
		shell_error("%s: bad descriptor number", target);
		return false;
	}
	/* The shell's own descriptors are nobody's business. */
	if (fcntl(atoi(target), F_GETFD) & FD_CLOEXEC || dup2(atoi(target), fd) < 0) {
		shell_error("%s: bad descriptor", target);
		return false;
	}
	return true;
}

static bool redirect_perform(const struct redirect *redirect)
{
	char *target = expand_string(redirect->word);
	int fd;

	if (!target)
		return false;
	if (redirect->kind == REDIRECT_DUP)
		return dup_perform(redirect->fd, target);
	fd = target_open(redirect, target);
	if (fd < 0) {
		if (redirect->kind == REDIRECT_HERE)
			shell_error("here-document: %s", strerror(errno));
		else
			shell_error("cannot open %s: %s", target, strerror(errno));
		return false;
	}
	if (!redirect_move(fd, redirect->fd)) {
		shell_error("%d: %s", redirect->fd, strerror(errno));
		return false;
	}
	return true;
}

bool redirect_apply(const struct redirect *list, struct redirect_undo *undo)
{
	fflush(stdout);
	for (; list; list = list->next) {
		if (undo)
			descriptor_save(undo, list->fd);
		if (redirect_perform(list))
			continue;
		if (undo)
			redirect_restore(undo);
		return false;
	}
	return true;
}
