/* chattr, lsattr: flags of files: immutable, append-only and so on. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* In the order in which lsattr shows them. */
static const char letters[] = "suSDiadAcEjItTeCxFNPVm";
static const unsigned bits[sizeof(letters) - 1] = {
	FS_SECRM_FL, FS_UNRM_FL, FS_SYNC_FL, FS_DIRSYNC_FL, FS_IMMUTABLE_FL, FS_APPEND_FL,
	FS_NODUMP_FL, FS_NOATIME_FL, FS_COMPR_FL, FS_ENCRYPT_FL, FS_JOURNAL_DATA_FL, FS_INDEX_FL,
	FS_NOTAIL_FL, FS_TOPDIR_FL, FS_EXTENT_FL, FS_NOCOW_FL, FS_DAX_FL, FS_CASEFOLD_FL,
	FS_INLINE_DATA_FL, FS_PROJINHERIT_FL, FS_VERITY_FL, FS_NOCOMP_FL,
};

static int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0)
		warn("cannot open '%s'", path);
	return fd;
}

static bool flags_get(int fd, const char *path, unsigned *flags)
{
	if (ioctl(fd, FS_IOC_GETFLAGS, flags) == 0)
		return true;
	warn("reading flags of '%s'", path);
	return false;
}

static unsigned letters_parse(const char *text)
{
	unsigned flags = 0;

	for (; *text; text++) {
		size_t i = 0;

		while (letters[i] && letters[i] != *text)
			i++;
		if (!letters[i])
			usage(1);
		flags |= bits[i];
	}
	return flags;
}

/* Clear, then set. */
static bool file_change(const char *path, unsigned clear, unsigned set)
{
	int fd = file_open(path);
	unsigned flags;
	bool done;

	if (fd < 0)
		return false;
	done = flags_get(fd, path, &flags);
	if (done) {
		flags = (flags & ~clear) | set;
		done = ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
		if (!done)
			warn("setting flags of '%s'", path);
	}
	close(fd);
	return done;
}

static int chattr_main(int argc, char **argv)
{
	unsigned clear = 0, set = 0;
	int status = 0;

	for (argv++; *argv && **argv && strchr("+-=", **argv); argv++) {
		unsigned flags = letters_parse(*argv + 1);

		if (**argv == '+')
			set |= flags;
		else
			clear |= **argv == '-' ? flags : FS_FL_USER_MODIFIABLE & ~FS_EXTENT_FL;
		if (**argv == '=')
			set = flags;
	}
	if (argc < 3 || !*argv)
		usage(1);
	for (; *argv; argv++)
		status |= !file_change(*argv, clear, set);
	return status;
}

TOOL("chattr", chattr_main, "+FLAGS|-FLAGS|=FLAGS... FILE...");

static bool file_show(const char *path)
{
	char text[sizeof(letters)] = "";
	int fd = file_open(path);
	unsigned flags;
	bool done;

	if (fd < 0)
		return false;
	done = flags_get(fd, path, &flags);
	for (size_t i = 0; done && i < sizeof(letters) - 1; i++)
		text[i] = flags & bits[i] ? letters[i] : '-';
	if (done)
		printf("%s %s\n", text, path);
	close(fd);
	return done;
}

/* What is in the directory, but for names with a dot and for what has no flags. */
static bool directory_show(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool done = true;
	char *name;

	if (!d) {
		warn("cannot open '%s'", path);
		return false;
	}
	while ((e = readdir(d))) {
		if (*e->d_name == '.' || (e->d_type != DT_REG && e->d_type != DT_DIR))
			continue;
		if (asprintf(&name, "%s/%s", path, e->d_name) < 0)
			err(1, NULL);
		done &= file_show(name);
		free(name);
	}
	closedir(d);
	return done;
}

static int lsattr_main(int argc, char **argv)
{
	static char *here[] = {".", NULL};
	bool itself = false;
	int c, status = 0;

	while ((c = getopt(argc, argv, "d")) != -1) {
		if (c != 'd')
			usage(1);
		itself = true;
	}
	for (argv = argv[optind] ? argv + optind : here; *argv; argv++)
		status |= !(itself || !is_directory(*argv) ? file_show(*argv)
							   : directory_show(*argv));
	return status;
}

TOOL("lsattr", lsattr_main, "[-d] [FILE...]");
