/*
 * namespace: mount namespaces (mount_namespaces(7)): who sees what is mounted, by way of copies,
 * peers and slaves; places in them; entering one; what is left when one ends.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "subtree.h"

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#define GET_MNTNS_ID 0x8008b705

static struct gate there, over;
static char stack[65536] __attribute__((aligned(16)));

/* A child in a namespace of its own that has done step. */
static pid_t apart(void (*step)(void))
{
	pid_t pid;

	gate_make(&there);
	gate_make(&over);
	pid = child();
	if (pid)
		gate_pass(&there);
	else {
		CHECK_OK(unshare(CLONE_NEWNS));
		step();
		gate_open(&there);
		gate_pass(&over);
		_exit(0);
	}
	return pid;
}

static void together(pid_t pid)
{
	gate_open(&over);
	expect_exit(pid, 0);
	gate_close(&there);
	gate_close(&over);
}

static int ns_open(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
}

static bool in_file(const char *file, const char *name)
{
	static char text[1 << 16];

	file_text(file, text, sizeof(text));
	return strstr(text, name);
}

/* Does a mount's name in that process's file end with that? */
static bool listed(pid_t pid, const char *file, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return in_file(path, name);
}

/* A file as that process finds it. */
static bool finds(pid_t pid, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/cwd/%s", (int)pid, file);
	return access(path, F_OK) == 0;
}

static void put_own(void)
{
	put_at("own-of-child", "f");
}

TEST(namespace, mount_own, .root = true)
{
	pid_t pid;

	CHECK_OK(mkdir("own-of-child", 0755));
	volume_at("m");
	pid = apart(put_own);
	CHECK(finds(pid, "own-of-child/f") && !is_at("own-of-child", "f"));
	CHECK(listed(pid, "mounts", "own-of-child ") && listed(pid, "mountinfo", "own-of-child "));
	CHECK(!listed(getpid(), "mounts", "own-of-child ") && listed(getpid(), "mounts", "/m "));
	/* What is mounted from now on is not the child's, what was is. */
	put_at("later", "f");
	CHECK(!finds(pid, "later/f") && listed(pid, "mounts", "/m ") && finds(pid, "m/d"));
	CHECK_OK(umount("m"));
	CHECK(listed(pid, "mounts", "/m ") && finds(pid, "m/d"));
	together(pid);
	CHECK_OK(umount("later"));
}

static int in_clone(void *arg)
{
	(void)arg;
	put_own();
	CHECK(is_at("own-of-child", "f"));
	_exit(0);
}

TEST(namespace, mount_clone, .root = true)
{
	int before = mounts_now();
	pid_t pid;

	CHECK_OK(mkdir("own-of-child", 0755));
	pid = (pid_t)CHECK_OK(clone(in_clone, stack + sizeof(stack), CLONE_NEWNS | SIGCHLD, NULL));
	expect_exit(pid, 0);
	CHECK_EQ(mounts_now(), before);
	CHECK(!is_at("own-of-child", "f"));
}

static void tell(void)
{
	kind_check("p", MS_SHARED);
	kind_check("u", MS_UNBINDABLE);
	kind_set("s", MS_SLAVE);
	put_at("p/d", "of-child");
	put_at("s/d", "of-child");
}

TEST(namespace, mount_peers, .root = true)
{
	pid_t pid;

	volume_shared_at("p");
	volume_shared_at("s");
	volume_at("u");
	kind_set("u", MS_UNBINDABLE);
	pid = apart(tell);
	CHECK(is_at("p/d", "of-child") && !is_at("s/d", "of-child"));
	CHECK(finds(pid, "s/d/of-child"));
	CHECK_OK(umount("p/d"));
	CHECK(!finds(pid, "p/d/of-child"));
	CHECK_OK(mkdir("s/e", 0755));
	put_at("s/e", "of-parent");
	CHECK(finds(pid, "s/e/of-parent"));
	together(pid);
	kind_check("p", MS_SHARED);
	CHECK(is_at("s/e", "of-parent"));
	CHECK_OK(umount("s/e"));
	CHECK_OK(umount("u"));
	CHECK_OK(umount("s"));
	CHECK_OK(umount("p"));
}

static void leave_m(void)
{
	char before[PATH_MAX], now[PATH_MAX];

	CHECK(getcwd(before, sizeof(before)));
	CHECK_ERR(umount("../../m"), EBUSY);
	CHECK_OK(chdir("../.."));
	CHECK_OK(umount("m"));
	CHECK(!is_at("m", "d"));
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_OK(chdir("m/d"));
	CHECK(getcwd(now, sizeof(now)));
	CHECK_STR(now, before);
}

/* Working directories are in the copy at once: what was another's is not in their way. */
TEST(namespace, mount_places, .root = true)
{
	pid_t pid;

	volume_at("m");
	CHECK_OK(chdir("m/d"));
	pid = apart(leave_m);
	CHECK(is_at("..", "d"));
	together(pid);
	CHECK_OK(chdir("../.."));
	CHECK_OK(umount("m"));
}

