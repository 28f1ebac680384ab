/*
 * select, poll and sleeping between processes that talk through pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Each of so many children sends its number a few times; the parent takes all by select. */
static void many_by_select(int children)
{
	int ends[16][2], open_ends = children, sum = 0, messages = 0;

	for (int i = 0; i < children; i++) {
		if (pipe(ends[i]) != 0)
			exit(1);
		if (fork() == 0) {
			for (int j = 0; j < 20; j++) {
				char c = (char)(i + 1);

				if (write(ends[i][1], &c, 1) != 1)
					_exit(1);
			}
			_exit(0);
		}
		close(ends[i][1]);
	}
	while (open_ends) {
		fd_set set;
		int highest = 0;

		FD_ZERO(&set);
		for (int i = 0; i < children; i++)
			if (ends[i][0] >= 0) {
				FD_SET(ends[i][0], &set);
				if (ends[i][0] > highest)
					highest = ends[i][0];
			}
		if (select(highest + 1, &set, NULL, NULL, NULL) <= 0)
			exit(2);
		for (int i = 0; i < children; i++) {
			char c;

			if (ends[i][0] < 0 || !FD_ISSET(ends[i][0], &set))
				continue;
			if (read(ends[i][0], &c, 1) == 1) {
				sum += c;
				messages++;
				continue;
			}
			close(ends[i][0]);
			ends[i][0] = -1;
			open_ends--;
		}
	}
	while (wait(NULL) > 0)
		;
	printf("select: %d messages, sum %d\n", messages, sum);
}

int main(void)
{
	struct timespec start, end, nap = { 0, 30000000 };
	struct timeval limit = { 0, 20000 };
	struct pollfd p;
	fd_set set;
	int ends[2];

	many_by_select(10);
	if (pipe(ends) != 0)
		return 1;
	p.fd = ends[0];
	p.events = POLLIN;
	printf("poll empty: %d\n", poll(&p, 1, 10));
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	printf("select empty: %d\n", select(ends[0] + 1, &set, NULL, NULL, &limit));
	if (write(ends[1], "x", 1) != 1)
		return 1;
	printf("poll full: %d %d\n", poll(&p, 1, -1), p.revents == POLLIN);
	close(ends[1]);
	if (read(ends[0], &nap.tv_sec, 1) != 1)
		return 1;
	nap.tv_sec = 0;
	printf("poll closed: %d %d\n", poll(&p, 1, -1), p.revents == POLLHUP);
	clock_gettime(CLOCK_MONOTONIC, &start);
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("slept long enough: %d\n", (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec -
	       start.tv_nsec >= nap.tv_nsec);
	return 0;
}
