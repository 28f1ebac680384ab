/*
 * Signals: handlers with information, masks, pending ones, a stack of their own, interrupted
 * calls, and floating-point registers across a handler.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t count;
static volatile int sender_is_right, on_own_stack;
static char *stack;

static void informed(int number, siginfo_t *info, void *context)
{
	char here;
	volatile double other = count;

	(void)context;
	other = other * 1.5 + number;
	count++;
	sender_is_right = info->si_pid == getpid() && info->si_uid == getuid() &&
			  info->si_signo == number;
	on_own_stack = &here >= stack && &here < stack + SIGSTKSZ * 4;
}

static void install(int number, int flags)
{
	struct sigaction action = { .sa_sigaction = informed, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&action.sa_mask);
	if (sigaction(number, &action, NULL) != 0) {
		perror("sigaction");
		exit(1);
	}
}

static void masks(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigpending(&set);
	printf("blocked: count %d, pending %d\n", (int)count, sigismember(&set, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("let in: count %d, sender %d\n", (int)count, sender_is_right);
}

/*
 * A child sends signals until the read has something to say. Without SA_RESTART one of them must
 * interrupt it; with it, the read goes on until there is a byte, and that comes after the signals.
 */
static void interrupted_read(int flags)
{
	pid_t parent = getpid(), child;
	int ends[2], i;
	char byte;
	ssize_t n;

	install(SIGUSR1, flags);
	if (pipe(ends) != 0)
		exit(1);
	child = fork();
	if (child == 0) {
		for (i = 0; i < 20 || !(flags & SA_RESTART); i++) {
			kill(parent, SIGUSR1);
			usleep(5000);
		}
		_exit(write(ends[1], "x", 1) != 1);
	}
	n = read(ends[0], &byte, 1);
	printf("read is %s\n", n == 1 ? "started again" : errno == EINTR ? "interrupted" : "bad");
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	volatile double kept = 0.1;
	stack_t own = { .ss_size = SIGSTKSZ * 4 };
	pid_t pid;
	int status, i;

	own.ss_sp = stack = malloc(own.ss_size);
	sigaltstack(&own, NULL);
	install(SIGUSR1, 0);
	masks();
	install(SIGUSR2, SA_ONSTACK);
	for (i = 0; i < 100; i++) {
		kept = kept * 1.01;
		raise(SIGUSR2);
	}
	printf("own stack %d, %.10f\n", on_own_stack, kept);
	interrupted_read(0);
	interrupted_read(SA_RESTART);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		abort();
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("%s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "not by a signal");
	return 0;
}
