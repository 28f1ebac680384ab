#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_load(struct buffer *buffer, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct place end = { 0, 0 };
	char block[16384];
	struct stat st;
	ssize_t len;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	while ((len = read(fd, block, sizeof(block))) != 0) {
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			int error = errno;

			close(fd);
			return -error;
		}
		end = buffer_insert(buffer, end, block, len);
	}
	close(fd);
	return 0;
}

/* Write the text to a descriptor and wait until it is on the disk. */
static int text_write(const struct buffer *buffer, int fd)
{
	FILE *file = fdopen(fd, "w");
	int error = 0;

	if (!file) {
		error = errno;
		close(fd);
		return -error;
	}
	for (size_t row = 0; row < buffer->count; row++) {
		const struct line *line = &buffer->lines[row];

		if (line->len)
			fwrite(line->text, 1, line->len, file);
		/* A last line that is empty only shows that the one before has its newline. */
		if (row + 1 < buffer->count || line->len)
			putc('\n', file);
	}
	if (fflush(file) || ferror(file))
		error = errno ? errno : EIO;
	/* Devices and pipes have nothing to synchronise. */
	if (!error && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		error = errno;
	if (fclose(file) && !error)
		error = errno;
	return -error;
}

static int save_in_place(const struct buffer *buffer, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : text_write(buffer, fd);
}

/* Make a rename in the folder of `path` last. */
static void folder_sync(const char *path)
{
	char folder[PATH_MAX];
	char *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* `old` tells what is to be replaced, NULL if nothing is there yet. */
static int save_replacing(const struct buffer *buffer, const char *path, const struct stat *old)
{
	char temporary[PATH_MAX];
	mode_t mask = umask(0);
	mode_t mode = old ? old->st_mode & 07777 : 0666 & ~mask;
	int fd, error;

	umask(mask);
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The owner first: changing it takes away set-user-id bits. */
	if (old && (old->st_uid != geteuid() || old->st_gid != getegid()) &&
	    fchown(fd, old->st_uid, old->st_gid) < 0) {
		close(fd);
		unlink(temporary);
		return -EPERM;
	}
	fchmod(fd, mode);
	error = text_write(buffer, fd);
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error)
		unlink(temporary);
	else
		folder_sync(path);
	return error;
}

int file_save(const struct buffer *buffer, const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	bool there;
	int error;

	/* The file behind a symbolic link is replaced, not the link. */
	if (realpath(path, real))
		path = real;
	there = stat(path, &st) == 0;
	if (there && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (there && (!S_ISREG(st.st_mode) || st.st_nlink > 1))
		return save_in_place(buffer, path);
	if (there && access(path, W_OK) < 0)
		return -errno;
	error = save_replacing(buffer, path, there ? &st : NULL);
	if (error == -EACCES || error == -EPERM)
		return save_in_place(buffer, path);
	return error;
}
