/* Capabilities: who has them, what each allows, what changes of ids and exec make of them. */
#include "ut.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#define BIT(cap) (1ULL << (cap))

struct caps {
	uint64_t effective, permitted, inheritable;
};

static int get(uint32_t version, pid_t pid, struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct h = { .version = version, .pid = pid };

	return (int)syscall(SYS_capget, &h, data);
}

static struct caps caps_of(pid_t pid)
{
	struct __user_cap_data_struct d[2];

	CHECK_OK(get(_LINUX_CAPABILITY_VERSION_3, pid, d));
	return (struct caps){ d[0].effective | (uint64_t)d[1].effective << 32,
			      d[0].permitted | (uint64_t)d[1].permitted << 32,
			      d[0].inheritable | (uint64_t)d[1].inheritable << 32 };
}

static int set(struct caps c)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)c.effective, (uint32_t)c.permitted, (uint32_t)c.inheritable },
		{ (uint32_t)(c.effective >> 32), (uint32_t)(c.permitted >> 32),
		  (uint32_t)(c.inheritable >> 32) },
	};

	return (int)syscall(SYS_capset, &h, d);
}

/* Without this power from now on, but able to take it up again. */
static void lower(int cap)
{
	struct caps c = caps_of(0);

	c.effective &= ~BIT(cap);
	CHECK_OK(set(c));
}

static void raise_again(int cap)
{
	struct caps c = caps_of(0);

	c.effective |= BIT(cap);
	CHECK_OK(set(c));
}

TEST(cap, versions)
{
	struct __user_cap_header_struct h = { .version = 7 };
	struct __user_cap_data_struct d[3];

	CHECK_ERR(syscall(SYS_capget, &h, d), EINVAL);
	CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	h.version = 7;
	CHECK_OK(syscall(SYS_capget, &h, NULL));
	CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	h.version = 7;
	CHECK_ERR(syscall(SYS_capset, &h, d), EINVAL);
	CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	memset(d, 0x55, sizeof(d));
	CHECK_OK(get(_LINUX_CAPABILITY_VERSION_1, 0, d));
	CHECK_EQ(d[1].effective, 0x55555555);
	CHECK_OK(get(_LINUX_CAPABILITY_VERSION_2, 0, d));
	CHECK(d[1].effective != 0x55555555);
	CHECK_EQ(d[2].effective, 0x55555555);
	CHECK_ERR(get(_LINUX_CAPABILITY_VERSION_3, -1, d), EINVAL);
	CHECK_ERR(get(_LINUX_CAPABILITY_VERSION_3, 0x3fffff, d), ESRCH);
	CHECK_ERR(get(_LINUX_CAPABILITY_VERSION_3, 0, (void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_capget, (void *)8, d), EFAULT);
	CHECK_ERR(syscall(SYS_capset, (void *)8, d), EFAULT);
}

TEST(cap, set_errors, .root = true)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	struct caps c = caps_of(0);

	CHECK_EQ(c.effective, c.permitted);
	CHECK(c.permitted & BIT(CAP_SYS_ADMIN));
	CHECK_ERR(syscall(SYS_capset, &h, (void *)8), EFAULT);
	h.pid = getppid();
	CHECK_OK(get(_LINUX_CAPABILITY_VERSION_3, 0, d));
	CHECK_ERR(syscall(SYS_capset, &h, d), EPERM);
	h.pid = getpid();
	CHECK_OK(syscall(SYS_capset, &h, d));
	c.permitted &= ~BIT(CAP_KILL);
	CHECK_ERR(set(c), EPERM); /* effective, yet not permitted */
	c.effective &= ~BIT(CAP_KILL);
	CHECK_OK(set(c));
	CHECK_EQ(caps_of(getpid()).permitted, c.permitted);
	c.permitted |= BIT(CAP_KILL);
	CHECK_ERR(set(c), EPERM); /* what is gone is gone */
	c.permitted &= ~BIT(CAP_KILL);
	c.inheritable = BIT(CAP_KILL);
	CHECK_OK(set(c)); /* CAP_SETPCAP may, within the bounding set */
	c.inheritable = 0;
	c.effective &= ~BIT(CAP_SETPCAP);
	CHECK_OK(set(c));
	c.inheritable = BIT(CAP_KILL);
	CHECK_ERR(set(c), EPERM);
	c.inheritable = BIT(CAP_CHOWN);
	CHECK_OK(set(c));
}

TEST(cap, ids_change_them, .root = true)
{
	struct caps all = caps_of(0), c;

	/* Effective ones go and come with the effective id, the others with the last id of root. */
	CHECK_OK(syscall(SYS_setresuid, -1, 1000, -1));
	c = caps_of(0);
	CHECK_EQ(c.effective, 0);
	CHECK_EQ(c.permitted, all.permitted);
	CHECK_OK(syscall(SYS_setresuid, -1, 0, -1));
	CHECK_EQ(caps_of(0).effective, all.permitted);
	lower(CAP_SETUID);
	CHECK_ERR(syscall(SYS_setresuid, 1000, 1000, 1000), EPERM);
	CHECK_ERR(syscall(SYS_setuid, 1000), EPERM);
	CHECK_ERR(syscall(SYS_setreuid, 1000, 1000), EPERM);
	raise_again(CAP_SETUID);
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	c = caps_of(0);
	CHECK_EQ(c.effective | c.permitted | c.inheritable, 0);
}

