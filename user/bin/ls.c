/* ls: lists files and folders. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define RECENT_SECONDS	(31556952L / 2)	/* younger files show the time of day */

struct entry {
	char *name;
	char *target;		/* of a symbolic link, for the long form */
	struct stat st;
	mode_t target_mode;	/* 0 if the link leads nowhere */
};

struct list {
	struct entry *e;
	size_t n, size;
};

static struct {
	bool all, almost_all, as_file, human, recursive, one_column, reverse, inode, numeric;
	bool blocks, no_owner, no_group, follow, long_form, columns;
	char sort;		/* n: name, t: time, S: size, U: none */
	char time;		/* m, a or c */
	char mark;		/* F: classify, p: only folders, 0 */
	int width;
	int status;
	bool printed;		/* something stands above */
} ls;

static struct timespec entry_time(const struct entry *e)
{
	return ls.time == 'a' ? e->st.st_atim : ls.time == 'c' ? e->st.st_ctim : e->st.st_mtim;
}

static int compare(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	struct timespec ta = entry_time(a), tb = entry_time(b);
	int r = 0;

	if (ls.sort == 't' && ta.tv_sec != tb.tv_sec)
		r = ta.tv_sec < tb.tv_sec ? 1 : -1;
	else if (ls.sort == 't' && ta.tv_nsec != tb.tv_nsec)
		r = ta.tv_nsec < tb.tv_nsec ? 1 : -1;
	else if (ls.sort == 'S' && a->st.st_size != b->st.st_size)
		r = a->st.st_size < b->st.st_size ? 1 : -1;
	if (r == 0)
		r = strcmp(a->name, b->name);
	return ls.reverse ? -r : r;
}

static void list_sort(struct list *l)
{
	size_t i;

	if (ls.sort != 'U') {
		if (l->n)
			qsort(l->e, l->n, sizeof(*l->e), compare);
		return;
	}
	for (i = 0; ls.reverse && i < l->n / 2; i++) {
		struct entry e = l->e[i];

		l->e[i] = l->e[l->n - 1 - i];
		l->e[l->n - 1 - i] = e;
	}
}

static void list_free(struct list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->e[i].name);
		free(l->e[i].target);
	}
	free(l->e);
}

static char *link_text(const char *path, off_t size)
{
	size_t room = (size > 0 ? (size_t)size : 4095) + 1;
	char *text = xmalloc(room);
	ssize_t n = readlink(path, text, room - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

/* path is how the file is reached, name how it is shown. */
static bool list_add(struct list *l, const char *path, const char *name, bool argument)
{
	struct entry e = { 0 };
	bool follow = ls.follow || (argument && !ls.long_form && !ls.as_file && ls.mark != 'F');
	struct stat target;

	if (!follow || stat(path, &e.st) < 0) {
		if (lstat(path, &e.st) < 0) {
			warn("cannot access '%s'", path);
			ls.status = argument ? 2 : 1;
			return false;
		}
	}
	if (S_ISLNK(e.st.st_mode)) {
		if (ls.long_form)
			e.target = link_text(path, e.st.st_size);
		if (stat(path, &target) == 0)
			e.target_mode = target.st_mode;
	}
	e.name = xstrdup(name);
	if (l->n == l->size) {
		l->size = l->size ? l->size * 2 : 64;
		l->e = xrealloc(l->e, l->size * sizeof(*l->e));
	}
	l->e[l->n++] = e;
	return true;
}

static char mark_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return '/';
	if (ls.mark != 'F')
		return 0;
	if (S_ISLNK(mode))
		return '@';
	if (S_ISFIFO(mode))
		return '|';
	if (S_ISSOCK(mode))
		return '=';
	return S_ISREG(mode) && (mode & 0111) ? '*' : 0;
}

/* On a terminal control characters could do harm. Returns the length. */
static int name_print(const char *name)
{
	int n = 0;

	for (; *name; name++, n++) {
		unsigned char c = (unsigned char)*name;

		putchar(ls.width && (c < 32 || c == 127) ? '?' : c);
	}
	return n;
}

static int number_width(uint64_t n)
{
	int w = 1;

	while (n >= 10) {
		n /= 10;
		w++;
	}
	return w;
}

static const char *size_text(char buf[SIZE_TEXT], uint64_t n)
{
	if (ls.human)
		return size_human(buf, n);
	snprintf(buf, SIZE_TEXT, "%llu", (unsigned long long)n);
	return buf;
}

static const char *blocks_text(char buf[SIZE_TEXT], blkcnt_t blocks)
{
	return size_text(buf, ls.human ? (uint64_t)blocks * 512 : ((uint64_t)blocks + 1) / 2);
}

/* Inode number, blocks, name and mark of one entry; returns the columns it took. */
static int entry_print(const struct entry *e, int inode_width, int blocks_width)
{
	char buf[SIZE_TEXT];
	char mark = ls.mark && !e->target ? mark_of(e->st.st_mode) : 0;
	int n = 0;

	(void)buf;
	if (ls.inode && !ls.long_form)
		n += printf("%*llu ", inode_width, (unsigned long long)e->st.st_ino);
	if (ls.blocks && !ls.long_form)
		n += printf("%*s ", blocks_width, blocks_text(buf, e->st.st_blocks));
	n += name_print(e->name);
	if (mark)
		n += printf("%c", mark);
	return n;
}

struct widths {
	int inode, blocks, links, user, group, size, major, minor;
};

static void widen(int *w, int n)
{
	if (n > *w)
		*w = n;
}

static const char *owner_text(uid_t uid)
{
	static char buf[16];

	snprintf(buf, sizeof(buf), "%u", uid);
	return ls.numeric ? buf : user_name(uid);
}

static const char *group_text(gid_t gid)
{
	static char buf[16];

	snprintf(buf, sizeof(buf), "%u", gid);
	return ls.numeric ? buf : group_name(gid);
}

static bool is_device(const struct entry *e)
{
	return S_ISCHR(e->st.st_mode) || S_ISBLK(e->st.st_mode);
}

static struct widths list_widths(const struct list *l)
{
	struct widths w = { 0 };
	char buf[SIZE_TEXT];
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct entry *e = &l->e[i];

		widen(&w.inode, number_width(e->st.st_ino));
		widen(&w.blocks, (int)strlen(blocks_text(buf, e->st.st_blocks)));
		if (!ls.long_form)
			continue;
		widen(&w.links, number_width(e->st.st_nlink));
		widen(&w.user, (int)strlen(owner_text(e->st.st_uid)));
		widen(&w.group, (int)strlen(group_text(e->st.st_gid)));
		if (is_device(e)) {
			widen(&w.major, number_width(major(e->st.st_rdev)));
			widen(&w.minor, number_width(minor(e->st.st_rdev)));
		} else {
			widen(&w.size, (int)strlen(size_text(buf, (uint64_t)e->st.st_size)));
		}
	}
	if (w.major)
		widen(&w.size, w.major + 2 + w.minor);
	return w;
}

