/* Keys and keyrings: add_key, request_key, keyctl. */
#include "ut.h"

#include <linux/keyctl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#define THREAD	KEY_SPEC_THREAD_KEYRING
#define PROCESS KEY_SPEC_PROCESS_KEYRING
#define SESSION KEY_SPEC_SESSION_KEYRING
#define USER	KEY_SPEC_USER_KEYRING

static long add(const char *type, const char *desc, const void *data, size_t n, int ring)
{
	return syscall(SYS_add_key, type, desc, data, n, ring);
}

static long request(const char *type, const char *desc, const char *info, int ring)
{
	return syscall(SYS_request_key, type, desc, info, ring);
}

static long ctl(int op, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

static long new_key(const char *desc, int ring)
{
	return CHECK_OK(add("user", desc, "abc", 3, ring));
}

static long new_ring(const char *desc, int ring)
{
	return CHECK_OK(add("keyring", desc, NULL, 0, ring));
}

static long read_key(long key, char *buf, size_t n)
{
	return ctl(KEYCTL_READ, key, (long)buf, (long)n, 0);
}

TEST(keys, add_and_read)
{
	char buf[8] = "";
	long key;

	key = CHECK_OK(add("user", "one", "hello", 5, PROCESS));
	CHECK_EQ(read_key(key, NULL, 0), 5);
	CHECK_EQ(read_key(key, buf, sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	/* The same name in the same ring: the same key. */
	CHECK_EQ(add("user", "one", "bye", 3, PROCESS), key);
	CHECK_EQ(read_key(key, buf, 2), 3);
	CHECK_EQ(ctl(KEYCTL_UPDATE, key, (long)"xy", 2, 0), 0);
	CHECK_EQ(read_key(key, buf, sizeof(buf)), 2);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)NULL, 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)NULL, 2, 0), EFAULT);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)buf, 5000, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, 8, 8, 0), EFAULT);
	CHECK_ERR(read_key(key, (char *)8, 8), EFAULT);
	/* Another ring has another. */
	CHECK(add("user", "one", "bye", 3, THREAD) != key);
	/* One that keeps its contents from programs. */
	key = CHECK_OK(add("logon", "a:b", "secret", 6, PROCESS));
	CHECK_ERR(read_key(key, buf, sizeof(buf)), EOPNOTSUPP);
}

