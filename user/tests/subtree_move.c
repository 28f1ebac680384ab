/*
 * subtree: what becomes of mounts that are bound or moved to mounts of each kind, or are in trees
 * without a place; mount_setattr, statmount, groups that are joined.
 */
#include "user/tests/subtree.h"

#define RECURSIVE 0x8000 /* AT_RECURSIVE */
#define BENEATH	  0x200	 /* MOVE_MOUNT_BENEATH */

/* A source s of a kind, with m, whose master or peer it is, if it has one. */
static void source_make(unsigned long kind)
{
	volume_at("m");
	file_make("m/f", "x", 1);
	if (kind == MS_SLAVE)
		kind_set("m", MS_SHARED);
	bind_to("m", "s");
	kind_set("s", kind);
}

static void source_end(void)
{
	CHECK_OK(umount("m"));
}

/* The mounts a, peer b and slave c of it; shared or not. */
static void places_make(bool shared)
{
	volume_at("a");
	if (shared)
		kind_set("a", MS_SHARED);
	bind_to("a", "b");
	bind_to("a", "c");
	if (shared)
		kind_set("c", MS_SLAVE);
}

static void places_end(void)
{
	CHECK_OK(umount("a"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("c"));
}

static const struct {
	unsigned long source, then, then_shared; /* kinds; 0: it is refused */
} bound[] = {
	{MS_SHARED, MS_SHARED, MS_SHARED},
	{MS_PRIVATE, MS_PRIVATE, MS_SHARED},
	{MS_SLAVE, MS_SLAVE, MS_SLAVE | MS_SHARED},
	{MS_UNBINDABLE, 0, 0},
}, moved[] = {
	{MS_SHARED, MS_SHARED, MS_SHARED},
	{MS_PRIVATE, MS_PRIVATE, MS_SHARED},
	{MS_SLAVE, MS_SLAVE, MS_SLAVE | MS_SHARED},
	{MS_UNBINDABLE, MS_UNBINDABLE, 0},
};

static void arrives(unsigned long source, unsigned long then, bool shared, unsigned long how)
{
	struct kind s, at;

	source_make(source);
	places_make(shared);
	s = kind_of("s");
	if (!then) {
		CHECK_ERR(mount("s", "a/d", NULL, how, NULL), EINVAL);
		kind_check("s", source);
		CHECK(!is_at("a/d", "f") && !is_at("b/d", "f"));
	} else {
		CHECK_OK(mount("s", "a/d", NULL, how, NULL));
		kind_check("a/d", then);
		at = kind_of("a/d");
		CHECK_EQ(at.master, s.master);
		CHECK(!s.shared || at.shared == s.shared);
		CHECK_EQ(is_at("b/d", "f"), shared);
		CHECK_EQ(is_at("c/d", "f"), shared);
		if (shared) {
			CHECK_EQ(kind_of("b/d").shared, at.shared);
			CHECK_EQ(kind_of("b/d").master, at.master);
			CHECK_EQ(kind_of("c/d").master, at.shared);
			kind_check("c/d", MS_SLAVE);
		}
		CHECK_OK(umount("a/d"));
		CHECK(!is_at("b/d", "f") && !is_at("c/d", "f"));
	}
	if (how & MS_BIND)
		kind_check("s", source);
	if ((how & MS_BIND) || !then)
		CHECK_OK(umount("s"));
	places_end();
	source_end();
}

TEST(subtree, bind_table, .root = true)
{
	for (int i = 0; i < 4; i++) {
		arrives(bound[i].source, bound[i].then, false, MS_BIND);
		arrives(bound[i].source, bound[i].then_shared, true, MS_BIND);
		arrives(bound[i].source, bound[i].then_shared, true, MS_BIND | MS_REC);
	}
}

TEST(subtree, move_table, .root = true)
{
	for (int i = 0; i < 4; i++) {
		arrives(moved[i].source, moved[i].then, false, MS_MOVE);
		arrives(moved[i].source, moved[i].then_shared, true, MS_MOVE);
	}
}

TEST(subtree, bind_of_tree, .root = true)
{
	int before;

	/* s, s/d, s/d/d, of which the second is s/d's own, and the last cannot be bound. */
	volume_at("s");
	volume_shared_at("s/d");
	volume_at("s/d/d");
	CHECK_OK(mkdir("s/d/e", 0755));
	put_at("s/d/e", "f");
	kind_set("s/d/d", MS_UNBINDABLE);
	put_at("s/d/d/d", "g");
	places_make(true);
	before = mounts_now();
	CHECK_OK(mount("s", "b/d", NULL, MS_BIND | MS_REC, NULL));
	CHECK_EQ(mounts_now(), before + 9);
	CHECK(is_at("a/d/d/e", "f") && is_at("b/d/d/e", "f") && is_at("c/d/d/e", "f"));
	CHECK(!is_at("a/d/d/d/d", "g"));
	CHECK_EQ(kind_of("a/d/d").shared, kind_of("s/d").shared);
	CHECK_EQ(kind_of("c/d/d").master, kind_of("s/d").shared);
	kind_check("a/d/d/e", MS_SHARED);
	CHECK_EQ(kind_of("c/d/d/e").master, kind_of("a/d/d/e").shared);
	/* s/d hears of it, and all others; s alone hears nothing. */
	CHECK_OK(mkdir("s/d/h", 0755));
	put_at("c/d/d/h", "h");
	CHECK(!is_at("s/d/h", "h"));
	CHECK_OK(umount("c/d/d/h"));
	put_at("a/d/d/h", "h");
	CHECK(is_at("s/d/h", "h") && is_at("b/d/d/h", "h") && is_at("c/d/d/h", "h"));
	CHECK_OK(umount2("a/d", MNT_DETACH));
	CHECK(!is_at("b/d/d/e", "f") && !is_at("c/d/d/e", "f"));
	CHECK(!is_at("s/d/h", "h"));
	CHECK_EQ(mounts_now(), before - 1);
	places_end();
	CHECK_OK(umount2("s", MNT_DETACH));
}

/* To itself: copies that are being made hear of nothing. */
TEST(subtree, bind_into_itself, .root = true)
{
	int before;

	volume_shared_at("a");
	bind_to("a", "b");
	CHECK_OK(mkdir("a/e", 0755));
	before = mounts_now();
	CHECK_OK(mount("a", "a/d", NULL, MS_BIND, NULL));
	CHECK_EQ(mounts_now(), before + 2);
	CHECK_OK(mount("a", "b/e", NULL, MS_BIND | MS_REC, NULL));
	CHECK_EQ(mounts_now() - before, 2 + 2 * 4);
	CHECK_OK(umount2("a/e", MNT_DETACH));
	/* On what went others stood as they do on a and b. */
	CHECK_ERR(umount2("b/d", MNT_DETACH), EINVAL);
	CHECK_EQ(mounts_now(), before);
	CHECK_OK(umount2("b", MNT_DETACH));
	CHECK_OK(umount2("a", MNT_DETACH));
}

TEST(subtree, move_refused, .root = true)
{
	places_make(true);
	put_at("a/d", "f");
	CHECK_OK(mkdir("to", 0755));
	CHECK_ERR(mount("a/d", "to", NULL, MS_MOVE, NULL), EINVAL);
	/* Its parent is no peer of anyone. */
	CHECK_OK(mount("c/d", "to", NULL, MS_MOVE, NULL));
	CHECK(is_at("to", "f") && !is_at("c/d", "f"));
	CHECK_OK(umount("to"));
	CHECK_OK(umount("a/d"));
	/* Somewhere in it there is one. */
	volume_at("s");
	volume_at("s/d");
	kind_set("s/d", MS_UNBINDABLE);
	CHECK_ERR(mount("s", "a/d", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_OK(mount("s", "c/d", NULL, MS_MOVE, NULL));
	CHECK_OK(umount2("c/d", MNT_DETACH));
	places_end();
}

/* What is moved has in it one who hears where it goes. */
TEST(subtree, move_hears_itself, .root = true)
{
	volume_shared_at("a");
	volume_at("t");
	file_make("t/f", "x", 1);
	bind_to("a", "t/d");
	CHECK_OK(mount("t", "a/d", NULL, MS_MOVE, NULL));
	CHECK(is_at("a/d", "f"));
	CHECK(is_at("a/d/d/d", "f"));
	CHECK_EQ(kind_of("a/d/d").shared, kind_of("a").shared);
	CHECK_EQ(kind_of("a/d/d/d").shared, kind_of("a/d").shared);
	CHECK(!is_at("a/d/d/d/d/d", "f"));
	CHECK_OK(umount2("a/d", MNT_DETACH));
	CHECK_OK(umount("a"));
}

TEST(subtree, setattr, .root = true)
{
	struct mount_attr a = {.propagation = MS_SHARED};
	int fd;

	volume_at("a");
	volume_at("a/d");
#define SET(dir, flags) syscall(SYS_mount_setattr, AT_FDCWD, dir, flags, &a, sizeof(a))
	CHECK_OK(SET("a", 0));
	kind_check("a", MS_SHARED);
	kind_check("a/d", MS_PRIVATE);
	CHECK_OK(SET("a", RECURSIVE));
	kind_check("a/d", MS_SHARED);
	a.propagation = MS_SHARED | MS_REC;
	CHECK_ERR(SET("a", 0), EINVAL);
	a.propagation = MS_REC;
	CHECK_ERR(SET("a", 0), EINVAL);
	a.propagation = MS_SILENT;
	CHECK_ERR(SET("a", 0), EINVAL);
	a.propagation = MS_SHARED | MS_SLAVE;
	CHECK_ERR(SET("a", 0), EINVAL);
	a.propagation = MS_PRIVATE;
	CHECK_ERR(SET("a/d/d", 0), EINVAL);
	/* All or none. */
	fd = (int)CHECK_OK(open("a/d/f", O_CREAT | O_WRONLY, 0600));
	a.attr_set = MOUNT_ATTR_RDONLY;
	CHECK_ERR(SET("a", RECURSIVE), EBUSY);
	kind_check("a", MS_SHARED);
	kind_check("a/d", MS_SHARED);
	CHECK_OK(close(fd));
	CHECK_OK(SET("a", RECURSIVE));
	kind_check("a", MS_PRIVATE);
	kind_check("a/d", MS_PRIVATE);
	CHECK_ERR(mkdir("a/d/e", 0755), EROFS);
	CHECK_OK(umount2("a", MNT_DETACH));
}

/* Groups are joined, and a slave's master. */
TEST(subtree, set_group, .root = true)
{
	const unsigned int set = MOVE_MOUNT_SET_GROUP;

	volume_at("a");
	CHECK_OK(mkdir("a/e", 0755));
	bind_to("a", "b");
	bind_to("a/e", "c");
	volume_at("x");
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", set), EINVAL);
	kind_set("a", MS_SHARED);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "x", set), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "a/d", AT_FDCWD, "b", set), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "b/d", set), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "a", set), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", set | BENEATH), EINVAL);
	CHECK_OK(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", set));
	CHECK_EQ(kind_of("b").shared, kind_of("a").shared);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", set), EINVAL);
	kind_set("b", MS_SLAVE);
	CHECK_ERR(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", set), EINVAL);
	CHECK_OK(move_mount(AT_FDCWD, "b", AT_FDCWD, "c", set));
	kind_check("c", MS_SLAVE);
	CHECK_EQ(kind_of("c").master, kind_of("a").shared);
	/* Who sees less cannot be heard by who sees more. */
	kind_set("b", MS_PRIVATE);
	CHECK_ERR(move_mount(AT_FDCWD, "c", AT_FDCWD, "b", set), EINVAL);
	CHECK_OK(umount("x"));
	CHECK_OK(umount("c"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}

/* Trees without a place are copies like others, but hear of nothing that is mounted. */
TEST(subtree, floating, .root = true)
{
	int fd, before;

	volume_shared_at("a");
	CHECK_OK(mkdir("to", 0755));
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE));
	before = mounts_now();
	put_at("a/d", "f");
	CHECK_EQ(mounts_now(), before + 1);
	CHECK_ERR(faccessat(fd, "d/f", F_OK, 0), ENOENT);
	CHECK_OK(umount("a/d"));
	CHECK_OK(move_to(fd, "to"));
	CHECK_OK(close(fd));
	CHECK_EQ(kind_of("to").shared, kind_of("a").shared);
	put_at("a/d", "f");
	CHECK(is_at("to/d", "f"));
	/* On a shared one it is on all. */
	CHECK_OK(umount("to/d"));
	fd = mount_new_tmpfs();
	CHECK_OK(mkdirat(fd, "g", 0755));
	CHECK_OK(move_to(fd, "a/d"));
	CHECK(is_at("to/d", "g"));
	kind_check("a/d", MS_SHARED);
	CHECK_OK(close(fd));
	CHECK(is_at("to/d", "g"));
	CHECK_OK(umount("to/d"));
	/* One that goes unused leaves its group. */
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE));
	CHECK_OK(umount("to"));
	CHECK_OK(close(fd));
	kind_set("a", MS_SLAVE);
	kind_check("a", MS_PRIVATE);
	CHECK_OK(umount("a"));
}

