/*
 * What the course's labs add: mmap, symbolic links, sysinfo, alarms; trace is not there.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "kernel/sysinfo.h"
#include "user/user.h"

static volatile int alarms;
static volatile int stack_misfits;

static void check(int ok, const char *what)
{
	printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static void mappings(void)
{
	int fd = open("map", O_CREATE | O_RDWR);
	char *p, c = 0;

	write(fd, "file", 4);
	p = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != (char *)-1 && p[1] == 'i' && p[4] == 0, "mmap");
	p[0] = 'F';
	check(munmap(p, PGSIZE) == 0 && read(fd, &c, 0) == 0, "munmap");
	close(fd);
	fd = open("map", O_RDONLY);
	check(read(fd, &c, 1) == 1 && c == 'F', "a shared mapping writes the file");
	p = mmap(0, PGSIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'P';
	munmap(p, PGSIZE);
	check(mmap(0, PGSIZE, PROT_WRITE, MAP_SHARED, fd, 0) == (char *)-1,
	      "a shared mapping must not write what is read-only");
	close(fd);
	fd = open("map", O_RDONLY);
	check(read(fd, &c, 1) == 1 && c == 'F', "a private mapping does not");
	close(fd);
}

static void links(void)
{
	struct stat st;
	int fd;

	check(symlink("map", "link") == 0 && symlink("map", "link") == -1, "symlink");
	check(stat("link", &st) == 0 && st.type == T_FILE && st.size == 4, "stat follows it");
	fd = open("link", O_RDONLY | O_NOFOLLOW);
	check(fd >= 0 && fstat(fd, &st) == 0 && st.type == T_SYMLINK, "O_NOFOLLOW does not");
	close(fd);
	unlink("map");
	check(open("link", O_RDONLY) == -1 && unlink("link") == 0, "a link to nothing");
}

static void system(void)
{
	struct sysinfo before, after;
	int gate[2], i;
	char c;

	check(sysinfo(&before) == 0 && before.freemem > 0 && before.nproc >= 2, "sysinfo");
	pipe(gate);
	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			close(gate[1]);
			read(gate[0], &c, 1);
			exit(0);
		}
	}
	sysinfo(&after);
	check(after.nproc > before.nproc, "sysinfo counts processes");
	close(gate[1]);
	while (wait(0) > 0)
		;
	check(trace(1 << 5) == -1, "trace");
}

static void on_alarm(void)
{
	alarms++;
	stack_misfits += (r_sp() & 15) != 0;
	sigreturn();
}

static void on_one_alarm(void)
{
	alarms++;
	sigalarm(0, 0);		/* comes back by returning, too */
}

static void alarm_calls(void)
{
	uint64 sum = 0, again = 0, i;

	check(sigalarm(1, on_alarm) == 0, "sigalarm");
	while (alarms < 3)
		sum += r_time() & 1;
	sigalarm(0, 0);
	check(alarms >= 3 && stack_misfits == 0, "alarms while it runs");

	/* Whatever register the sum is in, an alarm must not change it. */
	alarms = 0;
	sigalarm(1, on_one_alarm);
	for (sum = 0, i = 0; !alarms || i % 1000; i++)
		sum += i;
	while (i-- > 0)
		again += i;
	check(sum == again, "an alarm leaves registers alone");
}

int main(void)
{
	mappings();
	links();
	system();
	alarm_calls();
	exit(0);
}
