/* nomem: mounts that are told to others: all get them, or none; see nomem.c. */
#include "nomem.h"
#include "subtree.h"

static int before;

/* a, its peer b, its slave c; s, with s/d below it; m. */
static void places_make(void)
{
	volume_at("a");
	kind_set("a", MS_SHARED);
	bind_to("a", "b");
	bind_to("a", "c");
	kind_set("c", MS_SLAVE);
	kind_set("c", MS_SHARED);
	put_at("s", "f");
	put_at("s/d", "g");
	before = mounts_now();
}

static void places_end(void)
{
	CHECK_OK(umount2("s", MNT_DETACH));
	CHECK_OK(umount("c"));
	CHECK_OK(umount("b"));
	CHECK_OK(umount("a"));
}

static void intact(void)
{
	CHECK_EQ(mounts_now(), before);
	kind_check("a", MS_SHARED);
	kind_check("c", MS_SHARED | MS_SLAVE);
	kind_check("s", MS_PRIVATE);
	kind_check("s/d", MS_PRIVATE);
	CHECK(is_at("s", "f") && is_at("s/d", "g"));
}

static long run_mount(void)
{
	return mount("none", "a/d", "tmpfs", 0, NULL);
}

static long run_bind(void)
{
	return mount("s", "a/d", NULL, MS_BIND | MS_REC, NULL);
}

static long run_move(void)
{
	return mount("s", "a/d", NULL, MS_MOVE, NULL);
}

static long run_kinds(void)
{
	return mount(NULL, "s", NULL, MS_SHARED | MS_REC, NULL);
}

static void after_mount(long result)
{
	CHECK_EQ(result, 0);
	CHECK_EQ(kind_of("a/d").shared, kind_of("b/d").shared);
	CHECK_EQ(kind_of("a/d").shared, kind_of("c/d").master);
	CHECK_OK(umount2("a/d", MNT_DETACH));
}

static void after_move(long result)
{
	CHECK(is_at("c/d/d", "g"));
	after_mount(result);
	put_at("s", "f");
	put_at("s/d", "g");
}

static void after_kinds(long result)
{
	CHECK_EQ(result, 0);
	kind_check("s/d", MS_SHARED);
	kind_set("s", MS_PRIVATE | MS_REC);
}

TEST(nomem, mount, .root = true, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "mount", .run = run_mount, .after = after_mount, .intact = intact },
		{ .name = "bind", .run = run_bind, .after = after_mount, .intact = intact },
		{ .name = "move", .run = run_move, .after = after_move, .intact = intact },
		{ .name = "kinds", .run = run_kinds, .after = after_kinds, .intact = intact,
		  .may_need_none = true },
	};

	door_open();
	places_make();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
	places_end();
}