/* Below what is mounted there, everywhere. */
TEST(subtree, beneath, .root = true)
{
	const unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | BENEATH;
	int fd;

	places_make(true);
	put_at("a/d", "over");
	fd = mount_new_tmpfs();
	CHECK_OK(mkdirat(fd, "under", 0755));
	CHECK_OK(move_mount(fd, "", AT_FDCWD, "a/d", flags));
	CHECK_OK(close(fd));
	CHECK(is_at("a/d", "over") && is_at("b/d", "over") && is_at("c/d", "over"));
	CHECK_OK(umount("a/d"));
	CHECK(is_at("a/d", "under"));
	kind_check("a/d", MS_SHARED);
	CHECK(is_at("b/d", "under") && is_at("c/d", "under"));
	CHECK_OK(umount("a/d"));
	CHECK(!is_at("b/d", "under") && !is_at("c/d", "under"));
	/* Not where it would come on top again. */
	CHECK_OK(mount("a", "a", NULL, MS_BIND, NULL));
	fd = mount_new_tmpfs();
	CHECK_ERR(move_mount(fd, "", AT_FDCWD, "a", flags), EINVAL);
	CHECK_OK(close(fd));
	CHECK_OK(umount2("a", MNT_DETACH));
	places_end();
}

/* What is no place for mounts, nor a mount: pipes, memory, sockets. */
TEST(subtree, no_places, .root = true)
{
	char name[32];
	int fd[2];

	CHECK_OK(pipe(fd));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd[0]);
	file_make("f", "x", 1);
	CHECK_ERR(mount(name, "f", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount("f", name, NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERR(mount(NULL, name, NULL, MS_SHARED, NULL), EINVAL);
	CHECK_ERR(open_tree(fd[0], "", OPEN_TREE_CLONE | AT_EMPTY_PATH), EINVAL);
	CHECK_ERR(move_mount(fd[0], "", AT_FDCWD, "f",
			     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_SET_GROUP), EINVAL);
	CHECK_OK(close(fd[0]));
	CHECK_OK(close(fd[1]));
}

/* Nor is what has been unmounted, or what has no place itself. */
TEST(subtree, no_places_any_more, .root = true)
{
	int fd, home = (int)CHECK_OK(open(".", O_PATH));
	char b[PATH_MAX], in[PATH_MAX + 2];

	volume_at("a");
	volume_at("b");
	CHECK(realpath("b", b));
	snprintf(in, sizeof(in), "%s/d", b);
	CHECK_OK(chdir("a"));
	CHECK_OK(umount2("../a", MNT_DETACH));
	CHECK_ERR(mount("none", "d", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERR(mount(b, "d", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERR(mount(b, "d", NULL, MS_MOVE, NULL), ENOENT);
	CHECK_ERR(mount("d", in, NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount(NULL, ".", NULL, MS_SHARED, NULL), EINVAL);
	CHECK_OK(chdir(".."));
	fd = mount_new_tmpfs();
	CHECK_OK(fchdir(fd));
	CHECK_OK(mkdir("d", 0755));
	CHECK_ERR(mount("none", "d", "tmpfs", 0, NULL), EINVAL);
	CHECK_ERR(mount("/proc", "d", NULL, MS_BIND, NULL), EINVAL);
	CHECK_OK(fchdir(home));
	CHECK_OK(close(fd));
	CHECK_OK(close(home));
	CHECK_OK(umount("b"));
}

/* A place is what is on top of it, for who unmounts what is there, too. */
TEST(subtree, umount_crosses, .root = true)
{
	put_at("a", "one");
	CHECK_OK(chdir("a"));
	put_at("../a", "two");
	CHECK_OK(access("one", F_OK));
	CHECK_OK(umount("."));
	CHECK(is_at("../a", "one"));
	CHECK_ERR(umount("."), EBUSY);
	CHECK_OK(chdir(".."));
	CHECK_OK(umount("a"));
}
