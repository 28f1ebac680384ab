/*
 * drivers/block/bio.c and queue.c over a disk in memory that completes requests when it likes, in
 * any order, and is picky about what a request may be.
 */
#include "tests/host/shim/kmalloc.h"
#include "tests/host/shim/sleep.h"

#include "drivers/block.h"
#include "drivers/block/bio.h"
#include "kernel/machine.h"
#include "kernel/mem/kmap.h"

#define SECTORS 4096
#define SLOTS	7 /* requests the disk takes at once */

struct machine machine = {.cmdline = ""}; /* for its command line */

static uint8_t platter[SECTORS * SECTOR_SIZE]; /* what is on the disk */
static uint8_t cached[SECTORS];	     /* written and not flushed since */
static struct blockdev disk, part;
static struct request *slot[SLOTS];
static unsigned in_flight, started, commits, flushes;
static uint64_t bad_sector = UINT64_MAX;
static uint64_t seed = 2;
static bool last_first; /* complete the newest instead of any */

/* Pieces of memory are as promised, and carried out at once: the data is what it is at start. */
static void carry_out(struct request *r)
{
	struct request_iter it;
	struct bio_vec v;
	uint64_t at = r->sector * SECTOR_SIZE;
	uint32_t pieces = 0;

	request_iter_init(&it, r);
	while (request_iter_next(&it, &v)) {
		assert_true(v.len && v.len % SECTOR_SIZE == 0);
		assert_true(v.len <= disk.limits.max_vec_bytes);
		assert_true(at + v.len <= sizeof(platter));
		if (r->op == BIO_READ)
			memcpy(phys_to_virt(v.pa), platter + at, v.len);
		else
			memcpy(platter + at, phys_to_virt(v.pa), v.len);
		for (uint32_t s = 0; r->op == BIO_WRITE && s < v.len / SECTOR_SIZE; s++)
			cached[at / SECTOR_SIZE + s] = 1;
		at += v.len;
		pieces++;
	}
	assert_int_equal(at, (r->sector + r->sectors) * SECTOR_SIZE);
	assert_int_equal(pieces, r->nvec);
}

static int disk_start(struct blockdev *d, struct request *r)
{
	assert_false(host_irqs_on);
	assert_ptr_equal(d, &disk);
	if (in_flight == SLOTS)
		return -EBUSY;
	started++;
	if (r->op == BIO_FLUSH) {
		flushes++;
	} else {
		assert_true(r->nvec && r->nvec <= disk.limits.max_vecs);
		assert_true(r->sectors && r->sectors <= disk.limits.max_sectors);
		assert_true(r->sector + r->sectors <= SECTORS);
	}
	slot[in_flight++] = r;
	return 0;
}

static void disk_commit(struct blockdev *d)
{
	assert_ptr_equal(d, &disk);
	commits++;
}

static const struct blockdev_ops ops = {.start = disk_start, .commit = disk_commit};

/* One request, any of them, completes. */
static bool disk_work(void)
{
	unsigned i;
	struct request *r;
	int status = 0;

	if (!in_flight)
		return false;
	i = last_first ? in_flight - 1 : test_random(&seed) % in_flight;
	r = slot[i];
	slot[i] = slot[--in_flight];
	if (r->op == BIO_FLUSH)
		memset(cached, 0, sizeof(cached));
	else if (bad_sector >= r->sector && bad_sector < r->sector + r->sectors)
		status = -EIO;
	else
		carry_out(r);
	block_complete(&disk, r, status);
	return true;
}

static int setup(void **state)
{
	(void)state;
	host_kernel_start();
	host_idle = disk_work;
	bio_init_waits();
	memset(&disk, 0, sizeof(disk));
	strcpy(disk.name, "vda");
	disk.sectors = SECTORS;
	disk.has_flush = true;
	disk.ops = &ops;
	disk.limits = (struct block_limits){
		.max_vecs = 6, .max_sectors = 40, .max_vec_bytes = 4096};
	disk.queue = block_queue_create(&disk);
	part = (struct blockdev){
		.name = "vda1", .parent = &disk, .start = 1000, .sectors = 2000, .partno = 1};
	for (size_t i = 0; i < sizeof(platter); i++)
		platter[i] = (uint8_t)(i / SECTOR_SIZE * 31 + i);
	memset(cached, 0, sizeof(cached));
	in_flight = started = commits = flushes = 0;
	bad_sector = UINT64_MAX;
	last_first = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(in_flight, 0);
	kfree(disk.queue);
	assert_int_equal(host_alloc_count, 0);
	host_kernel_check();
	return 0;
}

