/* ps: the processes, as /proc tells of them. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct process {
	int pid, ppid, pgrp, session, tty_nr;
	char comm[64];
	char state;
	unsigned long utime, stime, start;	/* clock ticks */
	long priority, nice, threads;
	unsigned long vsize;			/* bytes */
	long rss;				/* pages */
	uid_t uid;
	char *command;
};

static struct {
	long ticks, page;
	double uptime;
	uint64_t memory;
	time_t now;
} sys;

static char *proc_slurp(int pid, const char *name, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return file_slurp(path, len);
}

/* /proc/PID/stat: the name stands in parentheses and may hold anything, so look from behind. */
static bool stat_read(struct process *p)
{
	char *text = proc_slurp(p->pid, "stat", NULL), *open, *close;
	bool ok = false;

	if (!text)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (open && close) {
		snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1), open + 1);
		ok = sscanf(close + 1, " %c %d %d %d %d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d "
			    "%ld %ld %ld %*d %lu %lu %ld", &p->state, &p->ppid, &p->pgrp,
			    &p->session, &p->tty_nr, &p->utime, &p->stime, &p->priority, &p->nice,
			    &p->threads, &p->start, &p->vsize, &p->rss) == 13;
	}
	free(text);
	return ok;
}

/* The arguments with blanks between; a kernel thread has none and shows its name. */
static char *command_read(const struct process *p)
{
	size_t len = 0, i;
	char *text = proc_slurp(p->pid, "cmdline", &len);

	if (text && len) {
		for (i = 0; i + 1 < len; i++) {
			if (!isprint((unsigned char)text[i]))
				text[i] = ' ';
		}
		return text;
	}
	free(text);
	if (asprintf(&text, "[%s]", p->comm) < 0)
		err(1, "malloc");
	return text;
}

static bool process_read(struct process *p)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", p->pid);
	if (stat(path, &st) < 0 || !stat_read(p))
		return false;
	p->uid = st.st_uid;
	p->command = command_read(p);
	return true;
}

static double cpu_seconds(const struct process *p)
{
	return (double)(p->utime + p->stime) / (double)sys.ticks;
}

static time_t start_time(const struct process *p)
{
	return sys.now - (time_t)(sys.uptime - (double)p->start / (double)sys.ticks);
}

static void tty_text(char *buf, size_t size, const struct process *p)
{
	unsigned maj = major((dev_t)p->tty_nr), min = minor((dev_t)p->tty_nr);

	if (!p->tty_nr)
		snprintf(buf, size, "?");
	else if (maj == 5 && min == 1)
		snprintf(buf, size, "console");
	else if (maj == 4)
		snprintf(buf, size, min < 64 ? "tty%u" : "ttyS%u", min < 64 ? min : min - 64);
	else if (maj >= 136 && maj < 144)
		snprintf(buf, size, "pts/%u", (maj - 136) * 256 + min);
	else
		snprintf(buf, size, "%u:%u", maj, min);
}

/* Columns in order; the text of a column is made on demand. */
enum column {
	C_USER, C_UID, C_PID, C_PPID, C_PGID, C_SID, C_CPU, C_CPU_INT, C_MEM, C_VSZ, C_RSS, C_TTY,
	C_STATE, C_NICE, C_PRI, C_THREADS, C_STIME, C_TIME, C_COMM, C_ARGS, COLUMNS,
};

static const struct {
	const char *name, *title;
	int width;		/* negative: to the left */
} columns[COLUMNS] = {
	[C_USER] = { "user", "USER", -8 }, [C_UID] = { "uid", "UID", 5 },
	[C_PID] = { "pid", "PID", 5 }, [C_PPID] = { "ppid", "PPID", 5 },
	[C_PGID] = { "pgid", "PGID", 5 }, [C_SID] = { "sid", "SID", 5 },
	[C_CPU] = { "pcpu", "%CPU", 4 }, [C_CPU_INT] = { "c", "C", 2 },
	[C_MEM] = { "pmem", "%MEM", 4 }, [C_VSZ] = { "vsz", "VSZ", 7 },
	[C_RSS] = { "rss", "RSS", 6 }, [C_TTY] = { "tty", "TTY", -8 },
	[C_STATE] = { "stat", "S", -1 }, [C_NICE] = { "ni", "NI", 3 },
	[C_PRI] = { "pri", "PRI", 3 }, [C_THREADS] = { "nlwp", "NLWP", 4 },
	[C_STIME] = { "stime", "STIME", 5 }, [C_TIME] = { "time", "TIME", 8 },
	[C_COMM] = { "comm", "CMD", -15 }, [C_ARGS] = { "args", "COMMAND", -27 },
};

