/*
 * Clocks run forwards, sleeps are not too short, timeouts of poll and select hold.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0) {
		perror("clock_gettime");
		exit(1);
	}
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A wait of so many milliseconds may be late, never early. */
static void report(const char *what, double start, int milliseconds)
{
	double took = (now(CLOCK_MONOTONIC) - start) * 1000;

	printf("%s %s\n", what, took >= milliseconds && took < milliseconds + 5000 ? "right" :
	       "wrong");
}

int main(void)
{
	struct timespec nap = { 0, 20000000 }, until;
	struct timeval tv = { 0, 20000 };
	double before, start = now(CLOCK_MONOTONIC);
	int i, backwards = 0;

	for (i = 0, before = start; i < 100000; i++) {
		double t = now(CLOCK_MONOTONIC);

		backwards += t < before;
		before = t;
	}
	printf("backwards %d times\n", backwards);
	printf("the year is %s\n", now(CLOCK_REALTIME) > 1.6e9 ? "plausible" : "wrong");
	start = now(CLOCK_MONOTONIC);
	nanosleep(&nap, NULL);
	report("nanosleep", start, 20);
	start = now(CLOCK_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	report("absolute", start, 1000);
	start = now(CLOCK_MONOTONIC);
	poll(NULL, 0, 30);
	report("poll", start, 30);
	start = now(CLOCK_MONOTONIC);
	select(0, NULL, NULL, NULL, &tv);
	report("select", start, 20);
	nap.tv_nsec = 1000000000;
	printf("bad argument %d %d\n", nanosleep(&nap, NULL), errno == EINVAL);
	printf("processor time %s\n", now(CLOCK_PROCESS_CPUTIME_ID) > 0 ? "counted" : "none");
	return 0;
}