TEST(cap, keepcaps, .root = true)
{
	struct caps all = caps_of(0), c;

	CHECK_EQ(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0), EINVAL);
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 1);
	CHECK_EQ(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), SECBIT_KEEP_CAPS);
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	c = caps_of(0);
	CHECK_EQ(c.effective, 0);
	CHECK_EQ(c.permitted, all.permitted);
	file_make("f", "", 0);
	CHECK_ERR(chown("f", 1, -1), EPERM);
	raise_again(CAP_CHOWN);
	CHECK_OK(chown("f", 1, -1));
}

TEST(cap, fsuid, .root = true)
{
	const uint64_t fs = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |
			    BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) |
			    BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE);
	struct caps all = caps_of(0);

	setfsuid(1000);
	CHECK_EQ(caps_of(0).effective, all.effective & ~fs);
	CHECK_EQ(caps_of(0).permitted, all.permitted);
	setfsuid(0);
	CHECK_EQ(caps_of(0).effective, all.effective);
}

TEST(cap, securebits, .root = true)
{
	struct caps all = caps_of(0);

	CHECK_ERR(prctl(PR_SET_SECUREBITS, 0x10000, 0, 0, 0), EPERM);
	lower(CAP_SETPCAP);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), EPERM);
	raise_again(CAP_SETPCAP);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED, 0, 0,
		       0));
	CHECK_ERR(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), EPERM);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), EPERM);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0),
		  EPERM);
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK_EQ(caps_of(0).effective, all.effective);
	setfsuid(1001);
	CHECK_EQ(caps_of(0).effective, all.effective);
}

/* Files: each power of its own. */
TEST(cap, files, .root = true)
{
	char c;
	int fd;

	file_make("f", "x", 1);
	CHECK_OK(chown("f", 1000, 1000));
	CHECK_OK(chmod("f", 0));
	lower(CAP_CHOWN);
	CHECK_ERR(chown("f", 0, -1), EPERM);
	lower(CAP_DAC_OVERRIDE);
	CHECK_ERR(open("f", O_WRONLY), EACCES);
	fd = CHECK_OK(open("f", O_RDONLY)); /* CAP_DAC_READ_SEARCH */
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_OK(close(fd));
	/* access(2) does not ask what is effective at the moment. */
	CHECK_OK(access("f", W_OK));
	CHECK_ERR(faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS), EACCES);
	lower(CAP_DAC_READ_SEARCH);
	CHECK_ERR(open("f", O_RDONLY), EACCES);
	CHECK_OK(chmod("f", 06777));
	lower(CAP_FOWNER);
	CHECK_ERR(chmod("f", 0700), EPERM);
	CHECK_ERR(open("f", O_RDONLY | O_NOATIME), EPERM);
	lower(CAP_MKNOD);
	CHECK_ERR(mknod("n", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	CHECK_OK(mkfifo("p", 0600));
	lower(CAP_SYS_CHROOT);
	CHECK_ERR(chroot("/"), EPERM);
}

TEST(cap, set_id_bits, .root = true)
{
	struct stat st;
	int fd;

	file_make("f", "x", 1);
	CHECK_OK(chmod("f", 06777));
	fd = CHECK_OK(open("f", O_WRONLY));
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 06777);
	lower(CAP_FSETID);
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 0777);
}

