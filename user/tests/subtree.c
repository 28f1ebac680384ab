/*
 * subtree: shared subtrees (mount_namespaces(7)): kinds of mounts, peers and masters, what is
 * mounted and unmounted on whom.
 */
#include "user/tests/subtree.h"

static int change(const char *dir, unsigned long flags)
{
	return mount(NULL, dir, NULL, flags, NULL);
}

TEST(subtree, kinds, .root = true)
{
	struct kind a, b;

	volume_at("a");
	kind_check("a", MS_PRIVATE);
	kind_set("a", MS_SHARED);
	kind_check("a", MS_SHARED);
	a = kind_of("a");
	kind_set("a", MS_SHARED);
	CHECK_EQ(kind_of("a").shared, a.shared);
	bind_to("a", "b");
	CHECK_EQ(kind_of("b").shared, a.shared);
	kind_set("b", MS_SLAVE);
	kind_check("b", MS_SLAVE);
	CHECK_EQ(kind_of("b").master, a.shared);
	kind_set("b", MS_SHARED);
	kind_check("b", MS_SHARED | MS_SLAVE);
	b = kind_of("b");
	CHECK_EQ(b.master, a.shared);
	CHECK(b.shared != a.shared);
	/* Alone in its group, it is a slave of whom it was before. */
	kind_set("b", MS_SLAVE);
	kind_check("b", MS_SLAVE);
	CHECK_EQ(kind_of("b").master, a.shared);
	kind_set("b", MS_UNBINDABLE);
	kind_check("b", MS_UNBINDABLE);
	kind_set("b", MS_SLAVE);
	kind_check("b", MS_UNBINDABLE);
	kind_set("b", MS_PRIVATE);
	kind_check("b", MS_PRIVATE);
	kind_set("b", MS_UNBINDABLE);
	kind_set("b", MS_SHARED);
	kind_check("b", MS_SHARED);
	/* Who is alone has nobody to hear. */
	kind_set("b", MS_SLAVE);
	kind_check("b", MS_PRIVATE);
	CHECK_OK(umount("a"));
	CHECK_OK(umount("b"));
}

TEST(subtree, kinds_refused, .root = true)
{
	volume_at("a");
	file_make("f", "x", 1);
	CHECK_ERR(change("a", MS_SHARED | MS_PRIVATE), EINVAL);
	CHECK_ERR(change("a", MS_SHARED | MS_SLAVE), EINVAL);
	CHECK_ERR(change("a", MS_SHARED | MS_NODEV), EINVAL);
	CHECK_ERR(change("a", MS_SHARED | MS_MOVE), EINVAL);
	CHECK_ERR(change("a/d", MS_SHARED), EINVAL);
	CHECK_ERR(change("f", MS_PRIVATE), EINVAL);
	CHECK_ERR(change("none", MS_SHARED), ENOENT);
	kind_check("a", MS_PRIVATE);
	CHECK_OK(change("a", MS_SHARED | MS_SILENT));
	kind_check("a", MS_SHARED);
	CHECK_OK(umount("a"));
}

TEST(subtree, kinds_recursive, .root = true)
{
	volume_at("a");
	volume_at("a/d");
	volume_at("a/d/d");
	kind_set("a", MS_SHARED);
	kind_check("a/d", MS_PRIVATE);
	kind_set("a/d", MS_SHARED | MS_REC);
	kind_check("a/d/d", MS_SHARED);
	CHECK(kind_of("a/d").shared != kind_of("a").shared);
	CHECK(kind_of("a/d").shared != kind_of("a/d/d").shared);
	kind_set("a", MS_PRIVATE | MS_REC);
	kind_check("a", MS_PRIVATE);
	kind_check("a/d", MS_PRIVATE);
	kind_check("a/d/d", MS_PRIVATE);
	kind_set("a", MS_UNBINDABLE | MS_REC);
	kind_check("a/d/d", MS_UNBINDABLE);
	CHECK_OK(umount2("a", MNT_DETACH));
}

/* a and b are peers, c is b's slave, d that one's; e is private. */
static void family_make(void)
{
	volume_shared_at("a");
	bind_to("a", "b");
	bind_to("a", "c");
	kind_set("c", MS_SLAVE);
	kind_set("c", MS_SHARED);
	bind_to("c", "d");
	kind_set("d", MS_SLAVE);
	bind_to("a", "e");
	kind_set("e", MS_PRIVATE);
}

static void family_check(const char *who, const char *file)
{
	for (const char *name = "abcde"; *name; name++) {
		char path[8];

		snprintf(path, sizeof(path), "%c/d", *name);
		if (is_at(path, file) != !!strchr(who, *name))
			FAIL("%s/%s: not just in %s", path, file, who);
	}
}

