#include "terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "redirect.h"

static int tty = -1;
static pid_t own_group;
static pid_t group_before;	/* in the foreground before we took the terminal */
static struct termios own_modes;

static int terminal_open(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return redirect_private(fd);
	for (fd = STDERR_FILENO; fd >= STDIN_FILENO; fd--)
		if (isatty(fd))
			return fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD);
	return -1;
}

bool terminal_acquire(void)
{
	pid_t group;

	if (tty < 0)
		tty = terminal_open();
	if (tty < 0)
		return false;
	/* Started in the background: stop until someone brings us to the front. */
	while ((group = tcgetpgrp(tty)) != getpgrp()) {
		if (group < 0) {
			terminal_release();
			return false;
		}
		signal(SIGTTIN, SIG_DFL);
		kill(0, SIGTTIN);
	}
	signal(SIGTTOU, SIG_IGN);
	group_before = group;
	own_group = getpid();
	/* Fails for the leader of a session, which is the leader of its group already. */
	setpgid(0, own_group);
	own_group = getpgrp();
	tcsetpgrp(tty, own_group);
	tcgetattr(tty, &own_modes);
	return true;
}

void terminal_release(void)
{
	if (tty < 0)
		return;
	if (group_before > 0 && group_before != own_group)
		tcsetpgrp(tty, group_before);
	close(tty);
	tty = -1;
	group_before = 0;
}

void terminal_give(pid_t group)
{
	if (tty >= 0)
		tcsetpgrp(tty, group);
}

void terminal_take(bool reset)
{
	if (tty < 0)
		return;
	tcsetpgrp(tty, own_group);
	if (reset)
		tcsetattr(tty, TCSADRAIN, &own_modes);
	else
		tcgetattr(tty, &own_modes);
}

bool terminal_save(struct termios *modes)
{
	return tty >= 0 && tcgetattr(tty, modes) == 0;
}

void terminal_load(const struct termios *modes)
{
	if (tty >= 0)
		tcsetattr(tty, TCSADRAIN, modes);
}
