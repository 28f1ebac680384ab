/*
 * What is put lies in chunks, wherever there are free ones, each of which names the next: so no gap
 * is too small for something. Nothing is ever moved; a frame without a chunk in use is given back.
 * A chunk's number is its frame's, and its place there. What is a word needs none, as nearly all of
 * them are no number of a chunk.
 */
#include "kernel/swap/zpool.h"

#include "kernel/swap/area.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/policy.h"
#include "mm/reclaim.h"

#define SPARE  32ul /* frames with room, or that it may still have, at the least */
#define POROUS 16ul /* one of so many frames is free before what is not proven gets room */
#define STEADY 8ul /* what can go is the same unless it changes by one of so many */
#define CHUNKS 32 /* of a frame, whose `index` has a bit for each that is in use */

struct chunk {
	uint32_t next; /* 0: none */
	uint32_t n;
	uint8_t bytes[PAGE_SIZE / CHUNKS - 8];
};
_Static_assert(CHUNKS * sizeof(struct chunk) == PAGE_SIZE, "a page of chunks");

/*
 * A slot's entry is the number of its first chunk, a word, mixed with this, 0, or MISSED, neither
 * of which is a chunk's.
 */
#define ENTRY_WORD  0x9e3779b97f4a7c15u
#define ENTRY_CHUNK  MASK(31, 0)
#define ENTRY_MISSED 1u

static struct spinlock zpool_lock = SPINLOCK_INIT("zpool", RANK_FRAME); /* irq */
static struct frame_list roomy; /* (zpool_lock) frames that have free chunks */
uint64_t zpool_max_percent = 25;
_Atomic uint64_t zpool_frames, zpool_things;

static struct chunk *chunk_of(uint32_t number)
{
	return (struct chunk *)frame_data(FRAMES + number / CHUNKS) + number % CHUNKS;
}

/*
 * A frame more. Whoever asks makes a frame free for a part of this one, and so may use some of the
 * reserve, of which enough is left for the device's way.
 */
static struct frame *frame_more(unsigned flags)
{
	return frames_free() > frames_min / 2 ? frame_alloc(0, flags | FRAME_RESERVE) : NULL;
}

struct frame *zpool_frame(void)
{
	return frame_more(0);
}

/*
 * So many frames that a third of what can go, or is free, stays what it is. Small changes of that
 * are pages on their way.
 */
static uint64_t two_thirds(void)
{
	static _Atomic uint64_t last;
	uint64_t was = last, now = 2 * (policy_pages() + swap_nr_writing + frames_free());

	if (now >= was - was / STEADY && now <= was + was / STEADY)
		return was;
	last = now;
	return now;
}

/* May it have so many frames? */
static bool allowed(uint64_t frames)
{
	return frames * 100 <= frames_total * MIN(zpool_max_percent, 100UL) &&
	       frames <= two_thirds();
}

/* (zpool_lock) A frame with free chunks, or NULL. */
static struct frame *roomy_frame(void)
{
	struct frame *f = roomy.n ? FRAMES + roomy.first : NULL;

	if (f || !allowed(zpool_frames + 1))
		return f;
	f = frame_more(0);
	if (f) {
		f->index = 0;
		zpool_frames++;
		frame_list_push(&roomy, f);
	}
	return f;
}

/* (zpool_lock) Its number; 0: there is no room. */
static uint32_t chunk_alloc(void)
{
	struct frame *f = roomy_frame();
	unsigned i;

	if (!f)
		return 0;
	i = ctz64(~(uint64_t)f->index);
	f->index |= 1u << i;
	if (f->index == UINT32_MAX)
		frame_list_remove(&roomy, f);
	return frame_pfn(f) * CHUNKS + i;
}

/* (zpool_lock) */
static void chunk_free(uint32_t number)
{
	struct frame *f = FRAMES + number / CHUNKS;

	if (f->index == UINT32_MAX)
		frame_list_push(&roomy, f);
	f->index &= ~(1u << number % CHUNKS);
	if (f->index)
		return;
	frame_list_remove(&roomy, f);
	zpool_frames--;
	frame_free(f, 0);
}

/* (zpool_lock) A chunk, or none, and all behind it. */
static void chunks_free(uint32_t number)
{
	while (number) {
		uint32_t next = chunk_of(number)->next;

		chunk_free(number);
		number = next;
	}
}

/* The first chunk; 0: it has none. */
static uint32_t entry_chunk(uint64_t entry)
{
	return entry <= ENTRY_CHUNK && entry != ENTRY_MISSED ? (uint32_t)entry : 0;
}

/* Does it lead to anything? */
static bool entry_has(uint64_t entry)
{
	return entry && entry != ENTRY_MISSED;
}

/* (zpool_lock) The entry leads to nothing any more. */
static void entry_clear(uint64_t *entry)
{
	zpool_things -= entry_has(*entry);
	chunks_free(entry_chunk(*entry));
	*entry = 0;
}