static void family_end(void)
{
	for (const char *name = "abcde"; *name; name++) {
		char dir[2] = {*name, '\0'};

		CHECK_OK(umount2(dir, MNT_DETACH));
	}
}

TEST(subtree, mount_and_umount, .root = true)
{
	int before;

	family_make();
	before = mounts_now();
	put_at("a/d", "f");
	family_check("abcd", "f");
	CHECK_EQ(mounts_now(), before + 4);
	CHECK_EQ(kind_of("a/d").shared, kind_of("b/d").shared);
	CHECK_EQ(kind_of("c/d").master, kind_of("a/d").shared);
	CHECK_EQ(kind_of("d/d").master, kind_of("c/d").shared);
	kind_check("d/d", MS_SLAVE);
	CHECK_OK(umount("b/d"));
	family_check("", "f");
	CHECK_EQ(mounts_now(), before);
	put_at("b/d", "g");
	family_check("abcd", "g");
	CHECK_OK(umount2("a/d", MNT_DETACH));
	CHECK_EQ(mounts_now(), before);
	/* A slave tells its own, and its slaves, alone. */
	put_at("c/d", "h");
	family_check("cd", "h");
	kind_check("c/d", MS_SHARED);
	CHECK_OK(umount("c/d"));
	family_check("", "h");
	put_at("d/d", "i");
	family_check("d", "i");
	kind_check("d/d", MS_PRIVATE);
	CHECK_OK(umount("d/d"));
	put_at("e/d", "j");
	family_check("e", "j");
	CHECK_OK(umount("e/d"));
	family_end();
}

/* Each goes where it was told to go, whoever else used it before. */
TEST(subtree, umount_of_others, .root = true)
{
	int fd;

	family_make();
	put_at("a/d", "f");
	/* One hears of the end who did not of the beginning. */
	CHECK_OK(umount("d/d"));
	family_check("abc", "f");
	put_at("d/d", "other");
	CHECK_OK(umount("c/d"));
	family_check("ab", "f");
	family_check("", "other");
	/* Whoever is in use in one place is so in all. */
	fd = (int)CHECK_OK(open("b/d/f", O_RDONLY));
	CHECK_ERR(umount("a/d"), EBUSY);
	family_check("ab", "f");
	CHECK_OK(close(fd));
	/* What something else stands on in the other place stays there. */
	kind_set("b/d", MS_PRIVATE);
	put_at("b/d/d", "in");
	CHECK_OK(umount("a/d"));
	family_check("b", "f");
	CHECK(is_at("b/d/d", "in"));
	CHECK_OK(umount("b/d/d"));
	CHECK_OK(umount("b/d"));
	/* With a tree all that is like it goes. */
	put_at("a/d", "f");
	put_at("a/d/d", "in");
	CHECK(is_at("d/d/d", "in"));
	CHECK_OK(umount2("b/d", MNT_DETACH));
	family_check("", "f");
	family_end();
}

TEST(subtree, umount_keeps_open, .root = true)
{
	int fd;

	family_make();
	put_at("a/d", "f");
	fd = (int)CHECK_OK(open("d/d/f", O_RDWR));
	CHECK_ERR(umount("a/d"), EBUSY);
	CHECK_OK(umount2("a/d", MNT_DETACH));
	family_check("", "f");
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_OK(close(fd));
	family_end();
}

/* What is told of comes below what stands there already, and goes from there. */
TEST(subtree, beneath_others, .root = true)
{
	volume_shared_at("a");
	bind_to("a", "b");
	kind_set("b", MS_SLAVE);
	put_at("b/d", "own");
	put_at("a/d", "told");
	CHECK(is_at("b/d", "own"));
	CHECK(is_at("a/d", "told"));
	CHECK_OK(umount("b/d"));
	CHECK(is_at("b/d", "told"));
	put_at("b/d", "own");
	CHECK(is_at("b/d", "own"));
	CHECK_OK(umount("a/d"));
	CHECK(is_at("b/d", "own"));
	CHECK_OK(umount("b/d"));
	CHECK(!is_at("b/d", "told"));
	CHECK(!is_at("b/d", "own"));
	CHECK_ERR(umount("b/d"), EINVAL);
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}

/* A mount of a part does not hear of what is not in it. */
TEST(subtree, parts, .root = true)
{
	int before;

	volume_at("a");
	CHECK_OK(mkdir("a/e", 0755));
	CHECK_OK(mkdir("a/e/in", 0755));
	kind_set("a", MS_SHARED);
	bind_to("a/e", "b");
	CHECK_EQ(kind_of("b").shared, kind_of("a").shared);
	bind_to("b", "c");
	kind_set("c", MS_SLAVE);
	before = mounts_now();
	put_at("a/d", "f");
	CHECK_EQ(mounts_now(), before + 1);
	CHECK_OK(umount("a/d"));
	put_at("a/e/in", "f");
	CHECK(is_at("b/in", "f") && is_at("c/in", "f"));
	CHECK_EQ(mounts_now(), before + 3);
	CHECK_OK(umount("b/in"));
	CHECK_EQ(mounts_now(), before);
	CHECK_OK(umount("b"));
	CHECK_OK(umount("c"));
	CHECK_OK(umount("a"));
}

