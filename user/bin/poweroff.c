/*
 * poweroff, halt, reboot: write everything out and stop the machine. Without -f processes are
 * first asked to end, and have a moment to do so.
 */
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define GRACE_SECONDS	0.2

static int stop(int argc, char **argv, int how)
{
	bool force = false;
	int c;

	while ((c = getopt(argc, argv, "f")) != -1) {
		if (c != 'f')
			usage(1);
		force = true;
	}
	if (geteuid() != 0)
		errx(1, "only root may do that");
	if (!force) {
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		kill(-1, SIGTERM);
		duration_sleep(GRACE_SECONDS);
	}
	sync();
	reboot(how);
	err(1, "reboot");
}

static int poweroff_main(int argc, char **argv)
{
	return stop(argc, argv, RB_POWER_OFF);
}

static int halt_main(int argc, char **argv)
{
	return stop(argc, argv, RB_HALT_SYSTEM);
}

static int reboot_main(int argc, char **argv)
{
	return stop(argc, argv, RB_AUTOBOOT);
}

TOOL("poweroff", poweroff_main, "[-f]");
TOOL("halt", halt_main, "[-f]");
TOOL("reboot", reboot_main, "[-f]");
