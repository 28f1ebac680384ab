/*
 * vmtop: virtual memory at a glance. What physical memory is used for, what faults happen, and
 * below that the processes or the areas of one of them. With -b it prints instead of painting.
 */
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/procmem.h"
#include "user/lib/term.h"
#include "user/lib/tool.h"

enum sort { SORT_FIRST, SORT_SIZE, SORT_RSS, SORT_DIRTY, SORTS };
static const char *const process_sorts[SORTS] = { "pid", "size", "rss", "faults" };
static const char *const area_sorts[SORTS] = { "address", "size", "rss", "dirty" };

static struct {
	bool batch;
	double interval;
	uint64_t count;		/* of samples that are still to be shown */
	enum sort sort;
	int pid;		/* whose areas are shown; 0: the processes are */
	size_t chosen;		/* line of the list that the cursor is on */
	size_t top;		/* line of the list that is shown first */
	size_t lines;		/* of the list */
	int chosen_pid;		/* the process on that line */
	int rows, columns;
} view = { .interval = 1, .count = UINT64_MAX, .sort = SORT_RSS, .rows = 24, .columns = 80 };

/* What was counted at two moments; rates are what lies between them. */
static struct sample {
	struct counters mem, vm;
	struct proc_mem *procs;
	size_t nprocs;
	double time;		/* seconds since the start of the machine */
} was, is;

/* --- output: a line at a time, cut at the edge of the screen --- */

static FILE *out;
static int row;