TEST(keys, add_errors)
{
	static char big[32768];
	char name[5000];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = 0;
	CHECK_ERR(add("user", "a", "b", 0, PROCESS), EINVAL);
	CHECK_ERR(add("user", "a", NULL, 1, PROCESS), EFAULT);
	CHECK_ERR(add("user", "a", big, sizeof(big), PROCESS), EINVAL);
	CHECK_ERR(add("user", "a", big, 1 << 20, PROCESS), EINVAL);
	CHECK_OK(add("user", "a", big, sizeof(big) - 1, PROCESS));
	CHECK_ERR(add("user", "", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("user", NULL, "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("user", name, "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("user", (char *)8, "b", 1, PROCESS), EFAULT);
	CHECK_ERR(add((char *)8, "a", "b", 1, PROCESS), EFAULT);
	CHECK_ERR(add("", "a", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add(name, "a", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add(".x", "a", "b", 1, PROCESS), EPERM);
	CHECK_ERR(add("nothing", "a", "b", 1, PROCESS), ENODEV);
	CHECK_ERR(add("keyring", "a", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("keyring", ".a", NULL, 0, PROCESS), EPERM);
	CHECK_ERR(add("logon", "a", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("logon", ":a", "b", 1, PROCESS), EINVAL);
	CHECK_ERR(add("user", "a", "b", 1, 0), EINVAL);
	CHECK_ERR(add("user", "a", "b", 1, 1), ENOKEY);
	CHECK_ERR(add("user", "a", "b", 1, KEY_SPEC_GROUP_KEYRING), EINVAL);
	CHECK_ERR(add("user", "a", "b", 1, KEY_SPEC_REQKEY_AUTH_KEY), ENOKEY);
	CHECK_ERR(add("user", "a", "b", 1, KEY_SPEC_REQUESTOR_KEYRING), ENOKEY);
	CHECK_ERR(add("user", "a", "b", 1, -9), EINVAL);
	CHECK_ERR(add("user", "a", "b", 1, (int)new_key("b", PROCESS)), ENOTDIR);
	CHECK_ERR(ctl(1000, 0, 0, 0, 0), EOPNOTSUPP);
}

TEST(keys, described)
{
	char buf[256] = "", want[256];
	long key = new_key("some name", PROCESS), n;

	n = CHECK_OK(ctl(KEYCTL_DESCRIBE, key, (long)buf, sizeof(buf), 0));
	snprintf(want, sizeof(want), "user;%d;%d;3f010000;some name", getuid(), getgid());
	CHECK_STR(buf, want);
	CHECK_EQ(n, strlen(want) + 1);
	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(ctl(KEYCTL_DESCRIBE, key, (long)buf, n - 1, 0), n);
	CHECK_EQ(buf[0], 'x');
	key = CHECK_OK(add("logon", "a:b", "c", 1, PROCESS));
	CHECK_OK(ctl(KEYCTL_DESCRIBE, key, (long)buf, sizeof(buf), 0));
	snprintf(want, sizeof(want), "logon;%d;%d;3d010000;a:b", getuid(), getgid());
	CHECK_STR(buf, want);
	CHECK_OK(ctl(KEYCTL_DESCRIBE, PROCESS, (long)buf, sizeof(buf), 0));
	snprintf(want, sizeof(want), "keyring;%d;%d;3f010000;_pid", getuid(), getgid());
	CHECK_STR(buf, want);
	CHECK_OK(ctl(KEYCTL_DESCRIBE, USER, (long)buf, sizeof(buf), 0));
	snprintf(want, sizeof(want), "keyring;%d;65534;1f3f0000;_uid.%d", getuid(), getuid());
	CHECK_STR(buf, want);
	CHECK_EQ(ctl(KEYCTL_GET_SECURITY, key, (long)buf, sizeof(buf), 0), 1);
	CHECK_STR(buf, "");
}

TEST(keys, special_rings, .root = true)
{
	char name[32];
	long ring;
	pid_t pid;

	CHECK_ERR(ctl(KEYCTL_GET_KEYRING_ID, THREAD, 0, 0, 0), ENOKEY);
	CHECK_ERR(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 0, 0, 0), ENOKEY);
	ring = CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 1, 0, 0));
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 0, 0, 0), ring);
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, ring, 0, 0, 0), ring);
	/* A child has neither that of its parent nor that of its parent's thread. */
	pid = child();
	if (!pid) {
		CHECK_ERR(ctl(KEYCTL_GET_KEYRING_ID, PROCESS, 0, 0, 0), ENOKEY);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* The user's session has the user's ring. */
	CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0, 0, 0));
	ring = CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, USER, 0, 0, 0));
	CHECK_EQ(ctl(KEYCTL_SEARCH, KEY_SPEC_USER_SESSION_KEYRING, (long)"keyring",
		     (long)strcat(strcpy(name, "_uid."), "0"), 0), ring);
}

/* A session goes to children, over exec, and to nobody else. */
TEST(keys, session)
{
	long first, second, named, key;
	pid_t pid;

	first = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), first);
	key = new_key("in session", SESSION);
	pid = child();
	if (!pid) {
		CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), first);
		CHECK_EQ(request("user", "in session", NULL, 0), key);
		CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
		CHECK_ERR(request("user", "in session", NULL, 0), ENOKEY);
		/* It is not possessed any more. */
		CHECK_ERR(ctl(KEYCTL_READ, key, 0, 0, 0), EACCES);
		CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)"x", 1, 0), EACCES);
		CHECK_ERR(ctl(KEYCTL_SET_TIMEOUT, key, 5, 0, 0), EACCES);
		CHECK_OK(ctl(KEYCTL_DESCRIBE, key, 0, 0, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), first);
	named = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"xv39 named", 0, 0, 0));
	CHECK(named != first);
	CHECK_ERR(request("user", "in session", NULL, 0), ENOKEY);
	CHECK_OK(ctl(KEYCTL_SETPERM, named, 0x3f3f0000, 0, 0));
	second = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	CHECK(second != named);
	CHECK_ERR(ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)".name", 0, 0, 0), EPERM);
	CHECK_ERR(ctl(KEYCTL_JOIN_SESSION_KEYRING, 8, 0, 0, 0), EFAULT);
}

