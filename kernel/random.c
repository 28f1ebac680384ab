#include "kernel/random.h"

#include "kernel/chacha20.h"
#include "kernel/machine.h"
#include "kernel/poll.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "lib/string.h"

#define RESEED_NS   (60 * NSEC_PER_SEC)
#define JITTER_NS   (1 * NSEC_PER_MSEC)
#define SMALL	    32 /* bytes: requests up to this come out of the batch */
#define EVENTS_MASK 31U /* one bit is credited for 32 events, while the pool is not ready */

static struct {
	struct spinlock lock;
	uint32_t key[8];	 /* (lock) the pool: every output erases it with a successor */
	uint8_t batch[8 * CHACHA20_BLOCK]; /* (lock) output made in advance */
	uint32_t batch_left;	 /* (lock) bytes of it not handed out; those that were are zero */
	uint64_t absorbed;	 /* (lock) blocks mixed in: makes each absorbing step distinct */
	uint64_t asked_at;	 /* (lock) when the source was last asked, ns */
	_Atomic uint32_t bits;	 /* credited so far, at most RANDOM_POOL_BITS */
	_Atomic uint32_t events; /* counted by random_add_event */
	struct random_source *source;
	struct waitqueue ready;
} pool = {
	.lock = SPINLOCK_INIT("random", RANK_RANDOM),
	.ready = WAITQUEUE_INIT(pool.ready),
};

/*
 * key = first half of ChaCha20(key xor chunk, number of the chunk). Without the key the outcome is
 * unpredictable whatever the chunk, and with an unpredictable chunk whatever the key.
 */
static void absorb_locked(const uint8_t *data, size_t n)
{
	while (n) {
		uint8_t chunk[CHACHA20_KEY] = {0}, block[CHACHA20_BLOCK];
		size_t now = MIN(n, sizeof(chunk));
		uint32_t mixed[8];

		memcpy(chunk, data, now);
		memcpy(mixed, chunk, sizeof(mixed));
		for (int i = 0; i < 8; i++)
			mixed[i] ^= pool.key[i];
		pool.absorbed++;
		uint32_t nonce[3] = {(uint32_t)pool.absorbed, (uint32_t)(pool.absorbed >> 32),
				     0x736f7262};

		chacha20_block(mixed, (uint32_t)now, nonce, block);
		memcpy(pool.key, block, sizeof(pool.key));
		data += now;
		n -= now;
	}
}

void random_add(const void *data, size_t n, uint32_t bits)
{
	uint64_t now = time_read();
	uint64_t was = spin_lock_irq(&pool.lock);
	uint32_t before = pool.bits;

	absorb_locked((const uint8_t *)&now, sizeof(now));
	absorb_locked(data, n);
	pool.batch_left = 0; /* what comes next knows of this */
	bits = MIN(bits, RANDOM_POOL_BITS);
	pool.bits = MIN(before + bits, RANDOM_POOL_BITS);
	bool became_ready = before < RANDOM_POOL_BITS && pool.bits == RANDOM_POOL_BITS;
	spin_unlock_irq(&pool.lock, was);
	if (became_ready)
		wake_all(&pool.ready);
}

void random_add_event(uint32_t what)
{
	/* Once seeded, an occasional event is enough; the lock is shared by all harts. */
	uint32_t n = pool.events++;

	if (pool.bits == RANDOM_POOL_BITS && (n & 1023))
		return;
	random_add(&what, sizeof(what), (n & EVENTS_MASK) == EVENTS_MASK);
}

/* A one-time key for an output, after which the pool's key cannot be computed back. */
static void derive_key_locked(uint32_t key[8])
{
	static const uint32_t nonce[3] = {0x6f, 0x75, 0x74};
	uint8_t block[CHACHA20_BLOCK];
	uint64_t ticks = time_read();

	absorb_locked((const uint8_t *)&ticks, sizeof(ticks));
	chacha20_block(pool.key, 0, nonce, block);
	memcpy(pool.key, block, sizeof(pool.key));
	memcpy(key, block + CHACHA20_KEY, CHACHA20_KEY);
	memset(block, 0, sizeof(block));
}

/* n bytes of the stream of a one-time key, which is erased. */
static void stretch(uint32_t key[8], uint8_t *out, size_t n)
{
	static const uint32_t nonce[3];
	uint8_t block[CHACHA20_BLOCK];

	for (uint32_t counter = 0; n; counter++) {
		size_t now = MIN(n, sizeof(block));

		chacha20_block(key, counter, nonce, block);
		memcpy(out, block, now);
		out += now;
		n -= now;
	}
	memset(key, 0, CHACHA20_KEY);
	memset(block, 0, sizeof(block));
}

void random_refresh(void)
{
	struct random_source *ask = NULL;
	uint64_t now = time_ns();
	uint64_t was = spin_lock_irq(&pool.lock);

	if (pool.source && now - pool.asked_at >= RESEED_NS) {
		pool.asked_at = now;
		ask = pool.source;
	}
	spin_unlock_irq(&pool.lock, was);
	if (ask)
		ask->request(ask);
}

void random_bytes(void *buf, size_t n)
{
	uint64_t was = spin_lock_irq(&pool.lock);
	uint32_t key[8];

	if (n > SMALL) {
		derive_key_locked(key);
		spin_unlock_irq(&pool.lock, was);
		stretch(key, buf, n);
		return;
	}
	/* A program that starts wants a few small numbers: they share a batch. */
	if (pool.batch_left < n) {
		derive_key_locked(key);
		stretch(key, pool.batch, sizeof(pool.batch));
		pool.batch_left = sizeof(pool.batch);
	}
	pool.batch_left -= n;
	memcpy(buf, pool.batch + pool.batch_left, n);
	memset(pool.batch + pool.batch_left, 0, n);
	spin_unlock_irq(&pool.lock, was);
}

uint32_t random_u32(void)
{
	uint32_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

uint64_t random_below(uint64_t limit)
{
	/* Refuse the part of the range that would make small results likelier. */
	uint64_t skip = -limit % limit, v;

	do {
		v = random_u64();
	} while (v < skip);
	return v % limit;
}

bool random_ready(void)
{
	return pool.bits == RANDOM_POOL_BITS;
}

uint32_t random_entropy(void)
{
	return pool.bits;
}

int random_wait_ready(void)
{
	while (!random_ready()) {
		/*
		 * No seed and no device: how long a sleep really takes is all there is. One bit
		 * for each, as Linux does, makes a quarter of a second.
		 */
		int err = wait_event_deadline(&pool.ready, random_ready(), WAIT_INTERRUPTIBLE,
					      time_ns() + JITTER_NS);

		if (err == -ERESTARTSYS)
			return err;
		random_add(&err, sizeof(err), 1);
	}
	return 0;
}

void random_poll_add(struct poll_table *pt)
{
	poll_add(pt, &pool.ready, POLLIN | POLLRDNORM);
}

void random_source_register(struct random_source *s)
{
	uint64_t was = spin_lock_irq(&pool.lock);

	pool.source = s;
	pool.asked_at = time_ns();
	spin_unlock_irq(&pool.lock, was);
	s->request(s);
}

void random_init(void)
{
	/* Firmware gives fresh bytes at each boot; 32 of them are a full seed. */
	if (machine.rng_seed && machine.rng_seed_len)
		random_add(machine.rng_seed, machine.rng_seed_len, machine.rng_seed_len * 8);
	if (!random_ready())
		pr_info("random: not seeded yet\n");
	random_dev_init();
}