static void line_put(bool marked, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line_put(bool marked, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (view.batch) {
		fprintf(out, "%s\n", text);
		return;
	}
	if (row >= view.rows)
		return;
	fprintf(out, "%s%s%.*s%s\033[K", row ? "\r\n" : "", marked ? "\033[7m" : "",
		view.columns - 1, text, marked ? "\033[0m" : "");
	row++;
}

/* --- samples --- */

static void sample_free(struct sample *s)
{
	free(s->mem.list);
	free(s->vm.list);
	free(s->procs);
	*s = (struct sample){ 0 };
}

static void sample_take(void)
{
	char *up = file_slurp("/proc/uptime", NULL);

	sample_free(&was);
	was = is;
	is = (struct sample){ 0 };
	if (!up || !counters_read(&is.mem, "/proc/meminfo") ||
	    !counters_read(&is.vm, "/proc/vmstat"))
		err(1, "/proc");
	is.time = strtod(up, NULL);
	is.nprocs = procs_read(&is.procs);
	free(up);
}

static uint64_t per_second(uint64_t before, uint64_t now)
{
	double seconds = is.time - was.time;

	return seconds > 0 && now > before ? (uint64_t)((double)(now - before) / seconds + 0.5) : 0;
}

static const struct proc_mem *process_before(int pid)
{
	for (size_t i = 0; i < was.nprocs; i++) {
		if (was.procs[i].pid == pid)
			return &was.procs[i];
	}
	return NULL;
}

static uint64_t fault_rate(const struct proc_mem *p)
{
	const struct proc_mem *before = process_before(p->pid);

	return per_second(before ? before->minflt + before->majflt : 0, p->minflt + p->majflt);
}

/* --- the upper part: owners and states of memory, beside them what happens --- */

static uint64_t mem(const char *name)
{
	return counter_get(&is.mem, name);
}

/* What no other row accounts for: kernel image, kmalloc's large pieces, buffers of devices. */
static uint64_t other_memory(void)
{
	uint64_t known = mem("MemFree") + mem("AnonPages") + mem("Cached") + mem("Buffers") +
			 mem("PageTables") + mem("Slab") + mem("KernelStack");

	return known < mem("MemTotal") ? mem("MemTotal") - known : 0;
}

#define MEMORY_ROWS 12

static void memory_cell(char *buf, size_t size, int i)
{
	uint64_t shared = mem("Shmem"), cached = mem("Cached") + mem("Buffers");
	const struct {
		const char *name;
		uint64_t kib;
	} rows[MEMORY_ROWS] = {
		{ "total", mem("MemTotal") },
		{ "free", mem("MemFree") },
		{ "anonymous", mem("AnonPages") },
		{ "shared, tmpfs", shared },
		{ "file pages", cached > shared ? cached - shared : 0 },
		{ "  mapped", mem("Mapped") },
		{ "  dirty", mem("Dirty") },
		{ "  being written", mem("Writeback") },
		{ "page tables", mem("PageTables") },
		{ "slab", mem("Slab") },
		{ "kernel stacks", mem("KernelStack") },
		{ "other kernel", other_memory() },
	};
	uint64_t total = mem("MemTotal") ? mem("MemTotal") : 1;

	snprintf(buf, size, "%-16s %10llu %4llu%%", rows[i].name, (unsigned long long)rows[i].kib,
		 (unsigned long long)(100 * rows[i].kib / total));
}

static void rate_cell(char *buf, size_t size, int i)
{
	static const struct {
		const char *title, *name;
	} rows[MEMORY_ROWS] = {
		{ "faults", "pgfault" },
		{ "  with I/O", "pgmajfault" },
		{ "  new page", "xv39_fault_anon" },
		{ "  page of zeros", "xv39_fault_zero" },
		{ "  page of a file", "xv39_fault_file" },
		{ "  copied on write", "xv39_cow_copied" },
		{ "  taken over", "xv39_cow_taken_over" },
		{ "pages allocated", "pgalloc_normal" },
		{ "pages freed", "pgfree" },
		{ "KiB read", "pgpgin" },
		{ "KiB written", "pgpgout" },
		{ "remote TLB flushes", "nr_tlb_remote_flush" },
	};
	uint64_t now = counter_get(&is.vm, rows[i].name);

	snprintf(buf, size, "%-18s %9llu/s %11llu", rows[i].title,
		 (unsigned long long)per_second(counter_get(&was.vm, rows[i].name), now),
		 (unsigned long long)now);
}

/* On a small screen the list comes first. */
static int memory_rows(void)
{
	int room = view.rows - 9;

	if (view.batch || room > MEMORY_ROWS)
		return MEMORY_ROWS;
	return room > 1 ? room : 1;
}

static void upper_paint(void)
{
	char left[64], right[64];

	line_put(false, "vmtop   up %.0f s   every %g s   %zu processes   sorted by %s", is.time,
		 view.interval, is.nprocs, (view.pid ? area_sorts : process_sorts)[view.sort]);
	line_put(false, "%-16s %10s         %-18s %11s %11s", "MEMORY", "KiB", "EVENTS", "rate",
		 "so far");
	for (int i = 0; i < memory_rows(); i++) {
		memory_cell(left, sizeof(left), i);
		rate_cell(right, sizeof(right), i);
		line_put(false, "%s   %s", left, right);
	}
}

/* --- the lower part: a list of processes, or of the areas of one --- */

static int descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int process_order(const void *a, const void *b)
{
	const struct proc_mem *p = a, *q = b;
	int order = 0;

	if (view.sort == SORT_SIZE)
		order = descending(p->size, q->size);
	else if (view.sort == SORT_RSS)
		order = descending(p->rss, q->rss);
	else if (view.sort == SORT_DIRTY)
		order = descending(fault_rate(p), fault_rate(q));
	return order ? order : (p->pid > q->pid) - (p->pid < q->pid);
}

static int area_order(const void *a, const void *b)
{
	const struct area *p = a, *q = b;
	int order = 0;

	if (view.sort == SORT_SIZE)
		order = descending(p->end - p->start, q->end - q->start);
	else if (view.sort == SORT_RSS)
		order = descending(p->rss, q->rss);
	else if (view.sort == SORT_DIRTY)
		order = descending(p->dirty, q->dirty);
	return order ? order : (p->start > q->start) - (p->start < q->start);
}

/* The list has n lines: keep the cursor on one of them, and that one on the screen. */
static void list_scroll(size_t n)
{
	size_t room = view.rows > row ? (size_t)(view.rows - row) : 0;

	view.lines = n;
	if (view.chosen >= n)
		view.chosen = n ? n - 1 : 0;
	if (view.batch) {
		view.top = 0;
		return;
	}
	if (view.chosen < view.top)
		view.top = view.chosen;
	if (room && view.chosen >= view.top + room)
		view.top = view.chosen - room + 1;
}

static void processes_paint(void)
{
	line_put(false, "%5s S %10s %10s %10s %10s  %s", "PID", "SIZE", "RSS", "SHARED", "FAULTS/s",
		 "COMMAND");
	if (is.nprocs)
		qsort(is.procs, is.nprocs, sizeof(*is.procs), process_order);
	list_scroll(is.nprocs);
	view.chosen_pid = is.nprocs ? is.procs[view.chosen].pid : 0;
	for (size_t i = view.top; i < is.nprocs; i++) {
		const struct proc_mem *p = &is.procs[i];

		line_put(i == view.chosen && !view.batch, "%5d %c %10llu %10llu %10llu %10llu  %s",
			 p->pid, p->state, (unsigned long long)p->size, (unsigned long long)p->rss,
			 (unsigned long long)p->shared, (unsigned long long)fault_rate(p), p->comm);
	}
}

static void areas_paint(void)
{
	struct area *list = NULL;
	long n = areas_read(view.pid, &list);
	uint64_t size = 0, rss = 0, dirty = 0;
	char *command = command_of(view.pid);

	if (n < 0)
		n = 0;
	for (long i = 0; i < n; i++) {
		size += (list[i].end - list[i].start) / 1024;
		rss += list[i].rss;
		dirty += list[i].dirty;
	}
	if (n)
		qsort(list, (size_t)n, sizeof(*list), area_order);
	line_put(false, "process %d: %s   %ld areas, %llu KiB, %llu resident, %llu dirty", view.pid,
		 command, n, (unsigned long long)size, (unsigned long long)rss,
		 (unsigned long long)dirty);
	line_put(false, "%-25s MODE %9s %9s %9s  FILE", "ADDRESS", "SIZE", "RSS", "DIRTY");
	list_scroll((size_t)n);
	for (size_t i = view.top; i < (size_t)n; i++)
		line_put(i == view.chosen && !view.batch,
			 "%012llx-%012llx %s %9llu %9llu %9llu  %s",
			 (unsigned long long)list[i].start, (unsigned long long)list[i].end,
			 list[i].perms, (unsigned long long)(list[i].end - list[i].start) / 1024,
			 (unsigned long long)list[i].rss, (unsigned long long)list[i].dirty,
			 list[i].name);
	areas_free(list, (size_t)n);
	free(command);
}

static void frame_paint(void)
{
	char *text = NULL;
	size_t len = 0;

	out = open_memstream(&text, &len);
	if (!out)
		err(1, "malloc");
	row = 0;
	if (!view.batch)
		fputs("\033[H", out);
	upper_paint();
	if (view.pid)
		areas_paint();
	else
		processes_paint();
	fputs(view.batch ? "\n" : "\033[J", out);
	if (fclose(out) != 0)
		err(1, "malloc");
	if (!write_all(STDOUT_FILENO, text, len))
		err(1, "standard output");
	free(text);
}

/* --- keys --- */

static volatile sig_atomic_t ended, resized;

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void view_switch(int pid)
{
	view.pid = pid;
	view.chosen = view.top = 0;
}

static void move(long by)
{
	if (by < 0 && view.chosen < (size_t)-by)
		view.chosen = 0;
	else
		view.chosen += (size_t)by;
}

/* Returns false when it is the end. *again: new numbers are wanted, not only another picture. */
static bool letter_key(int c, bool *again)
{
	switch (c) {
	case 'q':
	case TERM_CTRL('c'):
		return false;
	case 's':
		view.sort = (view.sort + 1) % SORTS;
		break;
	case '+':
		view.interval = view.interval < 60 ? view.interval * 2 : 60;
		break;
	case '-':
		view.interval = view.interval > 0.25 ? view.interval / 2 : 0.25;
		break;
	case '\r':
	case '\n':
		if (!view.pid && view.chosen_pid)
			view_switch(view.chosen_pid);
		break;
	case 'p':
		view_switch(0);
		break;
	case ' ':
		*again = true;
		break;
	}
	return true;
}

static bool key_take(bool *again)
{
	struct term_key key = term_read(STDIN_FILENO);

	switch (key.code) {
	case TERM_EOF:
		return false;
	case TERM_UP:
		move(-1);
		break;
	case TERM_DOWN:
		move(1);
		break;
	case TERM_PAGE_UP:
		move(-10);
		break;
	case TERM_PAGE_DOWN:
		move(10);
		break;
	case TERM_HOME:
		view.chosen = 0;
		break;
	case TERM_END:
		view.chosen = view.lines ? view.lines - 1 : 0;
		break;
	case TERM_ESCAPE:
	case TERM_LEFT:
		view_switch(0);
		break;
	case TERM_TEXT:
	case TERM_CONTROL:
		return letter_key(key.bytes[0], again);
	default:
		break;
	}
	return true;
}

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Paint after each key, with new numbers when the interval is over. Until the end is asked for. */
static void interact(void)
{
	double due = clock_now();

	while (!ended) {
		struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
		double now = clock_now();
		bool again = now >= due;
		int ready;

		if (resized) {
			resized = 0;
			term_size(STDOUT_FILENO, &view.rows, &view.columns);
		}
		if (again && !view.count--)
			return;
		if (again) {
			sample_take();
			due = now + view.interval;
		}
		frame_paint();
		ready = poll(&in, 1, (int)((due - clock_now()) * 1000) + 1);
		if (ready > 0 && !key_take(&again))
			return;
		if (ready > 0 && (again || due > clock_now() + view.interval))
			due = clock_now();
	}
}

static void signals_set(void)
{
	struct sigaction end = { .sa_handler = on_end }, resize = { .sa_handler = on_resize };

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGWINCH, &resize, NULL);
}