TEST(keys, session_to_parent)
{
	long theirs;
	pid_t pid;

	CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	pid = child();
	if (!pid) {
		CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
		new_key("from a child", SESSION);
		CHECK_OK(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	theirs = CHECK_OK(request("user", "from a child", NULL, 0));
	CHECK_EQ(read_key(theirs, NULL, 0), 3);
}

/* A child's new session is not to be ours. */
static void session_refused(void)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
		CHECK_ERR(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Whose session it is to be must be one with the child, as must be what it leaves. */
TEST(keys, session_to_parent_refused, .root = true)
{
	long ring = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	pid_t pid;

	CHECK_OK(setresuid(2345, 2345, 0));
	pid = child();
	if (!pid) {
		CHECK_OK(setresuid(2345, 2345, 2345));
		/* It has the same: nobody asks whose it is. */
		CHECK_EQ(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(setresuid(2345, 2345, 2345));
	session_refused();
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), ring);
	CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	pid = child();
	if (!pid) {
		ring = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
		/* Not to be linked. */
		CHECK_OK(ctl(KEYCTL_SETPERM, ring, 0x2f2f0000, 0, 0));
		CHECK_ERR(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0), EACCES);
		CHECK_OK(ctl(KEYCTL_SETPERM, ring, 0x3f3f0000, 0, 0));
		CHECK_EQ(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Who has no session of its own gives the user's. */
TEST(keys, session_to_parent_of_user, .root = true)
{
	pid_t pid = child();

	if (!pid)
		_exit(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0) != 0);
	expect_exit(pid, 0);
}

/* The line of /proc/key-users: keys and bytes that are counted, and their limits. */
static void counted(uid_t uid, long *v)
{
	char *text = malloc(65536), name[16], *line;

	snprintf(name, sizeof(name), "%5u: ", uid);
	file_text("/proc/key-users", text, 65536);
	line = strstr(text, name);
	CHECK(line);
	CHECK_EQ(sscanf(line, "%*u: %*d %*d/%*d %ld/%ld %ld/%ld", &v[0], &v[1], &v[2], &v[3]), 4);
	free(text);
}

/* The first thread has ended, so nobody's session can be another. */
static void *go_on_alone(void *first)
{
	CHECK_EQ(pthread_join(*(pthread_t *)first, NULL), 0);
	wait_state(getpid(), "Z");
	session_refused();
	_exit(0);
}

TEST(keys, session_to_parent_without_leader, .root = true)
{
	static pthread_t first;
	pthread_t second;
	long before[4], v[4];
	pid_t pid;

	CHECK_OK(setuid(2347));
	CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, USER, 0, 0, 0));
	counted(2347, before);
	pid = child();
	if (!pid) {
		first = pthread_self();
		CHECK_EQ(pthread_create(&second, NULL, go_on_alone, &first), 0);
		pthread_exit(NULL);
	}
	expect_exit(pid, 0);
	/* Linux frees keys behind our back. */
	do {
		counted(2347, v);
	} while (v[0] != before[0] || v[2] != before[2]);
}

TEST(keys, links)
{
	long a = new_ring("a", PROCESS), b = new_ring("b", PROCESS), key = new_key("k", (int)a);
	uint32_t list[4] = { 0, 0, 7, 7 };

	CHECK_OK(ctl(KEYCTL_LINK, key, b, 0, 0));
	CHECK_OK(ctl(KEYCTL_LINK, key, b, 0, 0));
	CHECK_EQ(read_key(b, NULL, 0), 4);
	new_key("l", (int)b);
	/* How much there is; and it, if it fits as a whole. */
	CHECK_ERR(read_key(b, (char *)&list[2], 6), EINVAL);
	CHECK_EQ(read_key(b, (char *)&list[2], 4), 8);
	CHECK(list[2] == 7 && list[3] == 7);
	CHECK_EQ(read_key(b, (char *)&list[1], 12), 8);
	CHECK(list[1] != 0 && list[2] != 7 && list[3] == 7);
	CHECK_OK(ctl(KEYCTL_UNLINK, key, b, 0, 0));
	CHECK_ERR(ctl(KEYCTL_UNLINK, key, b, 0, 0), ENOENT);
	CHECK_ERR(ctl(KEYCTL_UNLINK, key, key, 0, 0), ENOTDIR);
	CHECK_ERR(ctl(KEYCTL_LINK, key, key, 0, 0), ENOTDIR);
	CHECK_OK(ctl(KEYCTL_LINK, b, a, 0, 0));
	CHECK_ERR(ctl(KEYCTL_LINK, a, b, 0, 0), EDEADLK);
	CHECK_ERR(ctl(KEYCTL_LINK, a, a, 0, 0), EDEADLK);
	CHECK_OK(ctl(KEYCTL_CLEAR, b, 0, 0, 0));
	CHECK_EQ(read_key(b, NULL, 0), 0);
	CHECK_ERR(ctl(KEYCTL_CLEAR, key, 0, 0, 0), ENOTDIR);
	/* Who has no link to it any more does not possess it. */
	CHECK_OK(ctl(KEYCTL_UNLINK, key, a, 0, 0));
	CHECK_EQ(ctl(KEYCTL_LINK, key, b, 0, 0), -1);
	CHECK(errno == EACCES || errno == ENOKEY);
}

TEST(keys, moves)
{
	long a = new_ring("a", PROCESS), b = new_ring("b", PROCESS), key = new_key("k", (int)a);
	long other = new_key("m", (int)b);

	new_key("k", (int)b);
	CHECK_ERR(ctl(KEYCTL_MOVE, key, a, b, KEYCTL_MOVE_EXCL), EEXIST);
	CHECK_ERR(ctl(KEYCTL_MOVE, key, a, b, 2), EINVAL);
	CHECK_ERR(ctl(KEYCTL_MOVE, other, a, b, 0), ENOENT);
	CHECK_OK(ctl(KEYCTL_MOVE, key, a, a, 0));
	CHECK_OK(ctl(KEYCTL_MOVE, key, a, b, 0));
	CHECK_EQ(read_key(a, NULL, 0), 0);
	CHECK_EQ(ctl(KEYCTL_SEARCH, b, (long)"user", (long)"k", 0), key);
	CHECK_ERR(ctl(KEYCTL_MOVE, key, a, key, 0), ENOTDIR);
}

TEST(keys, searches)
{
	long a = new_ring("a", PROCESS), b = new_ring("b", (int)a), key = new_key("k", (int)b);

	CHECK_EQ(ctl(KEYCTL_SEARCH, a, (long)"user", (long)"k", 0), key);
	CHECK_EQ(request("user", "k", NULL, 0), key);
	CHECK_ERR(ctl(KEYCTL_SEARCH, a, (long)"user", (long)"l", 0), ENOKEY);
	CHECK_ERR(ctl(KEYCTL_SEARCH, a, (long)"nothing", (long)"k", 0), ENOKEY);
	CHECK_ERR(ctl(KEYCTL_SEARCH, key, (long)"user", (long)"k", 0), ENOTDIR);
	CHECK_EQ(ctl(KEYCTL_SEARCH, a, (long)"user", (long)"k", THREAD), key);
	CHECK_EQ(ctl(KEYCTL_SEARCH, THREAD, (long)"user", (long)"k", 0), key);
	/* A ring that must not be searched hides what it has. */
	CHECK_OK(ctl(KEYCTL_CLEAR, THREAD, 0, 0, 0));
	CHECK_OK(ctl(KEYCTL_SETPERM, b, 0x37000000, 0, 0));
	CHECK_ERR(ctl(KEYCTL_SEARCH, a, (long)"user", (long)"k", 0), ENOKEY);
}

TEST(keys, permissions)
{
	long key = new_key("k", PROCESS);

	CHECK_ERR(ctl(KEYCTL_SETPERM, key, 0x40, 0, 0), EINVAL);
	CHECK_OK(ctl(KEYCTL_SETPERM, key, 0x20000000, 0, 0));
	CHECK_ERR(read_key(key, NULL, 0), EACCES);
	CHECK_ERR(ctl(KEYCTL_DESCRIBE, key, 0, 0, 0), EACCES);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)"x", 1, 0), EACCES);
	CHECK_ERR(ctl(KEYCTL_LINK, key, THREAD, 0, 0), EACCES);
	/* Nobody possesses what cannot be found. */
	CHECK_ERR(ctl(KEYCTL_SETPERM, key, 0x3f000000, 0, 0), EACCES);
	CHECK_ERR(add("user", "k", "abc", 3, PROCESS), EACCES);
	key = new_key("l", PROCESS);
	/* What may be found may be read. */
	CHECK_OK(ctl(KEYCTL_SETPERM, key, 0x28000000, 0, 0));
	CHECK_EQ(read_key(key, NULL, 0), 3);
	CHECK_ERR(ctl(KEYCTL_UPDATE, key, (long)"x", 1, 0), EACCES);
	CHECK_OK(ctl(KEYCTL_REVOKE, key, 0, 0, 0));
}

