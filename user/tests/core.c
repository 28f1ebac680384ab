/* core: core files: who leaves one, its notes, what of memory is in it. */
#include "ut.h"

#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>

#define PAGE 4096

static void limit_set(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	CHECK_OK(setrlimit(RLIMIT_CORE, &limit));
}

/* A child with core files on runs fn, which a signal has to end; was there one? */
static bool dies_dumped(void (*fn)(void), int sig)
{
	pid_t pid = child();
	int status;

	if (pid == 0) {
		limit_set(RLIM_INFINITY);
		fn();
		_exit(0);
	}
	status = status_of(pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), sig);
	CHECK_EQ(!!WCOREDUMP(status), access("core", F_OK) == 0);
	return WCOREDUMP(status);
}

/* --- reading one --- */

struct core {
	char *data;
	size_t size;
	Elf64_Ehdr *head;
	Elf64_Phdr *ph;
};

static struct core core_read(void)
{
	struct core c;
	struct stat st;
	int fd = (int)CHECK_OK(open("core", O_RDONLY));

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 0600);
	c.size = (size_t)st.st_size;
	c.data = mmap(NULL, c.size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(c.data != MAP_FAILED);
	CHECK_OK(close(fd));
	c.head = (Elf64_Ehdr *)c.data;
	c.ph = (Elf64_Phdr *)(c.data + c.head->e_phoff);
	CHECK(!memcmp(c.head->e_ident, ELFMAG, SELFMAG));
	CHECK_EQ(c.head->e_ident[EI_CLASS], ELFCLASS64);
	CHECK_EQ(c.head->e_type, ET_CORE);
	CHECK_EQ(c.head->e_machine, EM_RISCV);
	CHECK_EQ(c.ph[0].p_type, PT_NOTE);
	for (int i = 0; i < c.head->e_phnum; i++)
		CHECK_GE(c.size, c.ph[i].p_offset + c.ph[i].p_filesz);
	return c;
}

/* The nth note of a type, which must be there if size, its size, is not 0; NULL: none. */
static void *note(const struct core *c, uint32_t type, int nth, size_t *size)
{
	char *at = c->data + c->ph[0].p_offset, *end = at + c->ph[0].p_filesz;

	while (at < end) {
		Elf64_Nhdr *n = (Elf64_Nhdr *)at;
		char *desc = at + sizeof(*n) + ((n->n_namesz + 3) & ~3u);

		CHECK_STR(at + sizeof(*n), "CORE");
		if (n->n_type == type && nth-- == 0) {
			*size = n->n_descsz;
			return desc;
		}
		at = desc + ((n->n_descsz + 3) & ~3u);
	}
	return NULL;
}

static void *note_of_size(const struct core *c, uint32_t type, size_t want)
{
	size_t size;
	void *desc = note(c, type, 0, &size);

	CHECK(desc);
	CHECK_EQ(size, want);
	return desc;
}

/* The segment that an address of the dead process lies in; it must be there. */
static Elf64_Phdr *segment(const struct core *c, const void *at)
{
	for (int i = 1; i < c->head->e_phnum; i++) {
		Elf64_Phdr *p = &c->ph[i];

		CHECK_EQ(p->p_type, PT_LOAD);
		if ((uintptr_t)at >= p->p_vaddr && (uintptr_t)at < p->p_vaddr + p->p_memsz)
			return p;
	}
	FAIL("no segment for %p", at);
}

static const char *bytes_at(const struct core *c, const void *at)
{
	Elf64_Phdr *p = segment(c, at);

	CHECK_GE(p->p_filesz, (uintptr_t)at - p->p_vaddr + 1);
	return c->data + p->p_offset + ((uintptr_t)at - p->p_vaddr);
}

/* --- who leaves one --- */

static void quit(void)
{
	raise(SIGQUIT);
}

