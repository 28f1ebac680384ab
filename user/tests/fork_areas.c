/* After fork, from every side: the calls that change areas. */
#include "fork_layout.h"

FORK_TEST(nothing)
{
	/* Only what all of these tests do. */
	model_check(m);
}

FORK_TEST(munmap_page)
{
	model_unmap(m, 250, 1);
}

FORK_TEST(munmap_first_and_last_of_table)
{
	model_unmap(m, TABLE_B - 1, 1);
	model_unmap(m, TABLE_B, 1);
	model_unmap(m, TABLE_C - 1, 1);
	model_unmap(m, TABLE_C, 1);
}

FORK_TEST(munmap_across_border)
{
	model_unmap(m, 190, 30);
}

FORK_TEST(munmap_area)
{
	model_unmap(m, AT_SPARSE);
	model_unmap(m, AT_NONE);
	model_unmap(m, AT_SHARED);
}

FORK_TEST(munmap_with_holes)
{
	model_unmap(m, 440, 60);
}

FORK_TEST(munmap_table)
{
	model_unmap(m, TABLE_B, 512);
}

FORK_TEST(munmap_all)
{
	model_unmap(m, 0, LAYOUT_PAGES);
}

FORK_TEST(munmap_all_but_one)
{
	model_unmap(m, 0, 260);
	model_unmap(m, 261, LAYOUT_PAGES - 261);
}

FORK_TEST(munmap_and_map_again)
{
	model_unmap(m, TABLE_B, 512);
	model_map(m, 300, 100, MODEL_ANON, RW, 0, 0);
	model_fill(m, 310, 20);
	model_map(m, 500, 30, MODEL_FILE, RW, 0, 0);
}

FORK_TEST(map_fixed_page)
{
	model_map(m, 222, 1, MODEL_ANON, RW, 0, 0);
	model_map(m, 650, 1, MODEL_ANON, RO, 0, 0);
	model_map(m, 310, 1, MODEL_ANON, RW, 0, 0);
}

FORK_TEST(map_fixed_over_table)
{
	model_map(m, TABLE_B, 512, MODEL_ANON, RW, 0, 0);
}

FORK_TEST(map_fixed_file)
{
	model_map(m, 190, 30, MODEL_FILE_SHARED, RW, 0, 0);
	model_map(m, 470, 20, MODEL_FILE, RW, 0, 3);
	model_fill(m, 190, 40);
}

FORK_TEST(map_fixed_populated)
{
	model_map(m, 200, 150, MODEL_ANON, RW, MAP_POPULATE, 0);
	model_map(m, 380, 30, MODEL_FILE, RW, MAP_POPULATE, 2);
}

FORK_TEST(map_in_hole)
{
	model_map(m, AT_HOLE, MODEL_ANON, RW, 0, 0);
	model_fill(m, AT_HOLE);
}

FORK_TEST(mprotect_page)
{
	model_protect(m, 250, 1, RO);
	model_protect(m, 260, 1, PROT_NONE);
}

FORK_TEST(mprotect_across_border)
{
	model_protect(m, 190, 30, RO);
	model_protect(m, 700, 30, PROT_NONE);
}

FORK_TEST(mprotect_table)
{
	model_protect(m, TABLE_B, 512, RO);	/* up to the hole */
	model_protect(m, 470, 300, PROT_NONE);
}

FORK_TEST(mprotect_gives_back)
{
	model_protect(m, AT_NONE, RW);
	model_protect(m, AT_RO, RW);
	model_fill(m, 300, 150);
}

FORK_TEST(mprotect_there_and_back)
{
	model_protect(m, 180, 270, PROT_NONE);
	model_protect(m, 180, 270, RW);
	model_protect(m, 180, 270, RO);
	model_protect(m, 180, 270, RW);
}

FORK_TEST(mprotect_executable)
{
	model_protect(m, AT_LAST, RX);
	model_protect(m, AT_SPARSE, RW | PROT_EXEC);
}

FORK_TEST(mremap_within_table)
{
	CHECK(model_move(m, 220, 20, 450, 0));
}

FORK_TEST(mremap_to_other_table)
{
	/* Each page to another index of another table. */
	CHECK(model_move(m, 530, 60, 17, 0));
}

FORK_TEST(mremap_whole_tables)
{
	/* The border of tables lies elsewhere in the new place. */
	CHECK(model_move(m, 660, 100, 420, 0));
	CHECK(model_move(m, 180, 120, 681, 0));
}

FORK_TEST(mremap_shared)
{
	CHECK(model_move(m, AT_SHARED, 233, 0));
	CHECK(model_move(m, AT_SHARED_TOO, 1, 0));
}

FORK_TEST(mremap_file)
{
	CHECK(model_move(m, AT_FILE, 520, 0));
	CHECK(model_move(m, AT_FILE_SHARED, 470, 0));
}

FORK_TEST(mremap_protected)
{
	CHECK(model_move(m, AT_NONE, 100, 0));
	CHECK(model_move(m, AT_RO, 200, 0));
	model_protect(m, 100, 40, RW);
}

FORK_TEST(mremap_part)
{
	CHECK(model_move(m, 195, 10, 455, 0));
	CHECK(model_move(m, 388, 5, 195, 0));
}

FORK_TEST(mremap_shrinks)
{
	CHECK(model_resize(m, 180, 120, 10));
	CHECK(model_resize(m, 660, 100, 60));
	CHECK(model_resize(m, 340, 30, 15));
}

FORK_TEST(mremap_grows)
{
	CHECK(model_resize(m, 420, 30, 45));
	CHECK(model_resize(m, 760, 32, 50));
}

FORK_TEST(mremap_grows_into_next_table)
{
	model_unmap(m, 200, 300);
	CHECK(model_resize(m, 180, 20, 150));
	model_fill(m, 190, 20);
}

FORK_TEST(mremap_dontunmap)
{
	CHECK(model_move(m, 200, 80, 480, MREMAP_DONTUNMAP));
	model_fill(m, 210, 5);
	CHECK(model_move(m, 340, 30, 650, MREMAP_DONTUNMAP));
	CHECK(model_move(m, 150, 30, 300, MREMAP_DONTUNMAP));
}

FORK_TEST(truncate_and_grow)
{
	model_truncate(m, 5 + (unsigned int)run);
	model_check(m);
	model_truncate(m, MODEL_FILE_MAX / 2);
	model_fill(m, 340, 70);
}

FORK_TEST(truncate_to_nothing)
{
	model_truncate(m, 0);
	model_check(m);
	model_truncate(m, 20);
}