/* Who is not the owner has the other bits, and another user other rings. */
TEST(keys, of_another_user, .root = true)
{
	long key = new_key("k", USER), mine;
	pid_t pid = child();

	if (!pid) {
		become_user();
		CHECK_ERR(ctl(KEYCTL_DESCRIBE, key, 0, 0, 0), EACCES);
		CHECK_ERR(ctl(KEYCTL_CHOWN, key, 1000, -1, 0), EACCES);
		mine = new_key("k", USER);
		CHECK(mine != key);
		CHECK_ERR(ctl(KEYCTL_CHOWN, mine, 0, -1, 0), EACCES);
		CHECK_ERR(ctl(KEYCTL_CHOWN, mine, -1, 0, 0), EACCES);
		CHECK_OK(ctl(KEYCTL_CHOWN, mine, 1000, 1000, 0));
		CHECK_ERR(ctl(KEYCTL_GET_PERSISTENT, 0, USER, 0, 0), EPERM);
		CHECK_OK(ctl(KEYCTL_UNLINK, mine, USER, 0, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(ctl(KEYCTL_LINK, key, PROCESS, 0, 0));
	CHECK_OK(ctl(KEYCTL_CHOWN, key, 1000, 1000, 0));
	CHECK_OK(ctl(KEYCTL_UNLINK, key, USER, 0, 0));
}

TEST(keys, end)
{
	long revoked = new_key("r", PROCESS), invalid = new_key("i", PROCESS), old, ring;

	CHECK_OK(ctl(KEYCTL_REVOKE, revoked, 0, 0, 0));
	CHECK_ERR(read_key(revoked, NULL, 0), EKEYREVOKED);
	CHECK_ERR(ctl(KEYCTL_DESCRIBE, revoked, 0, 0, 0), EKEYREVOKED);
	CHECK_ERR(ctl(KEYCTL_REVOKE, revoked, 0, 0, 0), EKEYREVOKED);
	CHECK_ERR(ctl(KEYCTL_SEARCH, PROCESS, (long)"user", (long)"r", 0), EKEYREVOKED);
	CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	CHECK_ERR(request("user", "r", NULL, 0), ENOKEY);
	CHECK_OK(ctl(KEYCTL_UNLINK, revoked, PROCESS, 0, 0));
	CHECK_OK(ctl(KEYCTL_INVALIDATE, invalid, 0, 0, 0));
	/* Linux collects it behind our back. */
	do {
		CHECK_EQ(ctl(KEYCTL_SEARCH, PROCESS, (long)"user", (long)"i", 0), -1);
	} while (errno == EKEYREVOKED);
	CHECK_EQ(errno, ENOKEY);
	ring = new_ring("a", PROCESS);
	new_key("k", (int)ring);
	CHECK_OK(ctl(KEYCTL_REVOKE, ring, 0, 0, 0));
	CHECK_ERR(ctl(KEYCTL_CLEAR, ring, 0, 0, 0), EKEYREVOKED);
	CHECK_ERR(add("user", "k", "abc", 3, (int)ring), EKEYREVOKED);
	/* A time that is over; it may be set anew. */
	old = new_key("o", PROCESS);
	CHECK_OK(ctl(KEYCTL_SET_TIMEOUT, old, 1, 0, 0));
	while (ctl(KEYCTL_DESCRIBE, old, 0, 0, 0) >= 0)
		usleep(20000);
	CHECK_EQ(errno, EKEYEXPIRED);
	CHECK_ERR(read_key(old, NULL, 0), EKEYEXPIRED);
	CHECK_ERR(ctl(KEYCTL_SEARCH, PROCESS, (long)"user", (long)"o", 0), EKEYEXPIRED);
	CHECK_ERR(request("user", "o", NULL, 0), ENOKEY);
}

/* Nobody makes what is asked for. */
TEST(keys, request)
{
	long key = new_key("k", PROCESS);

	CHECK_EQ(request("user", "k", NULL, 0), key);
	CHECK_EQ(request("user", "k", NULL, THREAD), key);
	CHECK_EQ(ctl(KEYCTL_SEARCH, THREAD, (long)"user", (long)"k", 0), key);
	CHECK_ERR(request("user", "none", NULL, 0), ENOKEY);
	CHECK_ERR(request("nothing", "k", NULL, 0), ENOKEY);
	CHECK_ERR(request(".x", "k", NULL, 0), EPERM);
	CHECK_ERR(request("user", (char *)8, NULL, 0), EFAULT);
	CHECK_ERR(request("user", "none", (char *)8, 0), EFAULT);
	CHECK_ERR(request("user", "none", NULL, 1), ENOKEY);
	/* That there is none is kept for a while. */
	CHECK(request("user", "made", "please", PROCESS) < 0);
	CHECK(errno == ENOKEY || errno == ENOENT);
	CHECK_ERR(request("user", "made", NULL, 0), ENOKEY);
	CHECK_ERR(ctl(KEYCTL_SEARCH, PROCESS, (long)"user", (long)"made", 0), ENOKEY);
	/* Until it is there. */
	key = new_key("made", PROCESS);
	CHECK_EQ(request("user", "made", NULL, 0), key);
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, -1, 0, 0, 0), 0);
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_THREAD_KEYRING, 0, 0, 0), 0);
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_DEFAULT, 0, 0, 0), 1);
	CHECK_ERR(ctl(KEYCTL_SET_REQKEY_KEYRING, 6, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_SET_REQKEY_KEYRING, 8, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_INSTANTIATE, key, (long)"x", 1, 0), EPERM);
	CHECK_ERR(ctl(KEYCTL_NEGATE, key, 1, 0, 0), EPERM);
	CHECK_ERR(ctl(KEYCTL_REJECT, key, 1, EKEYREVOKED, 0), EPERM);
	CHECK_ERR(ctl(KEYCTL_REJECT, key, 1, 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_REJECT, key, 1, 512, 0), EINVAL);
	CHECK_EQ(ctl(KEYCTL_ASSUME_AUTHORITY, 0, 0, 0, 0), 0);
	CHECK_ERR(ctl(KEYCTL_ASSUME_AUTHORITY, -1, 0, 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_ASSUME_AUTHORITY, key, 0, 0, 0), ENOKEY);
}