TEST(core, off_at_zero)
{
	pid_t pid = child();

	if (pid == 0) {
		limit_set(0);
		raise(SIGQUIT);
	}
	expect_signal(pid, SIGQUIT);
	CHECK_ERR(access("core", F_OK), ENOENT);
	/* Less than a page is nothing either. */
	pid = child();
	if (pid == 0) {
		limit_set(PAGE - 1);
		raise(SIGQUIT);
	}
	expect_signal(pid, SIGQUIT);
	CHECK_ERR(access("core", F_OK), ENOENT);
}

static int sig_to_raise;

static void raise_it(void)
{
	raise(sig_to_raise);
}

TEST(core, signals)
{
	static const int with[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
				    SIGXCPU, SIGXFSZ, SIGSYS };
	static const int without[] = { SIGHUP, SIGINT, SIGTERM, SIGKILL, SIGUSR1, SIGPIPE, 40 };

	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		sig_to_raise = with[i];
		CHECK(dies_dumped(raise_it, with[i]));
		CHECK_OK(unlink("core"));
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		sig_to_raise = without[i];
		CHECK(!dies_dumped(raise_it, without[i]));
	}
}

TEST(core, parent_is_told)
{
	pid_t pid = child();
	siginfo_t info;

	if (pid == 0) {
		limit_set(RLIM_INFINITY);
		raise(SIGABRT);
	}
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
	CHECK_EQ(info.si_code, CLD_DUMPED);
	CHECK_EQ(info.si_status, SIGABRT);
}

static void not_dumpable(void)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
	/* A child is what its parent is. */
	if (child() == 0)
		_exit(prctl(PR_GET_DUMPABLE));
	CHECK_OK(wait(NULL));
	raise(SIGQUIT);
}

TEST(core, not_dumpable)
{
	CHECK(!dies_dumped(not_dumpable, SIGQUIT));
}

static void other_user(void)
{
	become_user();
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
	raise(SIGQUIT);
}

static void other_user_again(void)
{
	become_user();
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	raise(SIGQUIT);
}

TEST(core, change_of_user, .root = true)
{
	struct stat st;

	CHECK_OK(chmod(".", 0777));
	CHECK(!dies_dumped(other_user, SIGQUIT));
	CHECK(dies_dumped(other_user_again, SIGQUIT));
	CHECK_OK(stat("core", &st));
	CHECK_EQ(st.st_uid, 1000);
	/* Who may not write to the folder leaves none. */
	CHECK_OK(unlink("core"));
	CHECK_OK(chmod(".", 0755));
	CHECK(!dies_dumped(other_user_again, SIGQUIT));
}

/* What has the name goes, whatever else it is known as. */
TEST(core, takes_the_place)
{
	char text[8];

	file_make("other", "keep", 4);
	CHECK_OK(link("other", "core"));
	CHECK(dies_dumped(quit, SIGQUIT));
	file_text("other", text, sizeof(text));
	CHECK_STR(text, "keep");
	CHECK_OK(unlink("core"));
	CHECK_OK(symlink("other", "core"));
	CHECK(dies_dumped(quit, SIGQUIT));
	file_text("other", text, sizeof(text));
	CHECK_STR(text, "keep");
	core_read();
}

TEST(core, limit_cuts)
{
	pid_t pid = child();
	struct stat st;
	int status;

	if (pid == 0) {
		limit_set(3 * PAGE);
		raise(SIGQUIT);
	}
	status = status_of(pid);
	CHECK_EQ(status, SIGQUIT | 0x80);
	CHECK_OK(stat("core", &st));
	CHECK_GE(3 * PAGE, st.st_size);
	CHECK_GE(st.st_size, PAGE / 2);
}

/* --- notes --- */

static void fault_at_8(void)
{
	CHECK_OK(prctl(PR_SET_NAME, "dying"));
	__asm__ volatile("li s1, 0x1234\n\tli t0, 0x4008000000000000\n\tfmv.d.x fs0, t0\n\t"
			 "li t1, 8\n\tsd zero, 0(t1)" ::: "s1", "t0", "t1", "fs0", "memory");
}