static int screen_run(void)
{
	static const char begin[] = "\033[?25l\033[2J", end[] = "\033[?25h\033[0m\r\n";
	struct termios saved;
	char place[32];

	signals_set();
	if (!isatty(STDOUT_FILENO) || !term_raw(STDIN_FILENO, false, &saved))
		errx(1, "this is no terminal: use -b");
	if (!term_size(STDOUT_FILENO, &view.rows, &view.columns))
		term_measure(STDIN_FILENO, STDOUT_FILENO, &view.rows, &view.columns);
	term_write(STDOUT_FILENO, begin, sizeof(begin) - 1);
	interact();
	snprintf(place, sizeof(place), "\033[%d;1H", view.rows);
	term_write(STDOUT_FILENO, place, strlen(place));
	term_write(STDOUT_FILENO, end, sizeof(end) - 1);
	term_restore(STDIN_FILENO, &saved);
	return 0;
}

static enum sort sort_parse(const char *name)
{
	for (int i = 0; i < SORTS; i++) {
		if (strcmp(name, process_sorts[i]) == 0 || strcmp(name, area_sorts[i]) == 0)
			return (enum sort)i;
	}
	errx(1, "no such order: %s", name);
}

static int vmtop_main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "bd:n:p:s:")) != -1) {
		if (c == 'b')
			view.batch = true;
		else if (c == 'd')
			view.interval = duration_parse(optarg);
		else if (c == 'n')
			view.count = number_parse(optarg);
		else if (c == 'p')
			view.pid = (int)number_parse(optarg);
		else if (c == 's')
			view.sort = sort_parse(optarg);
		else
			usage(1);
	}
	if (argv[optind])
		usage(1);
	if (!view.batch)
		return screen_run();
	while (view.count--) {
		sample_take();
		frame_paint();
		if (view.count)
			duration_sleep(view.interval);
	}
	return 0;
}

TOOL("vmtop", vmtop_main, "[-b] [-d SECONDS] [-n COUNT] [-p PID] [-s pid|size|rss|dirty|faults]");