/* That there is none is kept where what is made would be, if that may be written to. */
TEST(keys, request_into, .root = true)
{
	long user, ring;

	CHECK_OK(setuid(2348));
	user = CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0, 0, 0));
	if (ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0) == user) {
		CHECK_EQ(request("user", "xv39 none", "please", 0), -1);
		CHECK(errno == ENOKEY || errno == ENOENT);
		CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), user);
	}
	ring = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	CHECK_ERR(request("keyring", "none", "please", 0), EPERM);
	CHECK_OK(ctl(KEYCTL_SETPERM, ring, 0x3b000000, 0, 0));
	CHECK_ERR(request("user", "other", "please", 0), EACCES);
	CHECK_EQ(read_key(ring, NULL, 0), 0);
	CHECK_EQ(ctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_USER_KEYRING, 0, 0, 0), 0);
	CHECK_EQ(request("user", "other", "please", 0), -1);
	CHECK(errno == ENOKEY || errno == ENOENT);
}

/* A user whose rings have been invalidated gets others. */
TEST(keys, rings_of_user_invalidated, .root = true)
{
	static const int rings[] = { USER, KEY_SPEC_USER_SESSION_KEYRING };
	long old, id;

	CHECK_OK(setuid(2349));
	for (int i = 0; i < 2; i++) {
		old = CHECK_OK(ctl(KEYCTL_GET_KEYRING_ID, rings[i], 0, 0, 0));
		CHECK_OK(ctl(KEYCTL_INVALIDATE, old, 0, 0, 0));
		/* Linux collects it behind our back. */
		do {
			id = ctl(KEYCTL_GET_KEYRING_ID, rings[i], 0, 0, 0);
		} while (id < 0 && (errno == EKEYREVOKED || errno == ENOKEY));
		CHECK(id > 0);
		CHECK(id != old);
		new_key("k", rings[i]);
	}
}