TEST(core, notes_of_the_process)
{
	char auxv[1024];
	prstatus_t *status;
	prpsinfo_t *info;
	siginfo_t *si;
	uint64_t *fp;
	struct core c;
	size_t size;

	CHECK(dies_dumped(fault_at_8, SIGSEGV));
	c = core_read();
	status = note_of_size(&c, NT_PRSTATUS, 376);
	CHECK_EQ(status->pr_info.si_signo, SIGSEGV);
	CHECK_EQ(status->pr_cursig, SIGSEGV);
	CHECK_EQ(status->pr_ppid, getpid());
	CHECK_EQ(status->pr_pgrp, getpgrp());
	CHECK_EQ(status->pr_sid, getsid(0));
	CHECK_EQ(((uint64_t *)&status->pr_reg)[9], 0x1234); /* s1 */
	CHECK_EQ(((uint64_t *)&status->pr_reg)[6], 8); /* t1 */
	info = note_of_size(&c, NT_PRPSINFO, 136);
	CHECK_EQ(info->pr_pid, status->pr_pid);
	CHECK_EQ(info->pr_uid, getuid());
	CHECK_EQ(info->pr_sname, 'R');
	CHECK_STR(info->pr_fname, "dying");
	CHECK(strstr(info->pr_psargs, "usertests"));
	si = note_of_size(&c, NT_SIGINFO, 128);
	CHECK_EQ(si->si_signo, SIGSEGV);
	CHECK_EQ(si->si_code, SEGV_MAPERR);
	CHECK_EQ((uintptr_t)si->si_addr, 8);
	fp = note_of_size(&c, NT_FPREGSET, 33 * 8);
	CHECK_EQ(fp[8], 0x4008000000000000);
	size = read_full((int)CHECK_OK(open("/proc/self/auxv", O_RDONLY)), auxv, sizeof(auxv));
	/* Linux keeps room for more than there are. */
	CHECK(!memcmp(note(&c, NT_AUXV, 0, &size), auxv, size < sizeof(auxv) ? size : 256));
}

/* Our program's file, from its beginning, with its header in the core file. */
TEST(core, note_of_files)
{
	extern const char __ehdr_start[];
	uint64_t *map, n;
	struct core c;
	size_t size;
	char *name;

	CHECK(dies_dumped(quit, SIGQUIT));
	c = core_read();
	map = note(&c, NT_FILE, 0, &size);
	CHECK(map);
	n = map[0];
	CHECK_GE(n, 1);
	CHECK_EQ(map[1], PAGE);
	CHECK_EQ(map[2], (uintptr_t)__ehdr_start);
	CHECK_EQ(map[4], 0);
	name = (char *)&map[2 + 3 * n];
	CHECK_STR(name, self_path());
	CHECK(!memcmp(bytes_at(&c, __ehdr_start), ELFMAG, SELFMAG));
}

#define THREADS 4

static volatile uint64_t ready[THREADS + 1];

static void *with_value(void *value)
{
	__asm__ volatile("mv s1, %0\n\tfmv.d.x fs0, %0\n\tsd s1, (%1)\n1:\tj 1b"
			 :: "r"(value), "r"(&ready[(uintptr_t)value / 1000])
			 : "s1", "fs0", "memory");
	return NULL;
}

static void threads_and_quit(void)
{
	pthread_t thread;

	for (uintptr_t i = 1; i <= THREADS; i++)
		CHECK_EQ(pthread_create(&thread, NULL, with_value, (void *)(i * 1000)), 0);
	for (int i = 1; i <= THREADS; i++)
		while (!ready[i])
			sched_yield();
	raise(SIGQUIT);
}

