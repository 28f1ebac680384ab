/* Whether a test leaks memory, told from the free memory of the whole system. */
#include "leak.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long memory_kib(void)
{
	/* Caches give their memory back: what they hold is not lost. */
	static const char *const fields[] = {
		"\nMemFree:", "\nBuffers:", "\nCached:", "\nSReclaimable:",
	};
	char text[4096] = "\n";
	long sum = 0;
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text + 1, sizeof(text) - 2);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n + 1] = '\0';
	for (unsigned int i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *p = strstr(text, fields[i]);

		if (p)
			sum += strtol(p + strlen(fields[i]), NULL, 10);
	}
	return sum;
}

long memory_settled_kib(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd >= 0) {
		/* Where it is not allowed, caches stay: the repetitions tell them from leaks. */
		if (write(fd, "3\n", 2) < 0)
			usleep(1000);
		close(fd);
	}
	return memory_kib();
}

void leak_start(struct leak *leak, long before)
{
	leak->samples[0] = before;
	leak->count = 1;
	leak->least = 16;
}

bool leak_suspected(struct leak *leak, long after, bool hunt)
{
	if (hunt)
		leak->least = 4;
	return hunt || leak->samples[0] - after > LEAK_SLACK_KIB;
}

void leak_begin(struct leak *leak, long settled)
{
	leak_sample(leak, settled);
}

static bool last_run_lost(const struct leak *leak)
{
	int i = leak->count - 1;

	return i < 2 || leak->samples[i - 1] - leak->samples[i] >= leak->least;
}

bool leak_running(const struct leak *leak)
{
	return leak->count < LEAK_RUNS + 2 && last_run_lost(leak);
}

void leak_sample(struct leak *leak, long after)
{
	leak->samples[leak->count++] = after;
}

bool leak_found(const struct leak *leak)
{
	return leak->count == LEAK_RUNS + 2 && last_run_lost(leak);
}

long leak_per_run(const struct leak *leak)
{
	return (leak->samples[1] - leak->samples[leak->count - 1]) / LEAK_RUNS;
}
