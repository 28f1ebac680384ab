/*
 * init: process 1. Makes the system files visible, then either runs the one command that the
 * kernel's command line names (run=), or keeps a login shell on the console. It adopts and reaps
 * whatever loses its parent. When it ends, the kernel writes everything out and stops the machine
 * with init's exit status.
 */
#include "kernel/fcntl.h"
#include "ulib/linux.h"
#include "user/user.h"

#define CMDLINE_MAX	(128 * 1024)	/* what Linux hosts let QEMU have in one argument */
#define QUICK_TICKS	10	/* a shell that lives shorter than a second ... */
#define QUICK_DEATHS	5	/* ... and dies badly as often as this is broken */

#define SYSLOG_CONSOLE_OFF	6	/* syslog(2) */
#define SYSLOG_CONSOLE_ON	7

static char *const shell_environment[] = {
	"HOME=/root",
	"PATH=/bin:/sbin:/usr/bin:/usr/sbin",
	"TERM=vt100",
	"SHELL=/bin/sh",
	"USER=root",
	"LOGNAME=root",
	0,
};

static const struct {
	const char *type;
	const char *where;
	uint mode;
} mounts[] = {
	{ "proc", "/proc", 0555 },
	{ "devfs", "/dev", 0755 },
	{ "sysfs", "/sys", 0555 },
	{ "tmpfs", "/tmp", 01777 },
};

static void complain(const char *what, const char *name, long error)
{
	fprintf(2, "init: %s %s: error %d\n", what, name, (int)-error);
}

/* A kernel without one of the file systems is no reason to stop, nor is one that did it for us. */
static void mount_all(void)
{
	uint i;
	long r;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		const char *where = mounts[i].where;

		syscall(SYS_mkdirat, AT_FDCWD, where, mounts[i].mode);
		r = syscall(SYS_mount, mounts[i].type, where, mounts[i].type, 0, 0);
		if (r < 0 && r != -EBUSY && r != -ENODEV)
			complain("mount", where, r);
	}
}

/* Fills descriptors 0 to 2 where the kernel left them closed. */
static void console_open(void)
{
	int fd;

	if (syscall(SYS_fcntl, 2, F_GETFD, 0) != -EBADF)
		return;
	do {
		fd = open("/dev/console", O_RDWR);
	} while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undoes percent encoding in place, up to a blank or the end of the line. */
static void percent_decode(char *s)
{
	char *to = s;

	while (*s && *s != ' ' && *s != '\n') {
		if (s[0] == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
			*to++ = (char)(hex_digit(s[1]) << 4 | hex_digit(s[2]));
			s += 3;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

/*
 * What follows `name` (with its =) in the kernel's command line, decoded; 0 without such a word.
 * The next call overwrites it.
 */
static char *boot_word(const char *name)
{
	static char line[CMDLINE_MAX];
	int fd = open("/proc/cmdline", O_RDONLY), len = strlen(name), used = 0, n;
	char *p;

	if (fd < 0)
		return 0;
	while (used < CMDLINE_MAX - 1 && (n = read(fd, line + used, CMDLINE_MAX - 1 - used)) > 0)
		used += n;
	close(fd);
	line[used] = 0;
	for (p = line; *p; p++) {
		if (memcmp(p, name, len) == 0 && (p == line || p[-1] == ' ')) {
			percent_decode(p + len);
			return p + len;
		}
	}
	return 0;
}

static void swap_on(void)
{
	const char *device = boot_word("swap=");
	long r = device ? syscall(SYS_swapon, device, 0) : 0;

	if (r < 0)
		complain("swapon", device, r);
}

/*
 * Starts the shell; own_session: as the leader of a session with the console as its terminal.
 * input: the file it reads from, 0 for the console.
 */
static int shell_start(char **argv, int own_session, const char *input)
{
	int pid = fork();

	if (pid != 0)
		return pid;
	if (own_session) {
		syscall(SYS_setsid);
		syscall(SYS_ioctl, 0, TIOCSCTTY, 1);
	}
	if (input) {
		close(0);
		open(input, O_RDONLY);
	}
	environ = (char **)shell_environment;
	chdir("/root");
	exec("/bin/sh", argv);
	fprintf(2, "init: cannot run /bin/sh\n");
	exit(127);
}

/*
 * Waits for a process, burying every orphan on the way. The shell's way of saying it: the exit
 * status, or 128 and the number of the signal that killed it.
 */
static int shell_wait(int pid)
{
	int word;
	long r;

	do {
		r = syscall(SYS_wait4, -1, &word, 0, 0);
		if (r == -ECHILD)
			return 127;
	} while (r != pid);
	return (word & 0x7f) ? 128 + (word & 0x7f) : word >> 8 & 0xff;
}

/*
 * Runs a command between two marks that the host looks for, and gives back its status. The host
 * wants the command's bytes as they are, so the terminal adds no carriage returns meanwhile; the
 * second mark begins in mid-line if the output did not end its last line.
 */
static int run_once(char *command)
{
	char *argv[] = { "sh", "-c", command, 0 };
	struct linux_termios before, plain;
	int status, pid;
	int is_tty = syscall(SYS_ioctl, 1, TCGETS, &before) == 0;

	if (is_tty) {
		plain = before;
		plain.c_oflag &= ~(uint)OPOST;
		syscall(SYS_ioctl, 1, TCSETSW, &plain);
	}
	/* Nor may the kernel's messages get in between: the ring keeps them, and a panic still
	 * shows. */
	syscall(SYS_syslog, SYSLOG_CONSOLE_OFF, 0, 0);
	printf("@@xv39-run-begin@@\n");
	/* Nobody types: a command that reads finds the end of its input instead of waiting. */
	pid = shell_start(argv, 1, "/dev/null");
	status = pid < 0 ? 126 : shell_wait(pid);
	printf("@@xv39-run-end %d@@\n", status);
	syscall(SYS_syslog, SYSLOG_CONSOLE_ON, 0, 0);
	if (is_tty)
		syscall(SYS_ioctl, 1, TCSETSW, &before);
	return status;
}

static void run_startup_file(void)
{
	char *argv[] = { "sh", "/etc/rc", 0 };
	int fd = open("/etc/rc", O_RDONLY);
	int pid;

	if (fd < 0)
		return;
	close(fd);
	pid = shell_start(argv, 0, 0);
	if (pid > 0)
		shell_wait(pid);
}

/*
 * A shell after each other, for ever. One that ends well, however soon, is somebody who logged
 * out; one that keeps dying at once would fill the console without end, so give up on that.
 */
static int login_loop(void)
{
	char *argv[] = { "-sh", 0 };
	int deaths = 0;

	while (deaths < QUICK_DEATHS) {
		int start = uptime();
		int pid = shell_start(argv, 1, 0);
		int status = pid < 0 ? 126 : shell_wait(pid);

		if (status < 126 || uptime() - start >= QUICK_TICKS) {
			deaths = 0;
			continue;
		}
		deaths++;
		fprintf(2, "init: the shell ended with status %d\n", status);
	}
	fprintf(2, "init: the shell does not stay alive, stopping\n");
	return 1;
}

int main(void)
{
	char *command;

	mount_all();
	console_open();
	swap_on();
	command = boot_word("run=");
	run_startup_file();
	return command ? run_once(command) : login_loop();
}
