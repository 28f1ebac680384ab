/*
 * acct: process accounting: what acct(2) refuses, what a record says of a process that ended.
 */
#include "ut.h"

#include <sys/acct.h>
#include <sys/resource.h>
#include <time.h>

#define LIMITS "/proc/sys/kernel/acct"

/* The record of process pid among those of the file. */
static struct acct_v3 record_of(pid_t pid)
{
	struct acct_v3 a;
	int fd = (int)CHECK_OK(open("records", O_RDONLY));

	do
		CHECK_EQ(read(fd, &a, sizeof(a)), sizeof(a));
	while (a.ac_pid != (uint32_t)pid);
	CHECK_OK(close(fd));
	return a;
}

static void begin(void)
{
	close((int)CHECK_OK(open("records", O_WRONLY | O_CREAT | O_TRUNC, 0600)));
	CHECK_OK(acct("records"));
}

TEST(acct, errors, .root = true)
{
	static char longer[PATH_MAX + 2];

	CHECK_OK(acct(NULL));
	CHECK_ERR(acct("/"), EISDIR);
	CHECK_ERR(acct("/dev/null"), EACCES);
	CHECK_ERR(acct("none"), ENOENT);
	close((int)CHECK_OK(open("f", O_WRONLY | O_CREAT, 0666)));
	CHECK_ERR(acct("f/"), ENOTDIR);
	CHECK_OK(symlink("a", "b"));
	CHECK_OK(symlink("b", "a"));
	CHECK_ERR(acct("a"), ELOOP);
	memset(longer, 'x', sizeof(longer) - 1);
	CHECK_ERR(acct(longer), ENAMETOOLONG);
	CHECK_ERR(acct((char *)8), EFAULT);
	become_user();
	CHECK_ERR(acct("f"), EPERM);
	CHECK_ERR(acct(NULL), EPERM);
}

TEST(acct, records, .root = true)
{
	uint64_t before = (uint64_t)time(NULL);
	pid_t exits, execs, dies;
	struct acct_v3 a;

	begin();
	exits = child();
	if (!exits) {
		CHECK_OK(setgid(7));
		CHECK_OK(setuid(8));
		_exit(3);
	}
	expect_exit(exits, 3);
	execs = child();
	if (!execs)
		exec_helper("exit", "42");
	expect_exit(execs, 42);
	dies = child_pausing();
	CHECK_OK(kill(dies, SIGTERM));
	expect_signal(dies, SIGTERM);
	CHECK_OK(acct(NULL));
	a = record_of(exits);
	CHECK_EQ(a.ac_version, 3);
	CHECK_EQ(a.ac_flag & (AFORK | ACORE | AXSIG), AFORK);
	CHECK_EQ(a.ac_exitcode, 3 << 8);
	CHECK_EQ(a.ac_uid, 8);
	CHECK_EQ(a.ac_gid, 7);
	CHECK_EQ(a.ac_ppid, getpid());
	CHECK_GE(a.ac_btime + 2, before);
	CHECK_GE(time(NULL) + 2, a.ac_btime);
	CHECK(a.ac_etime >= 0);
	CHECK(a.ac_mem);
	a = record_of(execs);
	CHECK_EQ(a.ac_flag & (AFORK | ACORE | AXSIG), 0);
	CHECK_EQ(a.ac_exitcode, 42 << 8);
	CHECK(!strncmp(a.ac_comm, "usertests", sizeof(a.ac_comm)));
	a = record_of(dies);
	CHECK_EQ(a.ac_flag & (AFORK | ACORE | AXSIG), AFORK | AXSIG);
	CHECK_EQ(a.ac_exitcode, SIGTERM);
}

/* None is written after the end. */
/* The limit of who ends, and where it lies, is none of the record's. */
TEST(acct, record_past_own_limit, .root = true)
{
	static const rlim_t limits[] = {0, 1, 65, 200};
	struct acct_v3 a;
	pid_t pids[4];

	begin();
	for (int i = 0; i < 4; i++) {
		struct rlimit l = {limits[i], limits[i]};

		pids[i] = child();
		if (!pids[i]) {
			CHECK_OK(setrlimit(RLIMIT_FSIZE, &l));
			_exit(i);
		}
		expect_exit(pids[i], i);
	}
	CHECK_OK(acct(NULL));
	for (int i = 0; i < 4; i++) {
		a = record_of(pids[i]);
		CHECK_EQ(a.ac_exitcode, (unsigned)i << 8);
	}
}

TEST(acct, begins_and_ends, .root = true)
{
	struct stat ended, later;
	pid_t pid;

	begin();
	CHECK_OK(acct(NULL));
	CHECK_OK(stat("records", &ended));
	pid = child();
	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	CHECK_OK(stat("records", &later));
	CHECK_EQ(later.st_size, ended.st_size);
}

TEST(acct, limits, .root = true)
{
	char text[64];
	int fd;

	file_text(LIMITS, text, sizeof(text));
	CHECK_STR(text, "4\t2\t30\n");
	fd = (int)CHECK_OK(open(LIMITS, O_WRONLY));
	CHECK_EQ(write(fd, "5 3 20\n", 7), 7);
	file_text(LIMITS, text, sizeof(text));
	CHECK_STR(text, "5\t3\t20\n");
	CHECK_EQ(pwrite(fd, "4 2 30\n", 7, 0), 7);
	CHECK_ERR(pwrite(fd, "x\n", 2, 0), EINVAL);
}
