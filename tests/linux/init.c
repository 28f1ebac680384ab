/*
 * First process of the Linux judge: mounts what a test may expect, runs every
 * command of /commands in turn, prints its status between markers and powers off.
 *
 * /commands holds argument lists: each argument ends with NUL, each list with
 * one more NUL.  Each command runs in its own session with the console as its
 * controlling terminal and in a fresh, empty /tmp.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define COMMANDS_MAX 65536
#define ARGS_MAX 256

static char commands[COMMANDS_MAX];

static void mount_one(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, options) != 0)
		dprintf(2, "init: mount %s: %s\n", where, strerror(errno));
}

/* Loads the drivers of disks and of ext2 when the judge packed them, in the packed order. */
static void modules_load(void)
{
	char path[64];

	for (int i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "/modules/%02d.ko", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		if (syscall(SYS_finit_module, fd, "", 0) != 0)
			dprintf(2, "init: module %d: %s\n", i, strerror(errno));
		close(fd);
	}
}

/* 127.0.0.1 can be reached once its interface is up. */
static void loopback_start(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
		dprintf(2, "init: lo: %s\n", strerror(errno));
	close(fd);
}

/* Test output must reach the host byte for byte: no newline translation, no echo. */
static void console_make_raw(void)
{
	struct termios tio;

	if (tcgetattr(0, &tio) != 0)
		return;
	tio.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(0, TCSANOW, &tio);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Leads the session, waits for the command and ends as it did. When a session leader ends, Linux
 * hangs up its terminal and drops what was not sent yet: the command must not be the leader.
 */
__attribute__((noreturn))
static void session_lead(char **argv)
{
	int status = 0;
	pid_t pid;

	setsid();
	ioctl(0, TIOCSCTTY, 1);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		execv(argv[0], argv);
		dprintf(2, "init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) != pid)
		continue;
	tcdrain(1);
	_exit(status_of(status));
}

static int command_run(char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		session_lead(argv);
	/* Orphans come to the first process, which must not keep their zombies. */
	while (waitpid(-1, &status, 0) != pid)
		continue;
	/* Strays must not live on into the next command. */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	return status_of(status);
}

static void commands_run(void)
{
	char *argv[ARGS_MAX + 1];
	int fd = open("/commands", O_RDONLY);
	ssize_t len = read(fd, commands, sizeof(commands) - 2);

	close(fd);
	for (char *p = commands; p < commands + len;) {
		int argc = 0;

		for (; *p != '\0' && argc < ARGS_MAX; p += strlen(p) + 1)
			argv[argc++] = p;
		argv[argc] = NULL;
		p++;
		if (argc == 0)
			continue;
		mount_one("tmpfs", "/tmp", "mode=1777");
		chdir("/tmp");
		dprintf(1, "@@judge-begin@@\n");
		int status = command_run(argv);
		tcdrain(1);
		dprintf(1, "@@judge-end %d@@\n", status);
		chdir("/");
		umount2("/tmp", MNT_DETACH);
	}
}

int main(void)
{
	mount_one("devtmpfs", "/dev", NULL);
	mkdir("/dev/pts", 0755);
	mount_one("devpts", "/dev/pts", "gid=5,mode=620");
	int fd = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3 && fd >= 0; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	mount_one("proc", "/proc", NULL);
	mount_one("sysfs", "/sys", NULL);
	mkdir("/tmp", 01777);
	setenv("PATH", "/bin:/sbin", 1);
	setenv("HOME", "/", 1);
	modules_load();
	loopback_start();
	mkdir("/mnt", 0755);
	/* The first disk, where there is one, gives the commands a file system on a disk. */
	if (access("/dev/vda", F_OK) == 0 && mount("/dev/vda", "/mnt", "ext2", 0, NULL) != 0)
		dprintf(2, "init: mount /dev/vda: %s\n", strerror(errno));
	/* The judged commands own the terminal; init only writes its markers. */
	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	console_make_raw();
	commands_run();
	umount("/mnt");
	dprintf(1, "@@judge-done@@\n");
	tcdrain(1);
	reboot(RB_POWER_OFF);
	return 0;
}
