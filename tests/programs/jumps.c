/*
 * setjmp and longjmp, also out of a signal handler, with the signal mask kept or restored.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf plain;
static sigjmp_buf with_mask;

static void deep(int depth)
{
	volatile char pad[100];

	pad[0] = (char)depth;
	if (depth == 0)
		longjmp(plain, 7);
	if (pad[0] == depth)
		deep(depth - 1);
	pad[1] = pad[0];
}

static void handler(int number)
{
	siglongjmp(with_mask, number);
}

static int usr1_blocked(void)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGUSR1);
}

int main(void)
{
	volatile int kept = 1;
	volatile double real = 2.5;
	int value = setjmp(plain);

	if (value == 0) {
		kept = 2;
		real = 3.5;
		deep(100);
	}
	printf("back with %d, kept %d and %.1f\n", value, kept, real);

	signal(SIGUSR1, handler);
	for (kept = 0; kept < 3; kept++) {
		value = sigsetjmp(with_mask, 1);
		if (value == 0)
			raise(SIGUSR1);
		printf("out of the handler with %d, blocked %d\n", value == SIGUSR1,
		       usr1_blocked());
	}
	value = sigsetjmp(with_mask, 0);
	if (value == 0)
		raise(SIGUSR1);
	printf("without the mask: blocked %d\n", usr1_blocked());
	return 0;
}