/* Sizes are of 64 bits. */
TEST(keys, long_sizes)
{
	long key = new_key("k", PROCESS);
	char buf[4] = "";

	CHECK_EQ(read_key(key, buf, 1ul << 32), 3);
	CHECK_STR(buf, "abc");
	CHECK_EQ(ctl(KEYCTL_GET_SECURITY, key, (long)buf, 1l << 32, 0), 1);
	CHECK_STR(buf, "");
	CHECK_ERR(ctl(KEYCTL_GET_SECURITY, key, 8, 1l << 32, 0), EFAULT);
	CHECK_ERR(ctl(KEYCTL_DESCRIBE, key, 8, 100, 0), EFAULT);
}

/* The ring that the session has already. */
TEST(keys, session_joined_again)
{
	long ring = CHECK_OK(ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"xv39 again", 0, 0, 0));

	CHECK_OK(ctl(KEYCTL_SETPERM, ring, 0x3f3f0000, 0, 0));
	CHECK_EQ(ctl(KEYCTL_JOIN_SESSION_KEYRING, (long)"xv39 again", 0, 0, 0), 0);
	CHECK_EQ(ctl(KEYCTL_GET_KEYRING_ID, SESSION, 0, 0, 0), ring);
	CHECK_OK(ctl(KEYCTL_REVOKE, ring, 0, 0, 0));
}

