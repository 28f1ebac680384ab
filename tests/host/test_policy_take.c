/* mm/policy.c counts each page once, here or gone, those that are made to go, too. */
#include "tests/host/shim/kernel.h"
#include "mm/policy.c"
#include "tests/host/test.h"

#include <sys/mman.h>

static uint64_t counted(void)
{
	uint64_t n = 0;

	for (uint32_t s = 0; s < STAMPS; s++)
		n += policy.last[s];
	return n;
}

static void test_take(void **state)
{
	struct frame *f = FRAMES + 1;

	(void)state;
	assert_ptr_not_equal(mmap((void *)FRAMES_BASE, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), MAP_FAILED);
	f->word = FRAME_ANON;
	/* No harvest has found it yet. */
	policy_take(f);
	assert_int_equal(counted(), 1);
	for (int i = 0; i < 3; i++) {
		policy_enter(f, policy_shadow(f));
		assert_int_equal(counted(), 1);
		assert_int_equal(policy_pages(), 1);
		policy_take(f);
		assert_int_equal(counted(), 1);
		assert_int_equal(policy_pages(), 0);
	}
	policy_return(f);
	assert_int_equal(counted(), 1);
	policy_take(f);
	policy_forget(policy_shadow(f));
	assert_int_equal(counted(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