/* What the slot has; NULL: no slot near has anything. */
static uint64_t *entry_of(const struct swap_area *a, uint32_t at)
{
	uint64_t *page = __atomic_load_n(&a->packed[at / SWAP_PACKED], __ATOMIC_ACQUIRE);

	return page ? &page[at % SWAP_PACKED] : NULL;
}

/* (zpool_lock) NULL: no memory. */
static uint64_t *entry_make(struct swap_area *a, uint32_t at)
{
	struct frame *f = a->packed[at / SWAP_PACKED] ? NULL : frame_more(FRAME_ZEROED);

	/* Others look at it without the lock: its zeros come first. */
	if (f)
		__atomic_store_n(&a->packed[at / SWAP_PACKED], frame_data(f), __ATOMIC_RELEASE);
	return entry_of(a, at);
}

/* (zpool_lock) The first of the chunks that have the bytes; 0: no room. */
static uint32_t chunks_fill(const uint8_t *bytes, size_t n)
{
	uint32_t first = 0, *link = &first;

	while (n) {
		uint32_t number = chunk_alloc();
		struct chunk *c;

		if (!number) {
			chunks_free(first);
			return 0;
		}
		c = chunk_of(number);
		c->next = 0;
		c->n = (uint32_t)MIN(n, sizeof(c->bytes));
		memcpy(c->bytes, bytes, c->n);
		bytes += c->n;
		n -= c->n;
		*link = number;
		link = &c->next;
	}
	return first;
}

/* (zpool_lock) The entry, which leads to nothing, leads to the bytes. False: no room. */
static bool entry_fill(uint64_t *entry, const void *bytes, size_t n)
{
	uint64_t w = n == sizeof(w) ? *(const uint64_t *)bytes ^ ENTRY_WORD : 0;

	*entry = w > ENTRY_CHUNK ? w : chunks_fill(bytes, n);
	zpool_things += *entry != 0;
	return *entry;
}

bool zpool_full(void)
{
	/* Not even what is free in its frames, if it has to get smaller. */
	return !allowed(zpool_frames) || (!roomy.n && !allowed(zpool_frames + 1));
}

/* Would it have n frames more, with those that have room? */
static bool has_spare(uint64_t n)
{
	return allowed(zpool_frames + n - MIN(n, roomy.n));
}

bool zpool_short(void)
{
	return !has_spare(SPARE);
}

bool zpool_roomy(void)
{
	return has_spare(SPARE + zpool_frames / POROUS);
}

bool zpool_put(uint32_t slot, const void *bytes, size_t n)
{
	uint64_t irq = spin_lock_irq(&zpool_lock);
	uint64_t *entry = entry_make(swap_area_of(slot), slot_offset(slot));
	bool put = false;

	if (entry) {
		entry_clear(entry);
		put = entry_fill(entry, bytes, n);
	}
	spin_unlock_irq(&zpool_lock, irq);
	return put;
}

size_t zpool_get(uint32_t slot, void *to, size_t max)
{
	const uint64_t *entry = entry_of(swap_area_of(slot), slot_offset(slot));
	uint64_t irq;
	size_t n = 0;

	if (!entry || !entry_has(*entry))
		return 0;
	irq = spin_lock_irq(&zpool_lock);
	if (*entry > ENTRY_CHUNK) {
		*(uint64_t *)to = *entry ^ ENTRY_WORD;
		n = sizeof(uint64_t);
	}
	for (uint32_t at = entry_chunk(*entry); at; at = chunk_of(at)->next) {
		const struct chunk *c = chunk_of(at);

		if (c->n > max - n)
			break;
		memcpy((char *)to + n, c->bytes, c->n);
		n += c->n;
	}
	spin_unlock_irq(&zpool_lock, irq);
	return n;
}

void zpool_drop(uint32_t slot)
{
	uint64_t *entry = entry_of(swap_area_of(slot), slot_offset(slot));
	uint64_t irq;

	if (likely(!entry || !*entry))
		return;
	irq = spin_lock_irq(&zpool_lock);
	entry_clear(entry);
	spin_unlock_irq(&zpool_lock, irq);
}

void zpool_miss(uint32_t slot)
{
	uint64_t irq = spin_lock_irq(&zpool_lock);
	uint64_t *entry = entry_make(swap_area_of(slot), slot_offset(slot));

	if (entry) {
		entry_clear(entry);
		*entry = ENTRY_MISSED;
	}
	spin_unlock_irq(&zpool_lock, irq);
}

bool zpool_missed(uint32_t slot)
{
	const uint64_t *entry = entry_of(swap_area_of(slot), slot_offset(slot));

	return entry && *entry == ENTRY_MISSED;
}

bool zpool_has(const struct swap_area *a, uint32_t at)
{
	const uint64_t *entry = entry_of(a, at);

	return entry && entry_has(*entry);
}

bool zpool_has_chunks(const struct swap_area *a, uint32_t at)
{
	const uint64_t *entry = entry_of(a, at);

	return entry && entry_chunk(*entry);
}
