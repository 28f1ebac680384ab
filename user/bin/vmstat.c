/* vmstat: what memory, disks and processors do, a line at a time. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/procmem.h"
#include "user/lib/tool.h"

/* A moment: what is counted up since the start of the machine. */
struct moment {
	unsigned long cpu[8];	/* user nice system idle iowait irq softirq steal: ticks */
	unsigned long intr, ctxt, running, blocked;
	struct counters mem, vm;
	double time;		/* seconds since the start */
};

static void moment_take(struct moment *m)
{
	char *text = file_slurp("/proc/stat", NULL), *up = file_slurp("/proc/uptime", NULL);
	char *line, *rest = text;

	if (!text || !up || !counters_read(&m->mem, "/proc/meminfo") ||
	    !counters_read(&m->vm, "/proc/vmstat"))
		err(1, "/proc");
	m->time = strtod(up, NULL);
	while ((line = strsep(&rest, "\n"))) {
		sscanf(line, "cpu  %lu %lu %lu %lu %lu %lu %lu %lu", &m->cpu[0], &m->cpu[1],
		       &m->cpu[2], &m->cpu[3], &m->cpu[4], &m->cpu[5], &m->cpu[6], &m->cpu[7]);
		sscanf(line, "intr %lu", &m->intr);
		sscanf(line, "ctxt %lu", &m->ctxt);
		sscanf(line, "procs_running %lu", &m->running);
		sscanf(line, "procs_blocked %lu", &m->blocked);
	}
	free(text);
	free(up);
}

static void moment_free(struct moment *m)
{
	free(m->mem.list);
	free(m->vm.list);
	*m = (struct moment){ 0 };
}

static void header_print(void)
{
	puts("procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----");
	puts(" r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st");
}

static unsigned long rate(const struct moment *was, const struct moment *is, const char *name)
{
	double seconds = is->time - was->time;
	uint64_t n = counter_get(&is->vm, name) - counter_get(&was->vm, name);

	return seconds > 0 ? (unsigned long)((double)n / seconds + 0.5) : 0;
}

static unsigned long per_second(unsigned long was, unsigned long is, double seconds)
{
	return seconds > 0 ? (unsigned long)((double)(is - was) / seconds + 0.5) : 0;
}

static void line_print(const struct moment *was, const struct moment *is)
{
	unsigned long share[8], sum = 0, pages = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	double seconds = is->time - was->time;

	for (int i = 0; i < 8; i++)
		sum += share[i] = is->cpu[i] - was->cpu[i];
	for (int i = 0; i < 8; i++)
		share[i] = sum ? (100 * share[i] + sum / 2) / sum : 0;
	printf("%2lu %2lu %6lu %6lu %6lu %6lu ", is->running, is->blocked,
	       counter_get(&is->mem, "SwapTotal") - counter_get(&is->mem, "SwapFree"),
	       counter_get(&is->mem, "MemFree"), counter_get(&is->mem, "Buffers"),
	       counter_get(&is->mem, "Cached") + counter_get(&is->mem, "SReclaimable"));
	printf("%4lu %4lu %5lu %5lu %4lu %4lu %2lu %2lu %2lu %2lu %2lu\n",
	       rate(was, is, "pswpin") * pages, rate(was, is, "pswpout") * pages,
	       rate(was, is, "pgpgin"), rate(was, is, "pgpgout"),
	       per_second(was->intr, is->intr, seconds), per_second(was->ctxt, is->ctxt, seconds),
	       share[0] + share[1], share[2] + share[5] + share[6], share[3], share[4], share[7]);
	fflush(stdout);
}

/* -s: everything that is known, a line each. */
static void summary_print(void)
{
	struct moment m = { 0 };

	moment_take(&m);
	for (size_t i = 0; i < m.mem.n; i++)
		printf("%13llu K %s\n", (unsigned long long)m.mem.list[i].value,
		       m.mem.list[i].name);
	for (size_t i = 0; i < m.vm.n; i++)
		printf("%13llu %s\n", (unsigned long long)m.vm.list[i].value, m.vm.list[i].name);
	printf("%13lu interrupts\n%13lu CPU context switches\n", m.intr, m.ctxt);
	moment_free(&m);
}

static int vmstat_main(int argc, char **argv)
{
	struct moment was = { 0 }, is = { 0 };
	uint64_t count = 1;
	double delay = 0;
	int c;

	while ((c = getopt(argc, argv, "s")) != -1) {
		if (c == '?')
			usage(1);
		summary_print();
		return 0;
	}
	if (argv[optind]) {
		delay = duration_parse(argv[optind++]);
		count = argv[optind] ? number_parse(argv[optind++]) : UINT64_MAX;
	}
	if (argv[optind])
		usage(1);
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			duration_sleep(delay);
		if (i % 20 == 0)
			header_print();
		moment_take(&is);
		line_print(&was, &is);
		moment_free(&was);
		was = is;
		is = (struct moment){ 0 };
	}
	moment_free(&was);
	return 0;
}

TOOL("vmstat", vmstat_main, "[-s] [DELAY [COUNT]]");
