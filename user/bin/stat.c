/* stat: what the file system knows about a file. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

static const char *type_text(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFCHR:
		return "character special file";
	case S_IFBLK:
		return "block special file";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return st->st_size ? "regular file" : "regular empty file";
	}
}

static const char *time_text(char *buf, size_t size, const struct timespec *t)
{
	char date[32], zone[8];
	struct tm tm;

	localtime_r(&t->tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf, size, "%s.%09ld %s", date, t->tv_nsec, zone);
	return buf;
}

/* When the file was made; not known: tv_nsec is negative, tv_sec 0. */
static struct timespec birth;

static void birth_find(const char *path, bool follow)
{
	struct statx st;

	birth = (struct timespec){0, -1};
	if (statx(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) == 0 &&
	    (st.stx_mask & STATX_BTIME))
		birth = (struct timespec){st.stx_btime.tv_sec, st.stx_btime.tv_nsec};
}

/* The text of one letter after %; NULL if it has no meaning. */
static const char *text_of(char c, const char *path, const struct stat *st, char *buf, size_t size)
{
	const struct timespec *times[] = { &st->st_atim, &st->st_mtim, &st->st_ctim };
	static const char seconds[] = "XYZ", dates[] = "xyz";
	const char *p;
	ssize_t n;

	if ((p = strchr(seconds, c)) != NULL) {
		snprintf(buf, size, "%lld", (long long)times[p - seconds]->tv_sec);
		return buf;
	}
	if ((p = strchr(dates, c)) != NULL)
		return time_text(buf, size, times[p - dates]);
	switch (c) {
	case 'n':
		return path;
	case 'N':
		n = snprintf(buf, size, "'%s'", path);
		if (S_ISLNK(st->st_mode) && (size_t)n + 8 < size) {
			n += snprintf(buf + n, size - (size_t)n, " -> '");
			n += readlink(path, buf + n, size - (size_t)n - 2);
			strcpy(buf + n, "'");
		}
		return buf;
	case 'A':
		return mode_string(buf, st->st_mode);
	case 'F':
		return type_text(st);
	case 'U':
		return user_name(st->st_uid);
	case 'G':
		return group_name(st->st_gid);
	case 'w':
		return birth.tv_nsec < 0 ? "-" : time_text(buf, size, &birth);
	default:
		return NULL;
	}
}

/* The number of one letter after %, with the conversion it is shown by; false if it has none. */
static bool number_of(char c, const struct stat *st, uint64_t *value, char *conv)
{
	*conv = 'u';
	switch (c) {
	case 'a':
		*value = st->st_mode & 07777;
		*conv = 'o';
		return true;
	case 'f':
		*value = st->st_mode;
		*conv = 'x';
		return true;
	case 's':
		*value = (uint64_t)st->st_size;
		return true;
	case 'b':
		*value = (uint64_t)st->st_blocks;
		return true;
	case 'B':
		*value = 512;
		return true;
	case 'o':
		*value = (uint64_t)st->st_blksize;
		return true;
	case 'i':
		*value = st->st_ino;
		return true;
	case 'h':
		*value = st->st_nlink;
		return true;
	case 'u':
		*value = st->st_uid;
		return true;
	case 'g':
		*value = st->st_gid;
		return true;
	case 'd':
	case 'D':
		*value = st->st_dev;
		*conv = c == 'D' ? 'x' : 'u';
		return true;
	case 't':
	case 'T':
		*value = c == 't' ? major(st->st_rdev) : minor(st->st_rdev);
		*conv = 'x';
		return true;
	case 'W':
		*value = (uint64_t)birth.tv_sec;
		*conv = 'd';
		return true;
	default:
		return false;
	}
}

static void format_print(const char *f, const char *path, const struct stat *st)
{
	char spec[40], buf[4096], conv;
	const char *text;
	uint64_t value;
	size_t n;

	for (; *f; f++) {
		if (*f != '%' || !f[1]) {
			putchar(*f);
			continue;
		}
		n = strspn(f + 1, "-0 #123456789.");
		if (n > 20)
			errx(1, "invalid format");
		memcpy(spec, f, n + 1);
		f += n + 1;
		if (number_of(*f, st, &value, &conv)) {
			sprintf(spec + n + 1, "ll%c", conv);
			printf(spec, (unsigned long long)value);
			continue;
		}
		text = text_of(*f, path, st, buf, sizeof(buf));
		strcpy(spec + n + 1, "s");
		if (text)
			printf(spec, text);
		else
			putchar(*f == '%' ? '%' : '?');
		if (!*f)
			return;
	}
}

static const char normal[] =
	"  File: %N\n"
	"  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
	"Device: %d\tInode: %-11i Links: %h\n"
	"Access: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
	"Access: %x\nModify: %y\nChange: %z\n Birth: %w\n";

static const char device[] =
	"  File: %N\n"
	"  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
	"Device: %d\tInode: %-11i Links: %-5h Device type: %t,%T\n"
	"Access: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
	"Access: %x\nModify: %y\nChange: %z\n Birth: %w\n";

static int file_system_print(const char *path)
{
	struct statfs s;

	if (statfs(path, &s) < 0) {
		warn("cannot read file system information for '%s'", path);
		return 1;
	}
	printf("  File: \"%s\"\n    ID: %x%08x Namelen: %ld Type: %lx\n"
	       "Block size: %-10ld Fundamental block size: %ld\n"
	       "Blocks: Total: %-10lu Free: %-10lu Available: %lu\n"
	       "Inodes: Total: %-10lu Free: %lu\n", path, (unsigned)s.f_fsid.__val[0],
	       (unsigned)s.f_fsid.__val[1], (long)s.f_namelen, (unsigned long)s.f_type,
	       (long)s.f_bsize, (long)s.f_frsize, (unsigned long)s.f_blocks,
	       (unsigned long)s.f_bfree, (unsigned long)s.f_bavail, (unsigned long)s.f_files,
	       (unsigned long)s.f_ffree);
	return 0;
}

static int stat_main(int argc, char **argv)
{
	const char *format = NULL;
	bool follow = false, file_system = false;
	int c, status = 0;
	struct stat st;

	while ((c = getopt(argc, argv, "c:Lf")) != -1) {
		if (c == 'c')
			format = optarg;
		else if (c == 'L')
			follow = true;
		else if (c == 'f')
			file_system = true;
		else
			usage(1);
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++) {
		if (file_system) {
			status |= file_system_print(*argv);
			continue;
		}
		if ((follow ? stat : lstat)(*argv, &st) < 0) {
			warn("cannot stat '%s'", *argv);
			status = 1;
			continue;
		}
		birth_find(*argv, follow);
		if (format) {
			format_print(format, *argv, &st);
			putchar('\n');
			continue;
		}
		format_print(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? device : normal, *argv,
			     &st);
	}
	return status;
}

TOOL("stat", stat_main, "[-fL] [-c FORMAT] FILE...");
