#include "trap.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "quote.h"
#include "run.h"
#include "shell.h"

static char *actions[NSIG];		/* NULL: default */
static bool ignored_at_start[NSIG];
static volatile sig_atomic_t pending[NSIG];
static volatile sig_atomic_t any_pending;
static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	if (signal == SIGINT)
		interrupted = 1;
	pending[signal] = 1;
	any_pending = 1;
}

/* Its only purpose is to end sigsuspend(). */
static void on_child(int signal)
{
	(void)signal;
}

static void disposition_set(int signal, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigemptyset(&action.sa_mask);
	sigaction(signal, &action, NULL);
}

static bool is_stop_signal(int signal)
{
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* Give the kernel the disposition that follows from the trap and the kind of shell. */
static void disposition_update(int signal)
{
	const char *action = actions[signal];

	if (action && !*action)
		disposition_set(signal, SIG_IGN, 0);
	else if (action)
		disposition_set(signal, on_signal, 0);
	else if (signal == SIGCHLD)
		disposition_set(signal, on_child, SA_RESTART);
	else if (shell.interactive && signal == SIGINT)
		disposition_set(signal, on_signal, 0);
	else if (shell.interactive && (signal == SIGQUIT || signal == SIGTERM))
		disposition_set(signal, SIG_IGN, 0);
	else if (option_on(OPTION_MONITOR) && is_stop_signal(signal))
		disposition_set(signal, SIG_IGN, 0);
	else
		disposition_set(signal, ignored_at_start[signal] ? SIG_IGN : SIG_DFL, 0);
}

void trap_refresh(void)
{
	static const int own[] = { SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		disposition_update(own[i]);
}

void trap_init(void)
{
	struct sigaction action;

	for (int i = 1; i < NSIG; i++)
		if (sigaction(i, NULL, &action) == 0)
			ignored_at_start[i] = action.sa_handler == SIG_IGN;
	trap_refresh();
}

void trap_child(void)
{
	for (int i = 0; i < NSIG; i++) {
		bool trapped = actions[i] && *actions[i];

		if (trapped) {
			free(actions[i]);
			actions[i] = NULL;
		}
		pending[i] = 0;
		if (i && trapped)
			disposition_update(i);
	}
	any_pending = 0;
	interrupted = 0;
	trap_refresh();
}

static void action_run(const char *action)
{
	int status = shell.status;
	char *copy = heap_string(action);

	run_string(copy);
	free(copy);
	if (shell.unwind == UNWIND_NONE)
		shell.status = status;
}

void trap_run(void)
{
	if (!any_pending || shell.unwind != UNWIND_NONE)
		return;
	any_pending = 0;
	for (int i = 1; i < NSIG; i++) {
		if (!pending[i])
			continue;
		pending[i] = 0;
		if (!actions[i] || !*actions[i])
			continue;
		if (i == SIGINT)
			interrupted = 0;
		action_run(actions[i]);
	}
}

void trap_exit(void)
{
	char *action = actions[0];

	if (!action)
		return;
	actions[0] = NULL;
	shell.unwind = UNWIND_NONE;
	if (*action)
		action_run(action);
	free(action);
}

bool trap_exit_set(void)
{
	return actions[0] != NULL;
}

int trap_pending(void)
{
	for (int i = 1; any_pending && i < NSIG; i++)
		if (pending[i] && ((actions[i] && *actions[i]) || i == SIGINT))
			return i;
	return 0;
}

bool trap_interrupt_seen(void)
{
	return interrupted && !actions[SIGINT];
}

bool trap_interrupted(void)
{
	if (!trap_interrupt_seen())
		return false;
	interrupted = 0;
	pending[SIGINT] = 0;
	return true;
}

bool trap_wait(int fd, bool traps)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	sigset_t all, was;
	bool came;

	/* Let in only while it waits: none comes between the look at the flags and the wait. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &was);
	do
		came = trap_interrupt_seen() || (traps && trap_pending());
	while (!came && ppoll(&input, 1, NULL, &was) < 0 && errno == EINTR);
	sigprocmask(SIG_SETMASK, &was, NULL);
	if (came)
		errno = EINTR;
	return !came;
}

void trap_set(int signal, const char *action)
{
	/* A script cannot take up a signal that its caller had ignored. */
	if (signal && ignored_at_start[signal] && !shell.interactive && !shell.forked)
		return;
	free(actions[signal]);
	actions[signal] = action ? heap_string(action) : NULL;
	if (signal && signal != SIGKILL && signal != SIGSTOP)
		disposition_update(signal);
}

void trap_print(void)
{
	for (int i = 0; i < NSIG; i++)
		if (actions[i])
			printf("trap -- %s %s\n", quote_word(actions[i]), trap_signal_name(i));
}

int trap_signal_number(const char *name)
{
	if (isdigit((unsigned char)*name)) {
		char *end;
		long number = strtol(name, &end, 10);

		return *end || number >= NSIG ? -1 : (int)number;
	}
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strcasecmp(name, "EXIT") == 0)
		return 0;
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcasecmp(known, name) == 0)
			return i;
	}
	return -1;
}

const char *trap_signal_name(int signal)
{
	const char *name = signal ? sigabbrev_np(signal) : "EXIT";
	char digits[12];

	if (name)
		return name;
	snprintf(digits, sizeof(digits), "%d", signal);
	return arena_string(&scratch, digits);
}
