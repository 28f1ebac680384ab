/* free, uptime: how much memory is in use, how long the machine has run. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

static bool human;
static uint64_t unit = 1024;

static void cell(uint64_t bytes, int width)
{
	char buf[SIZE_TEXT];

	if (human)
		printf(" %*s", width, size_human(buf, bytes));
	else
		printf(" %*llu", width, (unsigned long long)(bytes / unit));
}

static int free_main(int argc, char **argv)
{
	uint64_t total, idle, cache, shared, swap, swap_free;
	char *text;
	int c;

	while ((c = getopt(argc, argv, "hbkmg")) != -1) {
		if (c == '?')
			usage(1);
		human = c == 'h';
		unit = c == 'b' ? 1 : c == 'm' ? 1 << 20 : c == 'g' ? 1 << 30 : 1024;
	}
	text = file_slurp("/proc/meminfo", NULL);
	if (!text)
		err(1, "/proc/meminfo");
	total = meminfo_bytes(text, "MemTotal");
	idle = meminfo_bytes(text, "MemFree");
	cache = meminfo_bytes(text, "Cached") + meminfo_bytes(text, "Buffers") +
		meminfo_bytes(text, "SReclaimable");
	shared = meminfo_bytes(text, "Shmem");
	swap = meminfo_bytes(text, "SwapTotal");
	swap_free = meminfo_bytes(text, "SwapFree");
	printf("%7s %12s %11s %11s %11s %11s %11s\nMem:   ", "", "total", "used", "free", "shared",
	       "buff/cache", "available");
	cell(total, 12);
	cell(total - idle - (cache < total - idle ? cache : 0), 11);
	cell(idle, 11);
	cell(shared, 11);
	cell(cache, 11);
	cell(meminfo_bytes(text, "MemAvailable"), 11);
	printf("\nSwap:  ");
	cell(swap, 12);
	cell(swap - swap_free, 11);
	cell(swap_free, 11);
	putchar('\n');
	free(text);
	return 0;
}

static int uptime_main(int argc, char **argv)
{
	char *text = file_slurp("/proc/uptime", NULL), *load, clock[16];
	time_t now = time(NULL);
	unsigned long seconds;
	struct tm tm;

	(void)argv;
	if (argc > 1)
		usage(1);
	if (!text)
		err(1, "/proc/uptime");
	seconds = strtoul(text, NULL, 10);
	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	printf(" %s up ", clock);
	if (seconds >= 86400)
		printf("%lu day%s, ", seconds / 86400, seconds < 172800 ? "" : "s");
	printf("%lu:%02lu", seconds / 3600 % 24, seconds / 60 % 60);
	load = file_slurp("/proc/loadavg", NULL);
	if (load) {
		char *end = load;
		int i;

		for (i = 0; i < 3 && *end; i++)
			end += strcspn(end, " \n") + 1;
		if (i == 3)
			end[-1] = 0;
		printf(",  load average: ");
		for (end = load; *end; end++) {
			if (*end == ' ')
				putchar(',');
			putchar(*end);
		}
	}
	putchar('\n');
	return 0;
}

TOOL("free", free_main, "[-bghkm]");
TOOL("uptime", uptime_main, "");