/* The group between hears of it, though nothing of it shows it. */
TEST(subtree, parts_between, .root = true)
{
	volume_at("a");
	CHECK_OK(mkdir("a/e", 0755));
	kind_set("a", MS_SHARED);
	bind_to("a", "c");
	bind_to("a/e", "b");
	kind_set("b", MS_SLAVE);
	kind_set("b", MS_SHARED);
	/* c is in b's group, and sees all. */
	kind_set("c", MS_PRIVATE);
	CHECK_OK(move_mount(AT_FDCWD, "a", AT_FDCWD, "c", MOVE_MOUNT_SET_GROUP));
	kind_set("c", MS_SLAVE);
	CHECK_EQ(kind_of("c").master, kind_of("a").shared);
	put_at("a/d", "f");
	CHECK(is_at("c/d", "f"));
	CHECK_EQ(kind_of("c/d").master, kind_of("a/d").shared);
	kind_check("c/d", MS_SLAVE);
	CHECK_OK(umount("a/d"));
	CHECK(!is_at("c/d", "f"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("c"));
	CHECK_OK(umount("a"));
}

/* Masters that leave: their slaves are those of their peers, or of their masters, or of nobody. */
TEST(subtree, masters_leave, .root = true)
{
	unsigned int a;

	family_make();
	a = kind_of("a").shared;
	kind_set("b", MS_PRIVATE);
	CHECK_EQ(kind_of("c").master, a);
	put_at("a/d", "f");
	family_check("acd", "f");
	CHECK_OK(umount("a/d"));
	/* d is a slave of c, which is no group any more. */
	kind_set("c", MS_SLAVE);
	CHECK_EQ(kind_of("c").master, a);
	CHECK_EQ(kind_of("d").master, a);
	kind_set("c", MS_SHARED);
	bind_to("c", "g");
	CHECK_EQ(kind_of("g").master, a);
	CHECK_EQ(kind_of("g").shared, kind_of("c").shared);
	/* One of two: it becomes the other's slave. */
	kind_set("c", MS_SLAVE);
	CHECK_EQ(kind_of("c").master, kind_of("g").shared);
	put_at("a/d", "f");
	CHECK(is_at("g/d", "f"));
	family_check("acd", "f");
	CHECK_OK(umount("a/d"));
	CHECK_OK(umount("g"));
	CHECK_EQ(kind_of("c").master, a);
	kind_set("a", MS_PRIVATE);
	kind_check("a", MS_PRIVATE);
	kind_check("c", MS_PRIVATE);
	kind_check("d", MS_PRIVATE);
	family_end();
}

/* The one that goes is master of some. */
TEST(subtree, masters_go, .root = true)
{
	unsigned int b;

	family_make();
	b = kind_of("b").shared;
	CHECK_OK(umount("b"));
	CHECK_EQ(kind_of("c").master, b);
	CHECK_OK(umount("a"));
	kind_check("c", MS_SHARED);
	kind_check("d", MS_SLAVE);
	put_at("c/d", "f");
	CHECK(is_at("d/d", "f"));
	CHECK_OK(umount2("c", MNT_DETACH));
	kind_check("d", MS_PRIVATE);
	CHECK(!is_at("d/d", "f"));
	CHECK_OK(umount("d"));
	CHECK_OK(umount("e"));
}

/* What is told of by a master behind one that the root does not show. */
static void look_from_root(void)
{
	struct kind k;

	CHECK_OK(chroot("r"));
	CHECK_OK(chdir("/"));
	k = kind_of("/c");
	CHECK(k.master && k.from && k.from != k.master);
	CHECK_EQ(k.from, kind_of("/a").shared);
	k = kind_of("/e");
	CHECK(k.master);
	CHECK_EQ(k.from, 0);
	_exit(0);
}

TEST(subtree, propagate_from, .root = true)
{
	volume_at("r");
	CHECK_OK(mkdir("r/proc", 0755));
	CHECK_OK(mount("none", "r/proc", "proc", 0, NULL));
	volume_shared_at("a");
	bind_to("a", "r/a");
	bind_to("a", "b");
	kind_set("b", MS_SLAVE);
	kind_set("b", MS_SHARED);
	bind_to("b", "r/c");
	kind_set("r/c", MS_SLAVE);
	volume_shared_at("x");
	bind_to("x", "r/e");
	kind_set("r/e", MS_SLAVE);
	CHECK_EQ(kind_of("r/c").from, 0);
	CHECK_EQ(kind_of("r/c").master, kind_of("b").shared);
	CHECK_EQ(run_child(look_from_root), 0);
	CHECK_OK(umount2("r", MNT_DETACH));
	CHECK_OK(umount("a"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("x"));
}

static void too_many(void)
{
	int before = mounts_now();

	/* It would be on four, of which one that is moved is there already. */
	CHECK_ERR(mount("none", "a/d", "tmpfs", 0, NULL), ENOSPC);
	CHECK_ERR(mount("e", "a/d", NULL, MS_BIND, NULL), ENOSPC);
	CHECK_ERR(mount("m", "a/d", NULL, MS_MOVE, NULL), ENOSPC);
	CHECK_EQ(mounts_now(), before);
	kind_check("m", MS_PRIVATE);
	CHECK(is_at("m", "f"));
	CHECK_OK(mount("none", "e/d", "tmpfs", 0, NULL));
	CHECK_ERR(mount("none", "c/d", "tmpfs", 0, NULL), ENOSPC);
	CHECK_EQ(mounts_now(), before + 1);
	CHECK_OK(umount("e/d"));
	CHECK_OK(mount("none", "c/d", "tmpfs", 0, NULL));
	CHECK_EQ(mounts_now(), before + 2);
	CHECK_OK(umount("c/d"));
}

static void just_enough(void)
{
	CHECK_OK(mount("m", "a/d", NULL, MS_MOVE, NULL));
	family_check("abcd", "f");
	CHECK_OK(umount("a/d"));
}

TEST(subtree, limit, .root = true)
{
	family_make();
	put_at("m", "f");
	setting_with("/proc/sys/fs/mount-max", mounts_now() + 2, too_many);
	setting_with("/proc/sys/fs/mount-max", mounts_now() + 3, just_enough);
	family_end();
}

static void peers_many(void)
{
	char name[16];

	volume_shared_at("a");
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		bind_to("a", name);
		if (i % 3 == 1)
			kind_set(name, MS_SLAVE);
	}
}

TEST(subtree, many, .root = true)
{
	char name[16];
	int before;

	peers_many();
	before = mounts_now();
	put_at("p0/d", "f");
	CHECK_EQ(mounts_now(), before + 65);
	put_at("p2/d/d", "in");
	CHECK_EQ(mounts_now(), before + 130);
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "p%d/d/d", i);
		CHECK(is_at(name, "in"));
	}
	CHECK_OK(umount2("a/d", MNT_DETACH));
	CHECK_EQ(mounts_now(), before);
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		CHECK_OK(umount(name));
	}
	CHECK_OK(umount("a"));
}

