/* riscv_hwprobe: what programs may know of the harts. */
#include "ut.h"

#include <sched.h>
#include <sys/auxv.h>

#ifndef SYS_riscv_hwprobe
#define SYS_riscv_hwprobe 258
#endif

struct pair {
	int64_t key;
	uint64_t value;
};

static long probe(struct pair *pairs, size_t count, size_t size, void *cpus, unsigned int flags)
{
	return syscall(SYS_riscv_hwprobe, pairs, count, size, cpus, flags);
}

static uint64_t value_of(int64_t key)
{
	struct pair p = { key, 1234 };

	CHECK_OK(probe(&p, 1, 0, NULL, 0));
	CHECK_EQ(p.key, key);
	return p.value;
}

TEST(hwprobe, keys)
{
	struct pair p[3] = { { 3, 0 }, { 0x7fffffff, 5 }, { 4, 0 } };
	uint64_t hwcap = getauxval(AT_HWCAP);

	CHECK_OK(probe(p, 3, 0, NULL, 0));
	CHECK_EQ(p[0].key, 3);
	CHECK_EQ(p[0].value & 1, 1); /* I, M, A */
	CHECK_EQ(p[1].key, -1);
	CHECK_EQ(p[1].value, 0);
	CHECK_EQ(p[2].key, 4);
	CHECK_EQ(p[2].value & 1, hwcap >> ('d' - 'a') & hwcap >> ('f' - 'a') & 1);
	CHECK_EQ(p[2].value >> 1 & 1, hwcap >> ('c' - 'a') & 1);
	for (int64_t key = 0; key < 3; key++)
		value_of(key);
	CHECK(value_of(5) <= 4);
	CHECK_EQ(value_of(7), 0x4000000000);
	CHECK(value_of(8) >= 1000);
	CHECK_OK(probe(NULL, 0, 0, NULL, 0));
}

TEST(hwprobe, processors)
{
	struct pair p = { 3, 1 };
	cpu_set_t all, cpus;

	CHECK_OK(sched_getaffinity(0, sizeof(all), &all));
	CHECK_OK(probe(&p, 1, sizeof(all), &all, 0));
	CPU_ZERO(&cpus);
	CHECK_ERR(probe(&p, 1, sizeof(cpus), &cpus, 0), EINVAL);
	/* Of all, those on which it is so. */
	CHECK_OK(probe(&p, 1, 8, &cpus, 1));
	CHECK_EQ(CPU_COUNT(&cpus), CPU_COUNT(&all));
	p.value = 1ul << 63;
	CHECK_OK(probe(&p, 1, 8, &cpus, 1));
	CHECK_EQ(CPU_COUNT(&cpus), 0);
	p = (struct pair){ 0x7fffffff, 0 };
	cpus = all;
	CHECK_OK(probe(&p, 1, 8, &cpus, 1));
	CHECK_EQ(p.key, -1);
	CHECK_EQ(CPU_COUNT(&cpus), 0);
}

TEST(hwprobe, errors)
{
	struct pair p = { 3, 0 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CHECK_ERR(probe(&p, 1, 0, NULL, 2), EINVAL);
	CHECK_ERR(probe(&p, 1, 0, NULL, 1), EINVAL);
	CHECK_ERR(probe(&p, 1, 8, NULL, 1), EINVAL);
	CHECK_ERR(probe(&p, 1, 8, (void *)8, 0), EFAULT);
	CHECK_ERR(probe((struct pair *)8, 1, 0, NULL, 0), EFAULT);
}