static void time_print(time_t when)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];
	bool recent = when <= now && now - when < RECENT_SECONDS;

	localtime_r(&when, &tm);
	strftime(text, sizeof(text), recent ? "%b %e %H:%M" : "%b %e  %Y", &tm);
	fputs(text, stdout);
}

static void long_print(const struct entry *e, const struct widths *w)
{
	char buf[SIZE_TEXT], mode[MODE_TEXT];

	if (ls.inode)
		printf("%*llu ", w->inode, (unsigned long long)e->st.st_ino);
	if (ls.blocks)
		printf("%*s ", w->blocks, blocks_text(buf, e->st.st_blocks));
	printf("%s %*lu ", mode_string(mode, e->st.st_mode), w->links,
	       (unsigned long)e->st.st_nlink);
	if (!ls.no_owner)
		printf("%-*s ", w->user, owner_text(e->st.st_uid));
	if (!ls.no_group)
		printf("%-*s ", w->group, group_text(e->st.st_gid));
	if (is_device(e))
		printf("%*u, %*u ", w->size - 2 - w->minor, major(e->st.st_rdev), w->minor,
		       minor(e->st.st_rdev));
	else
		printf("%*s ", w->size, size_text(buf, (uint64_t)e->st.st_size));
	time_print(entry_time(e).tv_sec);
	putchar(' ');
	entry_print(e, 0, 0);
	if (e->target) {
		fputs(" -> ", stdout);
		name_print(e->target);
		if (ls.mark && mark_of(e->target_mode) && e->target_mode)
			putchar(mark_of(e->target_mode));
	}
	putchar('\n');
}

static int entry_length(const struct entry *e, const struct widths *w)
{
	return (int)strlen(e->name) + (ls.inode ? w->inode + 1 : 0) +
	       (ls.blocks ? w->blocks + 1 : 0) + (ls.mark && mark_of(e->st.st_mode));
}

/* Whether the list fits the width in that many rows; col receives the width of each column. */
static bool rows_fit(const struct list *l, const struct widths *w, size_t rows, int *col)
{
	size_t i;
	int total = 0, longest = 0;

	for (i = 0; i < l->n; i++) {
		widen(&longest, entry_length(&l->e[i], w));
		if (i % rows != rows - 1 && i != l->n - 1)
			continue;
		col[i / rows] = longest + 2;
		total += longest + 2;
		longest = 0;
	}
	return total - 2 < ls.width;
}

static void columns_print(const struct list *l, const struct widths *w)
{
	int *col = xmalloc((l->n + 1) * sizeof(*col));
	size_t rows, row, i;

	for (rows = 1; rows < l->n && !rows_fit(l, w, rows, col); rows++)
		;
	if (l->n)
		rows_fit(l, w, rows, col);
	for (row = 0; row < rows && row < l->n; row++) {
		for (i = row; i < l->n; i += rows) {
			int n = entry_print(&l->e[i], w->inode, w->blocks);

			if (i + rows < l->n)
				printf("%*s", col[i / rows] - n, "");
		}
		putchar('\n');
	}
	free(col);
}