TEST(core, threads)
{
	uint64_t *regs, *fp;
	prstatus_t *status;
	struct core c;
	size_t size;
	pid_t pid;
	int n = 0;

	CHECK(dies_dumped(threads_and_quit, SIGQUIT));
	c = core_read();
	status = note_of_size(&c, NT_PRSTATUS, 376);
	pid = ((prpsinfo_t *)note_of_size(&c, NT_PRPSINFO, 136))->pr_pid;
	CHECK_EQ(status->pr_pid, pid);
	while ((status = note(&c, NT_PRSTATUS, n + 1, &size))) {
		fp = note(&c, NT_FPREGSET, n + 1, &size);
		regs = (uint64_t *)&status->pr_reg;
		CHECK(status->pr_pid != pid);
		CHECK_EQ(regs[9] % 1000, 0);
		CHECK_EQ(fp[8], regs[9]);
		n++;
	}
	CHECK_EQ(n, THREADS);
}

/* --- memory --- */

static char *areas[7];

enum { WRITTEN, UNTOUCHED, LEFT_OUT, LOCKED_UP, SHARED, MAPPED_FILE, SPARSE };

static void quit_with_areas(void)
{
	memset(areas[WRITTEN], 'w', 2 * PAGE);
	/* It may be elsewhere by then. */
	CHECK_OK(madvise(areas[WRITTEN], 2 * PAGE, MADV_PAGEOUT));
	memset(areas[LEFT_OUT], 'l', PAGE);
	CHECK_OK(madvise(areas[LEFT_OUT], 2 * PAGE, MADV_DONTDUMP));
	memset(areas[LOCKED_UP], 'n', PAGE);
	CHECK_OK(mprotect(areas[LOCKED_UP], 2 * PAGE, PROT_NONE));
	memset(areas[SHARED], 's', PAGE);
	memset(areas[SPARSE] + (64 << 20), 'h', PAGE);
	raise(SIGQUIT);
}

TEST(core, memory)
{
	/* Each area ends at one that is something else. */
	static const size_t sizes[] = { 2 * PAGE, 2 * PAGE, 2 * PAGE, 2 * PAGE, 2 * PAGE, 2 * PAGE,
					128 << 20 };
	struct stat st;
	struct core c;
	int fd;

	file_pattern("file", 2 * PAGE, 1);
	fd = (int)CHECK_OK(open("file", O_RDONLY));
	for (int i = 0; i < 7; i++) {
		areas[i] = mmap(NULL, sizes[i] + PAGE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(areas[i] != MAP_FAILED);
		CHECK(mmap(areas[i], sizes[i], PROT_READ | (i == MAPPED_FILE ? 0 : PROT_WRITE),
			   MAP_FIXED | MAP_NORESERVE | (i == SHARED ? MAP_SHARED : MAP_PRIVATE) |
			   (i == MAPPED_FILE ? 0 : MAP_ANONYMOUS),
			   i == MAPPED_FILE ? fd : -1, 0) != MAP_FAILED);
	}
	CHECK(dies_dumped(quit_with_areas, SIGQUIT));
	c = core_read();
	CHECK_EQ(bytes_at(&c, areas[WRITTEN])[PAGE + 1], 'w');
	CHECK_EQ(segment(&c, areas[WRITTEN])->p_flags, PF_R | PF_W);
	CHECK_EQ(segment(&c, areas[UNTOUCHED])->p_filesz, 0);
	CHECK_EQ(segment(&c, areas[LEFT_OUT])->p_filesz, 0);
	CHECK_EQ(bytes_at(&c, areas[LOCKED_UP])[9], 'n');
	CHECK_EQ(segment(&c, areas[LOCKED_UP])->p_flags, 0);
	CHECK_EQ(bytes_at(&c, areas[SHARED])[9], 's');
	CHECK_EQ(segment(&c, areas[MAPPED_FILE])->p_filesz, 0);
	CHECK_EQ(segment(&c, areas[MAPPED_FILE])->p_memsz, 2 * PAGE);
	CHECK_EQ(bytes_at(&c, areas[SPARSE])[0], 0);
	CHECK_EQ(bytes_at(&c, areas[SPARSE])[64 << 20], 'h');
	/* What was never touched takes no room. */
	CHECK_OK(stat("core", &st));
	CHECK_GE(st.st_size, 128 << 20);
	CHECK_GE(16 << 20, st.st_blocks * 512);
}
