/* Two processes throw a byte to and fro over two pipes, and tell how long that took. */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

#define DEFAULT_ROUNDS	1000

/* The child: gives every byte back until there are no more. */
static void echo_bytes(int in, int out)
{
	char ball;

	while (read(in, &ball, 1) == 1)
		write(out, &ball, 1);
	exit(0);
}

int main(int argc, char *argv[])
{
	int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;
	int there[2], back[2], i, start, status;
	char ball = 0;

	if (pipe(there) < 0 || pipe(back) < 0) {
		fprintf(2, "pingpong: no pipe\n");
		exit(1);
	}
	if (fork() == 0) {
		close(there[1]);
		close(back[0]);
		echo_bytes(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	start = uptime();
	for (i = 0; i < rounds; i++) {
		ball = (char)i;
		if (write(there[1], &ball, 1) != 1 || read(back[0], &ball, 1) != 1 ||
		    ball != (char)i) {
			fprintf(2, "pingpong: lost the ball in round %d\n", i);
			exit(1);
		}
	}
	close(there[1]);
	wait(&status);
	printf("%d rounds, %d ticks\n", rounds, uptime() - start);
	exit(status);
}