static void mounts_and_goes(const char *dir, int n)
{
	while (n--) {
		if (mount("none", dir, "tmpfs", 0, NULL) != 0)
			CHECK(errno == EINVAL || errno == ENOENT);
		else if (umount2(dir, n % 2 ? MNT_DETACH : 0) != 0)
			CHECK(errno == EINVAL || errno == EBUSY);
	}
	_exit(0);
}

static void binds_and_goes(int n)
{
	while (n--) {
		CHECK_OK(mount("a", "x", NULL, MS_BIND | MS_REC, NULL));
		CHECK_OK(mount(NULL, "x", NULL, n % 2 ? MS_SLAVE : MS_PRIVATE, NULL));
		CHECK_OK(umount2("x", MNT_DETACH));
	}
	_exit(0);
}

static void walks(int n)
{
	while (n--) {
		if (access("b/d/none", F_OK) != 0)
			CHECK_EQ(errno, ENOENT);
		if (n % 8 == 0)
			mounts_now();
	}
	_exit(0);
}

/* Who mounts, unmounts, joins, leaves, looks, at once: in the end there is what was there. */
TEST(subtree, at_once, .root = true)
{
	int before;
	pid_t pid[5];

	volume_shared_at("a");
	bind_to("a", "b");
	CHECK_OK(mkdir("x", 0755));
	before = mounts_now();
	for (int i = 0; i < 5; i++) {
		pid[i] = child();
		if (pid[i] != 0)
			continue;
		if (i < 2)
			mounts_and_goes(i ? "a/d" : "b/d", 60);
		else if (i == 2)
			binds_and_goes(60);
		else
			walks(200);
	}
	for (int i = 0; i < 5; i++)
		expect_exit(pid[i], 0);
	while (umount2("a/d", MNT_DETACH) == 0)
		;
	while (umount2("b/d", MNT_DETACH) == 0)
		;
	CHECK_EQ(mounts_now(), before);
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}