TEST(keys, restricted)
{
	long ring = new_ring("a", PROCESS), key = new_key("k", PROCESS);

	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, key, 0, 0, 0), ENOTDIR);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, (long)"user", 0, 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, 0, (long)"x", 0), EINVAL);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, (long)"user", 8, 0), EFAULT);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, 8, (long)"x", 0), EFAULT);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, (long)"user", (long)"x", 0), ENOENT);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, (long)"nothing", (long)"x", 0), ENOKEY);
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, 1, (long)"user", 0, 0), ENOKEY);
	CHECK_OK(ctl(KEYCTL_RESTRICT_KEYRING, ring, 0, 0, 0));
	CHECK_ERR(ctl(KEYCTL_RESTRICT_KEYRING, ring, 0, 0, 0), EEXIST);
	CHECK_ERR(add("user", "k", "abc", 3, (int)ring), EPERM);
	CHECK_ERR(ctl(KEYCTL_LINK, key, ring, 0, 0), EPERM);
}

TEST(keys, persistent)
{
	unsigned char caps[4] = { 7, 7, 7, 7 };
	long ring;

	CHECK_EQ(ctl(KEYCTL_CAPABILITIES, (long)caps, sizeof(caps), 0, 0), 2);
	CHECK(caps[0] & KEYCTL_CAPS0_CAPABILITIES);
	CHECK_EQ(caps[2], 0);
	if (!(caps[0] & KEYCTL_CAPS0_PERSISTENT_KEYRINGS))
		SKIP("no persistent keyrings");
	ring = CHECK_OK(ctl(KEYCTL_GET_PERSISTENT, -1, PROCESS, 0, 0));
	CHECK_EQ(ctl(KEYCTL_GET_PERSISTENT, (long)getuid(), PROCESS, 0, 0), ring);
	CHECK_EQ(read_key(PROCESS, NULL, 0), 4);
}

