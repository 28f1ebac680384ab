/* execve: arguments, environment, scripts, what survives, and every refusal. */
#include "ut.h"

#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

/* What a child that executes the arguments prints; its exit code must be 0. */
static const char *output_of(const char *path, char *const argv[], char *const envp[])
{
	static char text[8192];
	int fd[2];
	pid_t pid;

	CHECK_OK(pipe(fd));
	pid = child();
	if (pid == 0) {
		CHECK_OK(dup2(fd[1], 1));
		close(fd[0]);
		close(fd[1]);
		execve(path, argv, envp);
		FAIL("execve %s: %s", path, strerrorname_np(errno));
	}
	close(fd[1]);
	text[read_full(fd[0], text, sizeof(text) - 1)] = '\0';
	close(fd[0]);
	expect_exit(pid, 0);
	return text;
}

/* execve in a child must fail with this errno. */
static void exec_fails(const char *path, int error)
{
	char *argv[] = { "x", NULL };
	pid_t pid = child();

	if (pid == 0) {
		execve(path, argv, argv + 1);
		if (errno != error)
			FAIL("execve %s: %s, not %s", path, strerrorname_np(errno),
			     strerrorname_np(error));
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void script_make(const char *name, const char *first_line)
{
	file_make(name, first_line, strlen(first_line));
	CHECK_OK(chmod(name, 0755));
}

/* "#!" followed by this program and the rest; the path is absolute. */
static void script_of_self(const char *name, const char *rest)
{
	char line[PATH_MAX + 64];

	snprintf(line, sizeof(line), "#!%s%s", self_path(), rest);
	script_make(name, line);
}

TEST(proc, exec_arguments)
{
	char *argv[] = { "usertests", "--helper", "args", "one", "", "three 3", NULL };

	CHECK_STR(output_of(self_path(), argv, argv + 6), "[args][one][][three 3]\n");
}

TEST(proc, exec_environment)
{
	char *argv[] = { "usertests", "--helper", "env", NULL };
	char *envp[] = { "A=1", "EMPTY=", "NOEQUALS", NULL };

	CHECK_STR(output_of(self_path(), argv, envp), "{A=1}{EMPTY=}{NOEQUALS}\n");
	CHECK_STR(output_of(self_path(), argv, argv + 3), "\n");
	CHECK_STR(output_of(self_path(), argv, NULL), "\n");
}

TEST(proc, exec_many_arguments)
{
	static char *argv[2004], buf[64];

	argv[0] = "usertests";
	argv[1] = "--helper";
	argv[2] = "count";
	for (int i = 3; i < 2003; i++)
		argv[i] = "0123456789";
	snprintf(buf, sizeof(buf), "%d %d\n", 2000, 20000);
	CHECK_STR(output_of(self_path(), argv, argv + 2003), buf);
}

TEST(proc, exec_long_argument)
{
	/* 32 pages with the NUL is the longest single argument. */
	static char longest[32 * 4096];
	char *argv[] = { "usertests", "--helper", "count", longest, NULL };

	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_STR(output_of(self_path(), argv, argv + 4), "1 131071\n");
}

/* /proc shows all of it, however long it is. */
TEST(proc, exec_arguments_in_proc)
{
	static char part[100 * 1000], value[90 * 1000] = "V=";
	char *argv[] = { "usertests", "--helper", "proc_args", part, "", part, part, NULL };
	char *envp[] = { value, "A=1", value, value, NULL };

	if (!have_proc())
		SKIP("no /proc");
	memset(part, 'y', sizeof(part) - 1);
	memset(value + 2, 'z', sizeof(value) - 3);
	CHECK_STR(output_of(self_path(), argv, envp), "");
}

TEST(proc, exec_e2big)
{
	static char big[32 * 4096 + 1], part[100 * 1024];
	char *one[] = { "x", big, NULL }, *many[40];

	memset(big, 'x', sizeof(big) - 1);
	CHECK_ERR(execve(self_path(), one, one + 2), E2BIG);
	CHECK_ERR(execve(self_path(), one + 2, one), E2BIG);
	memset(part, 'y', sizeof(part) - 1);
	for (int i = 0; i < 39; i++)
		many[i] = part;
	many[39] = NULL;
	/* 3.9 MB is more than a quarter of the 8 MiB stack limit. */
	CHECK_ERR(execve(self_path(), many, many + 39), E2BIG);
}

TEST(proc, exec_null_argv)
{
	/* Since 5.18 a program never sees argc 0: it gets one empty argument. */
	pid_t pid = child();

	if (pid == 0) {
		/* As a script, the program is told "--helper" by its first line. */
		char *argv[] = { NULL };
		CHECK_OK(close(1));
		script_of_self("s", " --helper\n");
		execve("./s", argv, argv);
		FAIL("execve: %s", strerrorname_np(errno));
	}
	expect_exit(pid, 0);
}

TEST(proc, exec_keeps_identity)
{
	char *argv[] = { "usertests", "--helper", "ids", NULL };
	char cwd[PATH_MAX], want[PATH_MAX + 64], got[PATH_MAX + 64] = "";
	int fd[2];

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(dup2(fd[1], 1));
		execve(self_path(), argv, argv + 3);
		FAIL("execve: %s", strerrorname_np(errno));
	}
	close(fd[1]);
	got[read_full(fd[0], got, sizeof(got) - 1)] = '\0';
	expect_exit(pid, 0);
	snprintf(want, sizeof(want), "%d %d %d %d %s\n", (int)pid, (int)getpid(), (int)getpgrp(),
		 (int)geteuid(), cwd);
	CHECK_STR(got, want);
}

TEST(proc, exec_cloexec)
{
	int kept = (int)CHECK_OK(open("a", O_RDWR | O_CREAT, 0600));
	int closed = (int)CHECK_OK(open("b", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	char number[16];
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		snprintf(number, sizeof(number), "%d", i ? closed : kept);
		pid = child();
		if (pid == 0) {
			exec_helper("isopen", number);
			_exit(90);
		}
		expect_exit(pid, i);
	}
	CHECK_OK(fcntl(closed, F_GETFD));
}

TEST(proc, exec_failed_keeps_cloexec_open)
{
	int fd = (int)CHECK_OK(open("b", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	char *argv[] = { "x", NULL };

	CHECK_ERR(execve("./missing", argv, argv + 1), ENOENT);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(proc, exec_signal_state)
{
	char *argv[] = { "usertests", "--helper", "signals", NULL };
	sigset_t set;

	on_signal(SIGUSR1, nothing, 0);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	/* Handlers become default, ignored stays ignored, the mask stays. */
	CHECK_STR(output_of(self_path(), argv, argv + 3), "dfl ign dfl+blocked \n");
}

TEST(proc, exec_keeps_pending)
{
	char *argv[] = { "usertests", "--helper", "signals", NULL };
	char text[64] = "";
	sigset_t set;
	int fd[2];

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
		CHECK_OK(raise(SIGHUP));
		CHECK_OK(dup2(fd[1], 1));
		execve(self_path(), argv, argv + 3);
		FAIL("execve: %s", strerrorname_np(errno));
	}
	close(fd[1]);
	read_full(fd[0], text, sizeof(text) - 1);
	expect_exit(pid, 0);
	CHECK_STR(text, "dfl dfl dfl+blocked+pending \n");
}

TEST(proc, exec_path_errors)
{
	char name[300];

	file_make("plain", "x", 1);
	CHECK_OK(mkdir("dir", 0755));
	CHECK_OK(symlink("loop", "loop"));
	memset(name, 'n', 299);
	name[299] = '\0';
	exec_fails("missing", ENOENT);
	exec_fails("missing/x", ENOENT);
	exec_fails("", ENOENT);
	exec_fails("plain/x", ENOTDIR);
	exec_fails("loop", ELOOP);
	exec_fails(name, ENAMETOOLONG);
	exec_fails("plain", EACCES);
	exec_fails("dir", EACCES);
	exec_fails("/dev/null", EACCES);
}

TEST(proc, exec_not_a_program)
{
	script_make("empty", "");
	script_make("garbage", "this is not a program at all, only a line of text\n");
	script_make("short", "\177ELF");
	exec_fails("empty", ENOEXEC);
	exec_fails("garbage", ENOEXEC);
	exec_fails("short", ENOEXEC);
}

TEST(proc, exec_permission_as_user, .root = true)
{
	self_copy("rootonly", 0700);
	pid_t pid = child();
	if (pid == 0) {
		become_user();
		exec_fails("rootonly", EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* Even root needs one x bit. */
	CHECK_OK(chmod("rootonly", 0666));
	exec_fails("rootonly", EACCES);
}

TEST(proc, exec_unsearchable_directory, .root = true)
{
	CHECK_OK(mkdir("private", 0700));
	self_copy("private/prog", 0755);
	pid_t pid = child();
	if (pid == 0) {
		become_user();
		exec_fails("private/prog", EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, exec_setuid, .root = true)
{
	char *argv[] = { "usertests", "--helper", "ids", NULL };
	int pid, ppid, pgid, euid = -1;

	self_copy("suid", 04755);
	become_user();
	const char *ids = output_of("./suid", argv, argv + 3);
	CHECK_EQ(sscanf(ids, "%d %d %d %d", &pid, &ppid, &pgid, &euid), 4);
	CHECK_EQ(euid, 0);
}

/* What makes a program easier to attack is not for its caller to choose if it has more powers. */
TEST(proc, exec_setuid_is_no_easy_prey, .root = true)
{
	char *argv[] = { "usertests", "--helper", "inherited", NULL };
	struct rlimit stack;

	self_copy("suid", 04755);
	self_copy("plain", 0755);
	become_user();
	CHECK_OK(getrlimit(RLIMIT_STACK, &stack));
	stack.rlim_cur = 64 << 20;
	CHECK_OK(setrlimit(RLIMIT_STACK, &stack));
	CHECK_OK(personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | STICKY_TIMEOUTS));
	CHECK_STR(output_of("./plain", argv, argv + 3), "4240000 4000000 1 0\n");
	CHECK_STR(output_of("./suid", argv, argv + 3), "4000000 800000 0 0\n");
}

/* Who may not read a program does not see its memory either. */
TEST(proc, exec_unreadable, .root = true)
{
	char *argv[] = { "usertests", "--helper", "inherited", NULL };
	uint64_t regs[32];
	struct iovec iov = { regs, sizeof(regs) };
	int dumpable;
	pid_t pid;

	self_copy("secret", 0711);
	become_user();
	CHECK_EQ(sscanf(output_of("./secret", argv, argv + 3), "%*x %*x %d", &dumpable), 1);
	CHECK_EQ(dumpable, 0);
	pid = child();
	if (pid == 0) {
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		execl("./secret", "secret", NULL);
		_exit(1);
	}
	int status = status_of(pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	CHECK_OK(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov));
	CHECK_ERR(ptrace(PTRACE_PEEKTEXT, pid, (void *)regs[0], NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_POKETEXT, pid, (void *)regs[0], NULL), EIO);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(WTERMSIG(status_of(pid)), SIGKILL);
}

/*
 * What was opened of a process's memory is of the program that it ran: a set-id program that writes
 * to its standard error does not write into itself.
 */
TEST(proc, exec_leaves_open_memory, .root = true)
{
	static const char *const names[] = { "mem", "maps", "smaps", "environ", "pagemap" };
	char text[5][12], path[64];
	char *argv[9] = { "usertests", "--helper", "foreign" };

	self_copy("suid", 04755);
	self_copy("plain", 0755);
	become_user();
	/* Having changed its ids it does not own its files. */
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	for (int suid = 0; suid < 2; suid++) {
		pid_t pid = child();

		if (pid) {
			expect_exit(pid, 0);
			continue;
		}
		for (int i = 0; i < 5; i++) {
			snprintf(path, sizeof(path), "/proc/self/%s", names[i]);
			int fd = (int)CHECK_OK(open(path, i ? O_RDONLY : O_RDWR));

			snprintf(text[i], sizeof(text[i]), "%d", fd);
			argv[3 + i] = text[i];
		}
		execv(suid ? "./suid" : "./plain", argv);
		_exit(9);
	}
}

/* A change of the user id does not fail for want of room among its processes; exec does then. */
TEST(proc, exec_beyond_nproc, .root = true)
{
	struct rlimit limit;
	int p[2];
	char c;

	self_copy("plain", 0755);
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(pipe(p));
	CHECK_OK(getrlimit(RLIMIT_NPROC, &limit));
	limit.rlim_cur = 0;
	pid_t other = child();
	if (other == 0) {
		CHECK_OK(setuid(3456));
		CHECK_EQ(write(p[1], "x", 1), 1);
		pause();
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	CHECK_OK(setuid(3456));
	CHECK_ERR(execl("./plain", "plain", "--helper", "exit", "7", NULL), EAGAIN);
	CHECK_ERR(fork(), EAGAIN);
	CHECK_ERR(execl("./none", "none", NULL), EAGAIN);
	limit.rlim_cur = 10;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	CHECK_ERR(execl("./none", "none", NULL), ENOENT);
	/* It is over now: what comes later only keeps from making others. */
	limit.rlim_cur = 0;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	CHECK_ERR(execl("./none", "none", NULL), ENOENT);
	CHECK_ERR(fork(), EAGAIN);
	CHECK_OK(kill(other, SIGKILL));
	CHECK_EQ(WTERMSIG(status_of(other)), SIGKILL);
}

static int exec_ids(void *arg)
{
	char *argv[] = { "usertests", "--helper", "ids", NULL };

	CHECK_OK(dup2(*(int *)arg, 1));
	execv("./suid", argv);
	_exit(9);
}

/* While another process can change the root that it looks for its files in, it gets no powers. */
TEST(proc, exec_setuid_shares_root, .root = true)
{
	static char stack[65536] __attribute__((aligned(16)));
	int p[2], euid;

	self_copy("suid", 04755);
	CHECK_OK(chmod(".", 0755));
	become_user();
	for (int shares = 0; shares < 2; shares++) {
		char text[256] = "";

		CHECK_OK(pipe(p));
		expect_exit((pid_t)CHECK_OK(clone(exec_ids, stack + sizeof(stack),
						  (shares ? CLONE_FS : 0) | SIGCHLD, &p[1])), 0);
		CHECK(read(p[0], text, sizeof(text) - 1) > 0);
		CHECK_EQ(sscanf(text, "%*d %*d %*d %d", &euid), 1);
		CHECK_EQ(euid, shares ? (int)geteuid() : 0);
		CHECK_OK(close(p[0]));
		CHECK_OK(close(p[1]));
	}
}

/* Write the start of an ELF file with one header field changed. */
static void elf_damaged(const char *name, size_t offset, const void *value, size_t size)
{
	char head[4096];
	int fd = (int)CHECK_OK(open(self_path(), O_RDONLY));

	CHECK_EQ(read_full(fd, head, sizeof(head)), sizeof(head));
	CHECK_OK(close(fd));
	memcpy(head + offset, value, size);
	file_make(name, head, sizeof(head));
	CHECK_OK(chmod(name, 0755));
}

TEST(proc, exec_damaged_elf)
{
	uint16_t machine = EM_X86_64, type = ET_REL, phnum = 0xffff, phentsize = 12, none = 0;
	uint64_t far_off = 0x7fffffffffffff00u;

	elf_damaged("machine", offsetof(Elf64_Ehdr, e_machine), &machine, 2);
	exec_fails("machine", ENOEXEC);
	elf_damaged("type", offsetof(Elf64_Ehdr, e_type), &type, 2);
	exec_fails("type", ENOEXEC);
	elf_damaged("phentsize", offsetof(Elf64_Ehdr, e_phentsize), &phentsize, 2);
	exec_fails("phentsize", ENOEXEC);
	elf_damaged("phnum", offsetof(Elf64_Ehdr, e_phnum), &phnum, 2);
	exec_fails("phnum", ENOEXEC);
	elf_damaged("nophdr", offsetof(Elf64_Ehdr, e_phnum), &none, 2);
	exec_fails("nophdr", ENOEXEC);
	elf_damaged("phoff", offsetof(Elf64_Ehdr, e_phoff), &far_off, 8);
	CHECK(access("phoff", X_OK) == 0);
	pid_t pid = child();
	if (pid == 0) {
		execl("./phoff", "phoff", NULL);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Where the flags of its stack's header are in our own file. */
static size_t stack_flags_at(void)
{
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);

	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		if (phdr[i].p_type == PT_GNU_STACK)
			return sizeof(Elf64_Ehdr) + i * sizeof(*phdr) +
			       offsetof(Elf64_Phdr, p_flags);
	FAIL("no PT_GNU_STACK");
}

TEST(proc, exec_stack_of_code)
{
	uint32_t flags = PF_R | PF_W | PF_X;

	self_copy("code", 0755);
	for (int code = 0; code < 2; code++) {
		pid_t pid = child();

		if (!pid) {
			execl("./code", "usertests", "--helper", "run-on-stack", NULL);
			_exit(1);
		}
		if (code)
			expect_exit(pid, 7);
		else
			expect_signal(pid, SIGSEGV);
		int fd = (int)CHECK_OK(open("code", O_WRONLY));
		CHECK_EQ(pwrite(fd, &flags, sizeof(flags), (off_t)stack_flags_at()),
			 sizeof(flags));
		CHECK_OK(close(fd));
	}
}

TEST(proc, exec_segments_outside)
{
	/* A segment whose address lies in the kernel's half must be refused or kill the process. */
	uint64_t high = 0xffffffc000000000u;
	pid_t pid;

	elf_damaged("high", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_vaddr), &high, 8);
	pid = child();
	if (pid == 0) {
		execl("./high", "high", NULL);
		_exit(1);
	}
	int status = status_of(pid);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

TEST(proc, exec_text_busy)
{
	self_copy("prog", 0755);
	int fd = (int)CHECK_OK(open("prog", O_WRONLY));
	exec_fails("prog", ETXTBSY);
	CHECK_OK(close(fd));
	pid_t pid = child();
	if (pid == 0) {
		execl("./prog", "usertests", "--helper", "pause", NULL);
		_exit(1);
	}
	/* Once it runs, writing is refused; until exec is done the open may succeed. */
	wait_state(pid, "S");
	CHECK_ERR(open("prog", O_WRONLY), ETXTBSY);
	CHECK_OK(unlink("prog"));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, exec_auxv)
{
	CHECK_EQ(getauxval(AT_PAGESZ), 4096);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK(getauxval(AT_ENTRY) != 0 && getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 0);
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK(getauxval(AT_CLKTCK) == 100);
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
	bool load = false;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		load |= phdr[i].p_type == PT_LOAD;
	CHECK(load);
}

TEST(proc, script_plain)
{
	char *argv[] = { "ignored", "a b", "c", NULL };

	script_of_self("s", " --helper\n");
	CHECK_STR(output_of("./s", argv, argv + 3), "[./s][a b][c]\n");
}

TEST(proc, script_one_argument)
{
	/* All of the rest of the line is one argument, outer blanks removed. */
	char *argv[] = { "x", NULL };
	char want[PATH_MAX];

	script_of_self("inner", " \t --helper \t \n");
	CHECK_STR(output_of("./inner", argv, argv + 1), "[./inner]\n");
	script_of_self("no-newline", " --helper");
	CHECK_STR(output_of("./no-newline", argv, argv + 1), "[./no-newline]\n");
	snprintf(want, sizeof(want), "[./spaced]\n");
	char line[PATH_MAX];
	snprintf(line, sizeof(line), "#! \t%s --helper\n", self_path());
	script_make("spaced", line);
	CHECK_STR(output_of("./spaced", argv, argv + 1), want);
}

TEST(proc, script_nested)
{
	char cwd[PATH_MAX], line[PATH_MAX + 16];
	char *argv[] = { "x", "last", NULL };

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	script_of_self("s1", " --helper\n");
	snprintf(line, sizeof(line), "#!%s/s1 mid\n", cwd);
	script_make("s2", line);
	char want[PATH_MAX + 64];
	snprintf(want, sizeof(want), "[%s/s1][mid][./s2][last]\n", cwd);
	CHECK_STR(output_of("./s2", argv, argv + 2), want);
}

TEST(proc, script_too_deep)
{
	char cwd[PATH_MAX], line[PATH_MAX + 16], name[8];

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	snprintf(line, sizeof(line), "#!%s/self\n", cwd);
	script_make("self", line);
	exec_fails("./self", ELOOP);
	script_of_self("s0", " --helper\n");
	for (int i = 1; i < 8; i++) {
		snprintf(line, sizeof(line), "#!%s/s%d\n", cwd, i - 1);
		snprintf(name, sizeof(name), "s%d", i);
		script_make(name, line);
	}
	char *argv[] = { "x", NULL };
	CHECK(strstr(output_of("./s4", argv, argv + 1), "[./s4]") != NULL);
	exec_fails("./s6", ELOOP);
}

TEST(proc, script_bad_interpreter)
{
	char line[PATH_MAX + 16], cwd[PATH_MAX];

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	script_make("missing", "#!/no/such/interpreter\n");
	exec_fails("missing", ENOENT);
	file_make("plain", "x", 1);
	snprintf(line, sizeof(line), "#!%s/plain\n", cwd);
	script_make("noexec", line);
	exec_fails("noexec", EACCES);
	snprintf(line, sizeof(line), "#!%s\n", cwd);
	script_make("dir", line);
	exec_fails("dir", EACCES);
	script_make("nothing", "#!\n");
	exec_fails("nothing", ENOEXEC);
	script_make("blanks", "#!   \t \n");
	exec_fails("blanks", ENOEXEC);
}

TEST(proc, script_long_line)
{
	char line[600];

	/* An interpreter path cut off by the 256-byte limit is refused. */
	memset(line, 'a', sizeof(line));
	memcpy(line, "#!/", 3);
	line[598] = '\n';
	line[599] = '\0';
	script_make("long", line);
	exec_fails("long", ENOEXEC);
}

TEST(proc, script_unreadable_by_user, .root = true)
{
	/* The kernel, not the user, reads the first line: x alone is enough to get that far. */
	script_of_self("s", " --helper\n");
	CHECK_OK(chmod("s", 0711));
	pid_t pid = child();
	if (pid == 0) {
		char *argv[] = { "x", NULL };
		become_user();
		CHECK_STR(output_of("./s", argv, argv + 1), "[./s]\n");
		_exit(0);
	}
	expect_exit(pid, 0);
}
