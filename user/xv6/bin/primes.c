/* Prime numbers by a chain of processes: each passes on what its own prime does not divide. */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

/* The first number on the pipe is this process's prime; what it does not divide goes on. */
static void sieve(int from)
{
	int next[2], prime, n;

	while (read(from, &prime, sizeof(prime)) == sizeof(prime)) {
		printf("prime %d\n", prime);
		if (pipe(next) < 0) {
			fprintf(2, "primes: no more pipes\n");
			exit(1);
		}
		if (fork() == 0) {
			close(from);
			close(next[1]);
			from = next[0];
			continue;
		}
		close(next[0]);
		while (read(from, &n, sizeof(n)) == sizeof(n)) {
			if (n % prime != 0)
				write(next[1], &n, sizeof(n));
		}
		close(next[1]);
		wait(0);
		break;
	}
	exit(0);
}

int main(int argc, char *argv[])
{
	int limit = argc > 1 ? atoi(argv[1]) : 35;
	int numbers[2], n;

	if (pipe(numbers) < 0) {
		fprintf(2, "primes: no pipe\n");
		exit(1);
	}
	if (fork() == 0) {
		close(numbers[1]);
		sieve(numbers[0]);
	}
	close(numbers[0]);
	for (n = 2; n <= limit; n++)
		write(numbers[1], &n, sizeof(n));
	close(numbers[1]);
	wait(0);
	exit(0);
}