TEST(cap, directories, .root = true)
{
	CHECK_OK(mkdir("d", 0));
	file_make("d/f", "x", 1);
	CHECK_OK(chown("d", 1000, 1000));
	lower(CAP_DAC_OVERRIDE);
	CHECK_ERR(open("d/g", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_OK(access("d/f", F_OK));
	CHECK_OK(close((int)CHECK_OK(open("d/f", O_RDWR))));
	lower(CAP_DAC_READ_SEARCH);
	CHECK_ERR(open("d/f", O_RDWR), EACCES);
	raise_again(CAP_DAC_OVERRIDE);
}

TEST(cap, processes, .root = true)
{
	struct rlimit more = { 1000, 5000 };
	gid_t none = 7;
	pid_t other = child_pausing();
	pid_t pid = child();

	if (pid == 0) {
		struct rlimit less = { 500, 1000 };

		CHECK_OK(setrlimit(RLIMIT_NOFILE, &less));
		CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
		CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
		CHECK_ERR(kill(other, 0), EPERM);
		raise_again(CAP_KILL);
		CHECK_OK(kill(other, 0));
		CHECK_ERR(setrlimit(RLIMIT_NOFILE, &more), EPERM);
		raise_again(CAP_SYS_RESOURCE);
		CHECK_OK(setrlimit(RLIMIT_NOFILE, &more));
		CHECK_ERR(setpriority(PRIO_PROCESS, 0, -1), EACCES);
		raise_again(CAP_SYS_NICE);
		CHECK_OK(setpriority(PRIO_PROCESS, 0, -1));
		CHECK_ERR(syscall(SYS_setgroups, 1, &none), EPERM);
		CHECK_ERR(syscall(SYS_setgid, 7), EPERM);
		raise_again(CAP_SETGID);
		CHECK_OK(syscall(SYS_setgroups, 1, &none));
		CHECK_OK(syscall(SYS_setgid, 7));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(kill(other, SIGKILL));
	expect_signal(other, SIGKILL);
}

TEST(cap, system, .root = true)
{
	struct rlimit none = { 0, 0 };

	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &none));
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK_OK(mlock(page, 4096));
	lower(CAP_IPC_LOCK);
	CHECK_ERR(mlock(page, 4096), EPERM);
	lower(CAP_SYS_ADMIN);
	CHECK_ERR(mount("none", ".", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(sethostname("x", 1), EPERM);
}

/* Executes "usertests --helper caps" and checks what that has, permitted and effective. */
static void expect_exec(uint64_t permitted, uint64_t effective, bool secure)
{
	char want[64];
	pid_t pid = child();

	if (pid == 0) {
		snprintf(want, sizeof(want), "%llx %llx %d", (unsigned long long)permitted,
			 (unsigned long long)effective, secure);
		exec_helper("caps", want);
		FAIL("exec: %s", strerrorname_np(errno));
	}
	expect_exit(pid, 0);
}

TEST(cap, exec_of_root, .root = true)
{
	struct caps all = caps_of(0);

	expect_exec(all.permitted, all.permitted, false);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0));
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_BOOT, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), 1);
	CHECK_ERR(prctl(PR_CAPBSET_READ, 64, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, 64, 0, 0, 0), EINVAL);
	CHECK_EQ(caps_of(0).permitted, all.permitted);
	all.permitted &= ~BIT(CAP_SYS_BOOT);
	expect_exec(all.permitted, all.permitted, false);
	CHECK_OK(set((struct caps){ BIT(CAP_SETPCAP), BIT(CAP_SETPCAP) | BIT(CAP_KILL), 0 }));
	expect_exec(all.permitted, all.permitted, false);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		expect_exec(BIT(CAP_SETPCAP) | BIT(CAP_KILL), BIT(CAP_SETPCAP) | BIT(CAP_KILL),
			    false);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
	expect_exec(0, 0, false);
	CHECK_OK(set((struct caps){ 0, 0, 0 }));
	CHECK_ERR(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0), EPERM);
}

TEST(cap, exec_of_others, .root = true)
{
	struct caps all = caps_of(0);

	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	/* Root by the real id alone: permitted, not effective. */
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(syscall(SYS_setresuid, 0, 1000, 1000));
		expect_exec(all.permitted, 0, true);
		CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 0));
		expect_exec(0, 0, false);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	expect_exec(0, 0, false);
}

TEST(cap, ambient, .root = true)
{
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK_OK(set((struct caps){ 0, BIT(CAP_KILL) | BIT(CAP_CHOWN), BIT(CAP_KILL) }));
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, CAP_KILL, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
	expect_exec(BIT(CAP_KILL), BIT(CAP_KILL), false);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	expect_exec(0, 0, false);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	expect_exec(0, 0, false);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	/* No longer inheritable: no longer ambient. */
	CHECK_OK(set((struct caps){ 0, BIT(CAP_KILL), 0 }));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 0);
}

TEST(cap, proc_status, .root = true)
{
	char text[4096], want[128];
	const uint64_t own = BIT(CAP_CHOWN), gift = BIT(CAP_KILL);

	CHECK_OK(set((struct caps){ own, own | gift, gift }));
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	file_text("/proc/self/status", text, sizeof(text));
	snprintf(want, sizeof(want),
		 "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:", gift,
		 own | gift, own);
	CHECK(strstr(text, want) != NULL);
	snprintf(want, sizeof(want), "\nCapAmb:\t%016lx\n", gift);
	CHECK(strstr(text, want) != NULL);
	file_text("/proc/sys/kernel/cap_last_cap", text, sizeof(text));
	CHECK_EQ(prctl(PR_CAPBSET_READ, atoi(text), 0, 0, 0), 1);
	CHECK_ERR(prctl(PR_CAPBSET_READ, atoi(text) + 1, 0, 0, 0), EINVAL);
}

/* A process that is over keeps its sets until it is waited for. */
TEST(cap, of_a_zombie)
{
	struct __user_cap_data_struct d[2];
	struct caps mine = caps_of(0), its;
	pid_t pid = child();

	if (!pid)
		_exit(0);
	wait_state(pid, "Z");
	its = caps_of(pid);
	CHECK_EQ(its.effective, mine.effective);
	CHECK_EQ(its.permitted, mine.permitted);
	CHECK_EQ(its.inheritable, mine.inheritable);
	expect_exit(pid, 0);
	CHECK_ERR(get(_LINUX_CAPABILITY_VERSION_3, pid, d), ESRCH);
}