static uint8_t *buffer(size_t len)
{
	uint8_t *p = kmalloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)test_random(&seed);
	return p;
}

static void test_transfer(void **state)
{
	uint8_t *buf = buffer(8 * SECTOR_SIZE);

	(void)state;
	assert_int_equal(blockdev_transfer(&disk, BIO_WRITE, 17, buf, 8 * SECTOR_SIZE), 0);
	assert_memory_equal(platter + 17 * SECTOR_SIZE, buf, 8 * SECTOR_SIZE);
	assert_int_equal(blockdev_transfer(&part, BIO_READ, 5, buf, SECTOR_SIZE), 0);
	assert_memory_equal(platter + 1005 * SECTOR_SIZE, buf, SECTOR_SIZE);
	assert_int_equal(disk.stats.ios[BIO_READ], 1);
	assert_int_equal(part.stats.sectors[BIO_READ], 1);
	assert_int_equal(commits, 2);
	kfree(buf);
}

static void test_refused(void **state)
{
	uint8_t *buf = buffer(4 * SECTOR_SIZE);

	(void)state;
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, SECTORS - 1, buf, 1024), -EIO);
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, SECTORS + 1, buf, 512), -EIO);
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, UINT64_MAX, buf, 512), -EIO);
	assert_int_equal(blockdev_transfer(&part, BIO_READ, 1999, buf, 1024), -EIO);
	assert_int_equal(blockdev_transfer(&part, BIO_WRITE, UINT64_MAX - 900, buf, 512), -EIO);
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, 0, buf, 100), -EINVAL);
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, 0, buf, 0), -EINVAL);
	part.readonly = true;
	assert_int_equal(blockdev_transfer(&part, BIO_WRITE, 0, buf, 512), -EROFS);
	part.readonly = false;
	disk.readonly = true;
	assert_int_equal(blockdev_transfer(&part, BIO_WRITE, 0, buf, 512), -EROFS);
	assert_int_equal(started, 0);
	kfree(buf);
}

/* Larger than the disk takes: cut up, put together, done once. */
static void test_large(void **state)
{
	size_t len = 700 * SECTOR_SIZE;
	uint8_t *buf = buffer(len), *back = kmalloc(len);

	(void)state;
	assert_int_equal(blockdev_transfer(&disk, BIO_WRITE, 100, buf, len), 0);
	assert_memory_equal(platter + 100 * SECTOR_SIZE, buf, len);
	assert_true(started >= 700 / 40);
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, 100, back, len), 0);
	assert_memory_equal(buf, back, len);
	kfree(buf);
	kfree(back);
}

static struct bio many[64];
static unsigned done_count;

static void count_done(struct bio *b)
{
	(void)b;
	done_count++;
}

/* Neighbours handed in together, in any order, become few requests. */
static void test_merge(void **state)
{
	uint8_t *buf = buffer(32 * SECTOR_SIZE);

	(void)state;
	done_count = 0;
	block_plug();
	for (unsigned i = 0; i < 16; i++) {
		unsigned at = i * 5 % 16; /* each once */

		bio_init(&many[i], &disk, BIO_WRITE, 200 + 2 * at);
		many[i].vec[0] = (struct bio_vec){virt_to_phys(buf + 1024 * at), 1024};
		many[i].nvec = 1;
		many[i].done = count_done;
		bio_submit(&many[i]);
	}
	assert_int_equal(started, 0);
	block_unplug();
	assert_true(started && started <= 8);
	while (disk_work())
		;
	assert_int_equal(done_count, 16);
	assert_memory_equal(platter + 200 * SECTOR_SIZE, buf, 32 * SECTOR_SIZE);
	assert_true(disk.stats.merges[BIO_WRITE] >= 8);
	kfree(buf);
}

/* A bad sector fails the bio that wants it, and no other that was merged with it. */
static void test_error_of_one(void **state)
{
	uint8_t *buf = buffer(16 * SECTOR_SIZE);

	(void)state;
	bad_sector = 305;
	block_plug();
	for (unsigned i = 0; i < 16; i++) {
		bio_init(&many[i], &disk, BIO_READ, 300 + i);
		many[i].vec[0] = (struct bio_vec){virt_to_phys(buf + 512 * i), 512};
		many[i].nvec = 1;
		many[i].done = count_done;
		bio_submit(&many[i]);
	}
	block_unplug();
	while (disk_work())
		;
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(many[i].status, i == 5 ? -EIO : 0);
		if (i != 5)
			assert_memory_equal(buf + 512 * i, platter + (300 + i) * 512, 512);
	}
	kfree(buf);
	buf = buffer(700 * SECTOR_SIZE); /* a large one fails as a whole, once */
	assert_int_equal(blockdev_transfer(&disk, BIO_READ, 100, buf, 700 * SECTOR_SIZE), -EIO);
	kfree(buf);
}