/* Names, their ends, contents and links are counted; the limit can be reached and not passed. */
TEST(keys, quota, .root = true)
{
	static char buf[20000];
	pid_t pid = child();

	if (!pid) {
		long before[4], v[4];

		CHECK_OK(setgid(2345));
		CHECK_OK(setuid(2345));
		new_key("one", THREAD);
		counted(2345, before);
		CHECK_EQ(before[1], 200);
		CHECK_EQ(before[3], 20000);
		new_key("two", THREAD);
		counted(2345, v);
		CHECK_EQ(v[0], before[0] + 1);
		CHECK_EQ(v[2], before[2] + 4 + 3 + 4);
		CHECK_ERR(add("user", "max", buf, (size_t)(20000 - v[2] - 4 - 4 + 1), THREAD),
			  EDQUOT);
		CHECK_OK(add("user", "max", buf, (size_t)(20000 - v[2] - 4 - 4), THREAD));
		counted(2345, v);
		CHECK_EQ(v[2], 20000);
		CHECK_OK(ctl(KEYCTL_CLEAR, THREAD, 0, 0, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* What expired some time ago is not counted any more. */
static void expired_goes(void)
{
	long before[4], v[4], ring, key;

	CHECK_OK(setuid(2350));
	ring = new_ring("r", PROCESS);
	new_key("stays", (int)ring);
	counted(2350, before);
	key = new_key("goes", (int)ring);
	CHECK_OK(ctl(KEYCTL_SET_TIMEOUT, key, 1, 0, 0));
	do {
		new_key("stays", (int)ring);
	} while (CHECK_OK(read_key(ring, NULL, 0)) != 4);
	/* Linux frees it behind our back. */
	do {
		counted(2350, v);
	} while (v[0] > before[0]);
	CHECK_ERR(ctl(KEYCTL_SEARCH, ring, (long)"user", (long)"goes", 0), ENOKEY);
	_exit(0);
}

TEST(keys, expired_go, .root = true)
{
	int fd = CHECK_OK(open("/proc/sys/kernel/keys/gc_delay", O_RDWR));
	char old[32] = "";
	pid_t pid;

	CHECK_OK(read(fd, old, sizeof(old) - 1));
	CHECK_OK(pwrite(fd, "1", 1, 0));
	pid = child();
	if (!pid)
		expired_goes();
	expect_exit(pid, 0);
	CHECK_OK(pwrite(fd, old, strlen(old), 0));
	close(fd);
}

TEST(keys, shown)
{
	char *text = malloc(1 << 20), want[64], *line;
	long key = new_key("shown key", PROCESS);

	file_text("/proc/keys", text, 1 << 20);
	snprintf(want, sizeof(want), "%08lx I--Q---", key);
	line = strstr(text, want);
	CHECK(line);
	*strchr(line, '\n') = 0;
	snprintf(want, sizeof(want), "perm 3f010000 %5d %5d user      shown key: 3", getuid(),
		 getgid());
	CHECK(strstr(line, want));
	free(text);
}