static double cpu_percent(const struct process *p)
{
	double alive = sys.uptime - (double)p->start / (double)sys.ticks;

	return alive > 0 ? 100 * cpu_seconds(p) / alive : 0;
}

static void time_text(char *buf, size_t size, const struct process *p)
{
	unsigned long s = (unsigned long)cpu_seconds(p);

	snprintf(buf, size, "%02lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

static void stime_text(char *buf, size_t size, const struct process *p)
{
	time_t when = start_time(p);
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(buf, size, sys.now - when < 86400 ? "%H:%M" : "%b%d", &tm);
}

static long number_of(enum column c, const struct process *p)
{
	switch (c) {
	case C_UID:
		return (long)p->uid;
	case C_PID:
		return p->pid;
	case C_PPID:
		return p->ppid;
	case C_PGID:
		return p->pgrp;
	case C_SID:
		return p->session;
	case C_CPU_INT:
		return (long)cpu_percent(p);
	case C_VSZ:
		return (long)(p->vsize / 1024);
	case C_RSS:
		return p->rss * (sys.page / 1024);
	case C_NICE:
		return p->nice;
	case C_PRI:
		return p->priority;
	default:
		return p->threads;
	}
}

static const char *text_of(enum column c, const struct process *p, char *buf, size_t size)
{
	switch (c) {
	case C_USER:
		return user_name(p->uid);
	case C_CPU:
		snprintf(buf, size, "%.1f", cpu_percent(p));
		break;
	case C_MEM:
		snprintf(buf, size, "%.1f", sys.memory ? 100.0 * (double)p->rss *
			 (double)sys.page / (double)sys.memory : 0.0);
		break;
	case C_TTY:
		tty_text(buf, size, p);
		break;
	case C_STATE:
		snprintf(buf, size, "%c", p->state);
		break;
	case C_STIME:
		stime_text(buf, size, p);
		break;
	case C_TIME:
		time_text(buf, size, p);
		break;
	case C_COMM:
		return p->comm;
	case C_ARGS:
		return p->command;
	default:
		snprintf(buf, size, "%ld", number_of(c, p));
	}
	return buf;
}

static struct {
	enum column list[32];
	const char *titles[32];
	size_t n;
} out;

static void columns_add(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	enum column c;

	while ((word = strsep(&rest, ", ")) != NULL) {
		char *title = strchr(word, '=');

		if (!*word)
			continue;
		if (title)
			*title++ = 0;
		for (c = 0; c < COLUMNS && strcmp(columns[c].name, word) != 0; c++)
			;
		if (strcmp(word, "cmd") == 0 || strcmp(word, "command") == 0)
			c = C_ARGS;
		else if (strcmp(word, "s") == 0 || strcmp(word, "state") == 0)
			c = C_STATE;
		else if (strcmp(word, "tname") == 0 || strcmp(word, "tt") == 0)
			c = C_TTY;
		if (c == COLUMNS || out.n == 32)
			errx(1, "unknown column '%s'", word);
		out.titles[out.n] = title ? xstrdup(title) : columns[c].title;
		out.list[out.n++] = c;
	}
	free(copy);
}

static void row_print(const struct process *p)
{
	char buf[64];
	size_t i;

	for (i = 0; i < out.n; i++) {
		int width = columns[out.list[i]].width;
		const char *text = p ? text_of(out.list[i], p, buf, sizeof(buf)) : out.titles[i];

		if (i + 1 == out.n && width < 0)
			width = 0;
		printf("%s%*s", i ? " " : "", width, text);
	}
	putchar('\n');
}

static void system_read(void)
{
	char *text = file_slurp("/proc/uptime", NULL);

	sys.ticks = sysconf(_SC_CLK_TCK);
	sys.page = sysconf(_SC_PAGESIZE);
	sys.now = time(NULL);
	sys.uptime = text ? strtod(text, NULL) : 0;
	free(text);
	text = file_slurp("/proc/meminfo", NULL);
	sys.memory = meminfo_bytes(text, "MemTotal");
	free(text);
}

static int by_pid(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_pid(const struct dirent *d)
{
	return isdigit((unsigned char)d->d_name[0]);
}

struct selection {
	bool all, with_terminal;
	bool of_user;		/* on any terminal */
	const char *pids;	/* a list of numbers, or NULL */
	int tty_nr;
	uid_t uid;
};

static bool listed(const char *list, int pid)
{
	char *end;

	while (*list) {
		if (strtol(list, &end, 10) == pid && end != list)
			return true;
		list = *end ? end + 1 : end;
	}
	return false;
}

static bool wanted(const struct process *p, const struct selection *s)
{
	if (s->pids)
		return listed(s->pids, p->pid);
	if (s->with_terminal)
		return p->tty_nr != 0;
	if (s->of_user)
		return p->uid == s->uid;
	return s->all || (p->uid == s->uid && p->tty_nr == s->tty_nr);
}

static int processes_print(const struct selection *s)
{
	struct dirent **list;
	int n = scandir("/proc", &list, is_pid, by_pid), i, shown = 0;

	if (n < 0)
		err(1, "/proc");
	row_print(NULL);
	for (i = 0; i < n; i++) {
		struct process p = { .pid = atoi(list[i]->d_name) };

		if (process_read(&p)) {	/* else it has ended since */
			if (wanted(&p, s)) {
				row_print(&p);
				shown++;
			}
			free(p.command);
		}
		free(list[i]);
	}
	free(list);
	return shown == 0;
}

/* The letters without a dash that people know from BSD: a, x and u. */
static void bsd_parse(const char *letters, struct selection *s, const char **format)
{
	bool a = strchr(letters, 'a') != NULL, x = strchr(letters, 'x') != NULL;

	if (letters[strspn(letters, "axuw")])
		usage(1);
	s->all = x;
	s->with_terminal = a && !x;
	if (strchr(letters, 'u'))
		*format = "user,pid,pcpu,pmem,vsz,rss,tty,stat,stime,time,args";
}

static int ps_main(int argc, char **argv)
{
	struct process self = { .pid = getpid() };
	const char *format = "pid,tty,time,comm";
	struct selection s = { .uid = geteuid() };
	int c;

	system_read();
	if (stat_read(&self))
		s.tty_nr = self.tty_nr;
	/* -aux is what many type for aux. */
	if (argc > 1 && (argv[1][0] != '-' || strcmp(argv[1], "-aux") == 0)) {
		bsd_parse(argv[1] + strspn(argv[1], "-"), &s, &format);
		argv++;
		argc--;
	}
	while ((c = getopt(argc, argv, "eAaflwo:p:u:")) != -1) {
		if (c == 'e' || c == 'A')
			s.all = true;
		else if (c == 'a')
			s.with_terminal = true;
		else if (c == 'f')
			format = "user,pid,ppid,c,stime,tty,time,args";
		else if (c == 'l')
			format = "stat,uid,pid,ppid,pri,ni,vsz,rss,tty,time,comm";
		else if (c == 'o')
			columns_add(optarg);
		else if (c == 'p')
			s.pids = optarg;
		else if (c == 'u' && user_find(optarg, &s.uid, NULL))
			s.of_user = true;
		else if (c != 'w')
			usage(1);
	}
	if (argv[optind])
		usage(1);
	if (!out.n)
		columns_add(format);
	return processes_print(&s);
}

TOOL("ps", ps_main, "[-Aaefl] [-o COLUMN,...] [-p PID,...] [-u USER] | aux");