static void test_flush(void **state)
{
	uint8_t *buf = buffer(SECTOR_SIZE);
	struct bio b;

	(void)state;
	blockdev_transfer(&disk, BIO_WRITE, 1, buf, 512);
	assert_int_equal(cached[1], 1);
	assert_int_equal(blockdev_flush(&part), 0);
	assert_int_equal(cached[1], 0);
	bio_init(&b, &disk, BIO_WRITE, 2);
	b.vec[0] = (struct bio_vec){virt_to_phys(buf), 512};
	b.nvec = 1;
	b.flags = BIO_FUA;
	assert_int_equal(bio_submit_wait(&b), 0);
	assert_int_equal(cached[2], 0);
	blockdev_transfer(&disk, BIO_WRITE, 3, buf, 512);
	b.sector = 4;
	b.flags = BIO_PREFLUSH;
	assert_int_equal(bio_submit_wait(&b), 0);
	assert_int_equal(cached[3], 0);
	assert_int_equal(cached[4], 1);
	disk.has_flush = false;
	flushes = 0;
	assert_int_equal(blockdev_flush(&disk), 0);
	b.flags = BIO_FUA | BIO_PREFLUSH;
	assert_int_equal(bio_submit_wait(&b), 0);
	assert_int_equal(flushes, 0);
	kfree(buf);
}

struct job {
	struct bio bio;
	struct bio_vec vec[12];
	uint8_t *buf;
	size_t len;
	bool busy;
};

static struct job jobs[300]; /* more than the queue has requests */
static uint8_t owner[SECTORS];	 /* a job is on the way there: others keep off */

static void job_done(struct bio *b)
{
	struct job *j = b->data;
	uint8_t *place = platter + (b->dev->start + b->sector) * SECTOR_SIZE;

	assert_true(j->busy);
	assert_int_equal(b->status, 0);
	assert_memory_equal(place, j->buf, j->len);
	memset(owner + b->dev->start + b->sector, 0, j->len / SECTOR_SIZE);
	j->busy = false;
	kfree(j->buf);
}

static void job_start(struct job *j)
{
	struct blockdev *d = test_random(&seed) % 2 ? &disk : &part;
	uint64_t sectors = 1 + test_random(&seed) % (test_random(&seed) % 8 ? 8 : 150);
	uint64_t sector = test_random(&seed) % (d->sectors - sectors), left = sectors;

	for (uint64_t i = 0; i < sectors; i++)
		if (owner[d->start + sector + i])
			return;
	memset(owner + d->start + sector, 1, sectors);
	j->len = sectors * SECTOR_SIZE;
	j->buf = buffer(j->len);
	j->busy = true;
	bio_init(&j->bio, d, test_random(&seed) % 2 ? BIO_READ : BIO_WRITE, sector);
	j->bio.vec = j->vec;
	for (unsigned i = 0; left; i++) {
		uint64_t n = i == 11 ? left : 1 + test_random(&seed) % left;

		j->vec[i].pa = virt_to_phys(j->buf + (sectors - left) * SECTOR_SIZE);
		j->vec[i].len = (uint32_t)(n * SECTOR_SIZE);
		j->bio.nvec++;
		left -= n;
	}
	if (j->bio.op == BIO_WRITE && test_random(&seed) % 10 == 0)
		j->bio.flags = (uint32_t)test_random(&seed) & (BIO_FUA | BIO_PREFLUSH);
	j->bio.done = job_done;
	j->bio.data = j;
	bio_submit(&j->bio);
}

/* Everything at once: each bio is done once, with its own data, and nothing is left. */
static void test_storm(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct job *j = &jobs[test_random(&seed) % ARRAY_SIZE(jobs)];

		if (round % 40 == 0)
			block_plug();
		if (!j->busy)
			job_start(j);
		if (round % 40 == 39)
			block_unplug();
		if (test_random(&seed) % 3 == 0)
			disk_work();
		last_first = round / 1000 % 2;
	}
	while (disk_work())
		;
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_false(jobs[i].busy);
	assert_int_equal(disk.queue->in_flight, 0);
	assert_true(list_empty(&disk.queue->waiting));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_transfer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_of_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_storm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