static void leave_root(void)
{
	CHECK(is_at("/", "in-m"));
	CHECK(listed(getpid(), "mounts", " / tmpfs "));
	CHECK_OK(umount2("/", MNT_DETACH));
}

TEST(namespace, mount_roots, .root = true)
{
	pid_t pid;

	CHECK(mounts_now() > 0);
	volume_at("m");
	file_make("m/in-m", "x", 1);
	CHECK_OK(mkdir("m/proc", 0755));
	bind_to("/proc", "m/proc");
	pid = child();
	if (pid == 0) {
		CHECK_OK(chroot("m"));
		CHECK_OK(chdir("/"));
		pid = apart(leave_root);
		CHECK(listed(getpid(), "mounts", " / tmpfs "));
		together(pid);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK(is_at("m", "in-m"));
	CHECK_OK(umount("m/proc"));
	CHECK_OK(umount("m"));
}

/* Another's mounts can be looked at, and that is all. */
TEST(namespace, mount_of_others, .root = true)
{
	char in[64], below[80];
	pid_t pid;
	int fd;

	CHECK_OK(mkdir("own-of-child", 0755));
	CHECK_OK(mkdir("here", 0755));
	pid = apart(put_own);
	(void)snprintf(in, sizeof(in), "/proc/%d/cwd/own-of-child", (int)pid);
	(void)snprintf(below, sizeof(below), "%s/d", in);
	CHECK_ERR(mount("none", below, "tmpfs", 0, NULL), EINVAL);
	CHECK_ERR(mount(in, "here", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount("here", below, NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount(in, "here", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERR(mount(NULL, in, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EINVAL);
	CHECK_ERR(mount(NULL, in, NULL, MS_REMOUNT | MS_RDONLY, NULL), EINVAL);
	CHECK_ERR(umount(in), EINVAL);
	CHECK_ERR(umount2(in, MNT_DETACH), EINVAL);
	CHECK_ERR(umount2(in, 4 /* MNT_EXPIRE */), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, in, 0, MOUNT_ATTR_RDONLY, 0), EINVAL);
	CHECK_ERR(open_tree(AT_FDCWD, in, OPEN_TREE_CLONE), EINVAL);
	fd = (int)CHECK_OK(open(in, O_RDONLY | O_DIRECTORY));
	CHECK_OK(mkdirat(fd, "made", 0755));
	CHECK(finds(pid, "own-of-child/made"));
	together(pid);
	/* The namespace has gone; what is open is still there. */
	CHECK_OK(unlinkat(fd, "made", AT_REMOVEDIR));
	CHECK_OK(faccessat(fd, "f", F_OK, 0));
	CHECK_OK(fchdir(fd));
	CHECK_ERR(mount("none", "d", "tmpfs", 0, NULL), ENOENT);
	CHECK_OK(close(fd));
}

static void cover_all(void)
{
	put_at("removed", "f");
	put_at("replaced", "f");
	put_at("moved", "f");
	CHECK_ERR(rmdir("removed"), EBUSY);
	CHECK_ERR(rename("moved", "elsewhere"), EBUSY);
	CHECK_ERR(rename("new", "replaced"), EBUSY);
	CHECK_OK(mount("file", "bound", NULL, MS_BIND, NULL));
	CHECK_ERR(unlink("bound"), EBUSY);
}

/* A directory is free to go if nothing is mounted there in one's own namespace. */
TEST(namespace, mount_points, .root = true)
{
	char text[8];
	pid_t pid;

	CHECK_OK(mkdir("removed", 0755));
	CHECK_OK(mkdir("replaced", 0755));
	CHECK_OK(mkdir("moved", 0755));
	CHECK_OK(mkdir("new", 0755));
	file_make("file", "file", 4);
	file_make("bound", "", 0);
	pid = apart(cover_all);
	CHECK_OK(rmdir("removed"));
	CHECK(!listed(pid, "mounts", "/removed "));
	CHECK(listed(pid, "mounts", "/replaced ") && finds(pid, "replaced/f"));
	CHECK_OK(rename("new", "replaced"));
	CHECK(!listed(pid, "mounts", "/replaced ") && !finds(pid, "replaced/f"));
	CHECK_OK(rename("moved", "elsewhere"));
	CHECK(listed(pid, "mounts", "/elsewhere ") && finds(pid, "elsewhere/f"));
	CHECK_OK(unlink("bound"));
	CHECK(!listed(pid, "mounts", "/bound "));
	CHECK_EQ(file_text("file", text, sizeof(text)), 4);
	CHECK_OK(mkdir("removed", 0755));
	CHECK(!finds(pid, "removed/f"));
	together(pid);
}

static void put_below(void)
{
	put_own();
	CHECK_OK(chdir("own-of-child/d"));
}

static int share_places(void *arg)
{
	gate_pass(arg);
	_exit(0);
}

TEST(namespace, mount_setns, .root = true)
{
	char top[PATH_MAX], in[PATH_MAX + 32];
	struct stat root, now;
	struct gate gate;
	pid_t pid, other;
	int own, fd;

	CHECK(getcwd(top, sizeof(top)));
	(void)snprintf(in, sizeof(in), "%s/own-of-child", top);
	CHECK_OK(mkdir("own-of-child", 0755));
	CHECK_OK(stat("/", &root));
	own = ns_open(getpid());
	pid = apart(put_below);
	fd = ns_open(pid);
	gate_make(&gate);
	other = (pid_t)CHECK_OK(clone(share_places, stack + sizeof(stack), CLONE_FS | SIGCHLD,
				      &gate));
	CHECK_ERR(setns(fd, CLONE_NEWNS), EINVAL);
	gate_open(&gate);
	expect_exit(other, 0);
	CHECK_ERR(setns(fd, CLONE_NEWUTS), EINVAL);
	CHECK_OK(chdir("own-of-child"));
	CHECK_OK(setns(fd, CLONE_NEWNS));
	/* At the root, whatever the place was. */
	CHECK_OK(stat(".", &now));
	CHECK_EQ(now.st_ino, root.st_ino);
	CHECK(is_at(in, "f"));
	CHECK(listed(getpid(), "mounts", "/own-of-child "));
	together(pid);
	/* Who is in it keeps it. */
	CHECK(is_at(in, "f"));
	CHECK_OK(setns(own, 0));
	CHECK(!is_at(in, "f"));
	/* And so does a descriptor. */
	CHECK_OK(setns(fd, 0));
	CHECK(is_at(in, "f"));
	CHECK_OK(setns(own, 0));
	CHECK_OK(chdir(top));
	CHECK_OK(close(fd));
	CHECK_OK(close(own));
}

struct request {
	uint32_t size, spare;
	uint64_t mnt_id, param, ns_id;
};

static uint64_t id_of(pid_t pid)
{
	uint64_t id = 0;
	int fd = ns_open(pid), uts = (int)CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));

	CHECK_OK(ioctl(fd, GET_MNTNS_ID, &id));
	CHECK_ERR(ioctl(uts, GET_MNTNS_ID, &id), EINVAL);
	CHECK_OK(close(fd));
	CHECK_OK(close(uts));
	return id;
}

static long mounts_of(uint64_t ns)
{
	struct request r = {.size = 32, .mnt_id = UINT64_MAX, .ns_id = ns};
	uint64_t ids[200];

	return syscall(SYS_listmount, &r, ids, 200, 0);
}

TEST(namespace, mount_numbers, .root = true)
{
	uint64_t own = id_of(getpid()), other;
	pid_t pid, user;
	long n;

	CHECK_OK(mkdir("own-of-child", 0755));
	n = CHECK_OK(mounts_of(0));
	CHECK_EQ(mounts_of(own), n);
	pid = apart(put_own);
	other = id_of(pid);
	CHECK(other != own);
	CHECK_EQ(mounts_of(0), n);
	CHECK_OK(mounts_of(other));
	user = child();
	if (user == 0) {
		become_user();
		CHECK_ERR(mounts_of(other), ENOENT);
		_exit(0);
	}
	expect_exit(user, 0);
	together(pid);
	CHECK_ERR(mounts_of(other), ENOENT);
}

/* Every one gets a root of its own. */
static void pivot(void)
{
	volume_at("new-root");
	CHECK_OK(chdir("new-root"));
	CHECK_OK(syscall(SYS_pivot_root, ".", "d"));
	CHECK_OK(chdir("/"));
	CHECK(is_at("/", "d"));
	CHECK_OK(umount2("/d", MNT_DETACH));
}

TEST(namespace, mount_pivot, .root = true)
{
	char top[PATH_MAX];
	struct statfs fs;
	pid_t pid;

	/* Of a namespace's first mount that of Linux's initramfs cannot be. */
	CHECK(getcwd(top, sizeof(top)));
	volume_at("base");
	pid = child();
	if (pid == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		kind_set("base", MS_PRIVATE);
		CHECK_OK(chroot("base"));
		CHECK_OK(chdir("/"));
		pivot();
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK(is_at("base", "d") && !is_at("base", "new-root/d"));
	CHECK_OK(statfs("/", &fs));
	CHECK_OK(chdir(top));
	CHECK_OK(umount("base"));
}

static void *thread_apart(void *arg)
{
	(void)arg;
	CHECK_OK(unshare(CLONE_NEWNS));
	put_own();
	CHECK(in_file("/proc/thread-self/mounts", "/own-of-child "));
	CHECK(in_file("/proc/thread-self/mountinfo", "/own-of-child "));
	CHECK(!in_file("/proc/self/mounts", "/own-of-child "));
	return NULL;
}

/* A thread's mounts are its own namespace's. */
TEST(namespace, mount_of_thread, .root = true)
{
	pthread_t thread;

	CHECK_OK(mkdir("own-of-child", 0755));
	CHECK_EQ(pthread_create(&thread, NULL, thread_apart, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(!is_at("own-of-child", "f"));
}
