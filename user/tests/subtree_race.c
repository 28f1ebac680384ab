/*
 * subtree: what goes is found by nobody any more, what is copied is there, while others look;
 * groups that are joined.
 */
#include "user/tests/subtree.h"

#include <pthread.h>
#include <stdatomic.h>

#define RECURSIVE 0x8000 /* AT_RECURSIVE */
#define ROUNDS	  400
#define OPENERS	  3

static atomic_int gone, ended, found, rounds[OPENERS];

/* Opens the file of the mount again and again: what is open was not gone. */
static void *open_often(void *arg)
{
	atomic_int *round = arg;
	int fd;

	for (; !ended; (*round)++) {
		fd = open("a/f", O_RDONLY);
		if (fd < 0)
			continue;
		for (int i = 0; i < 200; i++)
			found |= gone;
		close(fd);
	}
	return NULL;
}

TEST(subtree, nothing_is_open_behind_umount, .root = true)
{
	pthread_t thread[OPENERS];

	CHECK_OK(mkdir("a", 0755));
	for (int i = 0; i < OPENERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, open_often, &rounds[i]), 0);
	for (int n = 0; n < ROUNDS && !found; n++) {
		put_at("a", "f");
		while (umount("a") < 0)
			CHECK_EQ(errno, EBUSY);
		gone = 1;
		/* Each of them has tried once since then. */
		for (int i = 0; i < OPENERS; i++) {
			int now = rounds[i];

			while (rounds[i] < now + 2)
				sched_yield();
		}
		gone = 0;
	}
	ended = 1;
	for (int i = 0; i < OPENERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK(!found);
}

/* Takes away what stands on a/d when it is told to. */
static void *umount_when_told(void *arg)
{
	(void)arg;
	while (!ended) {
		if (gone != 1) {
			sched_yield();
			continue;
		}
		gone = 2;
		while (umount("a/d") < 0)
			CHECK_EQ(errno, EBUSY);
		gone = 0;
	}
	return NULL;
}

TEST(subtree, copy_beside_umount, .root = true)
{
	pthread_t thread;
	int fd, before;

	volume_at("a");
	volume_at("x");
	CHECK_EQ(pthread_create(&thread, NULL, umount_when_told, NULL), 0);
	before = mounts_now();
	for (int n = 0; n < ROUNDS; n++) {
		put_at("a/d", "f");
		gone = 1;
		while (gone == 1)
			;
		fd = (int)CHECK_OK(open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE | RECURSIVE));
		while (gone)
			sched_yield();
		CHECK_OK(move_mount(fd, "", AT_FDCWD, "x", MOVE_MOUNT_F_EMPTY_PATH));
		CHECK_OK(close(fd));
		/* The copy and, if it was there still, what stood on it. */
		if (mounts_now() == before + 2)
			CHECK(is_at("x/d", "f"));
		else
			CHECK_EQ(mounts_now(), before + 1);
		CHECK_OK(umount2("x", MNT_DETACH));
	}
	ended = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_OK(umount("x"));
	CHECK_OK(umount("a"));
}

/* Who joins a group is shared, whatever it was. */
TEST(subtree, set_group_of_unbindable, .root = true)
{
	volume_shared_at("a");
	bind_to("a", "b");
	kind_set("b", MS_UNBINDABLE);
	CHECK_OK(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_SET_GROUP));
	kind_check("b", MS_SHARED);
	bind_to("b", "c");
	CHECK_OK(umount("c"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}

/* What goes along keeps nothing from going that stands on it and goes, too. */
TEST(subtree, umount_of_what_goes_along, .root = true)
{
	volume_shared_at("a");
	bind_to("a", "b");
	bind_to("a", "b/d");
	kind_set("b/d", MS_PRIVATE);
	volume_at("b/d/d");
	CHECK_OK(move_mount(AT_FDCWD, "a", AT_FDCWD, "b/d", MOVE_MOUNT_SET_GROUP));
	CHECK_OK(umount("a/d"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}