static void list_print(const struct list *l)
{
	struct widths w = list_widths(l);
	size_t i;

	if (l->n)
		ls.printed = true;
	if (ls.columns && !ls.long_form) {
		columns_print(l, &w);
		return;
	}
	for (i = 0; i < l->n; i++) {
		if (ls.long_form) {
			long_print(&l->e[i], &w);
			continue;
		}
		entry_print(&l->e[i], w.inode, w.blocks);
		putchar('\n');
	}
}

static bool hidden(const char *name)
{
	if (name[0] != '.' || ls.all)
		return false;
	if (!ls.almost_all)
		return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool dir_read(const char *path, struct list *l)
{
	DIR *d = opendir(path);
	struct dirent *de;

	if (!d) {
		warn("cannot open directory '%s'", path);
		ls.status = 2;
		return false;
	}
	while (errno = 0, (de = readdir(d)) != NULL) {
		char *whole;

		if (hidden(de->d_name))
			continue;
		whole = path_join(path, de->d_name);
		list_add(l, whole, de->d_name, false);
		free(whole);
	}
	if (errno) {
		warn("reading directory '%s'", path);
		ls.status = 2;
	}
	closedir(d);
	return true;
}

static void dir_list(const char *path, bool title)
{
	struct list l = { 0 };
	uint64_t blocks = 0;
	char buf[SIZE_TEXT];
	size_t i;

	if (!dir_read(path, &l))
		return;
	list_sort(&l);
	if (title)
		printf("%s%s:\n", ls.printed ? "\n" : "", path);
	ls.printed = true;
	for (i = 0; i < l.n; i++)
		blocks += (uint64_t)l.e[i].st.st_blocks;
	if (ls.long_form || ls.blocks)
		printf("total %s\n", blocks_text(buf, (blkcnt_t)blocks));
	list_print(&l);
	for (i = 0; ls.recursive && i < l.n; i++) {
		const char *name = l.e[i].name;

		if (!S_ISDIR(l.e[i].st.st_mode) || strcmp(name, ".") == 0 ||
		    strcmp(name, "..") == 0)
			continue;
		char *whole = path_join(path, name);

		dir_list(whole, true);
		free(whole);
	}
	list_free(&l);
}

static void set_option(int c)
{
	switch (c) {
	case 'a':
		ls.all = true;
		break;
	case 'A':
		ls.almost_all = true;
		break;
	case 'l':
	case 'n':
	case 'g':
	case 'o':
		ls.long_form = true;
		ls.numeric |= c == 'n';
		ls.no_owner |= c == 'g';
		ls.no_group |= c == 'o';
		break;
	case 'G':
		ls.no_group = true;
		break;
	case 'd':
		ls.as_file = true;
		break;
	case 'h':
		ls.human = true;
		break;
	case 'R':
		ls.recursive = true;
		break;
	case '1':
	case 'C':
		ls.columns = c == 'C';
		break;
	case 'f':
		ls.all = true;
		ls.sort = 'U';
		break;
	case 't':
	case 'S':
	case 'U':
		ls.sort = (char)c;
		break;
	case 'u':
	case 'c':
		ls.time = c == 'u' ? 'a' : 'c';
		break;
	case 'r':
		ls.reverse = true;
		break;
	case 'i':
		ls.inode = true;
		break;
	case 's':
		ls.blocks = true;
		break;
	case 'F':
	case 'p':
		ls.mark = (char)c;
		break;
	case 'L':
		ls.follow = true;
		break;
	default:
		usage(2);
	}
}

static void terminal_setup(void)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");

	if (isatty(1)) {
		ls.width = 80;
		ls.columns = true;
		if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col)
			ls.width = size.ws_col;
	}
	if (columns && atoi(columns) > 0 && ls.width)
		ls.width = atoi(columns);
}

static int ls_main(int argc, char **argv)
{
	struct list files = { 0 }, dirs = { 0 };
	bool title;
	size_t i;
	int c;

	ls.sort = 'n';
	ls.time = 'm';
	terminal_setup();
	while ((c = getopt(argc, argv, "aAlngoGdhR1CftSUucrisFpL")) != -1)
		set_option(c);
	if (ls.columns && !ls.width)
		ls.width = 80;
	/* As POSIX has it: -u and -c alone also sort by that time. */
	if (ls.time != 'm' && !ls.long_form && ls.sort == 'n')
		ls.sort = 't';
	argv += optind;
	title = ls.recursive || (argv[0] && argv[1]);
	if (!*argv)
		list_add(ls.as_file ? &files : &dirs, ".", ".", true);
	for (; *argv; argv++) {
		struct list one = { 0 };

		if (!list_add(&one, *argv, *argv, true))
			continue;
		free(one.e[0].name);
		free(one.e[0].target);
		c = S_ISDIR(one.e[0].st.st_mode) && !ls.as_file;
		free(one.e);
		list_add(c ? &dirs : &files, *argv, *argv, true);
	}
	list_sort(&files);
	list_sort(&dirs);
	list_print(&files);
	for (i = 0; i < dirs.n; i++)
		dir_list(dirs.e[i].name, title);
	list_free(&files);
	list_free(&dirs);
	return ls.status;
}

TOOL("ls", ls_main, "[-1AaCcdFfGghiLlnopRrSstUu] [FILE]...");
