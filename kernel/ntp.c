/*
 * The discipline of the clock: frequency, offsets that are slewed, leap seconds. Linux's rules,
 * which are those of RFC 1589 and 5905. What changes by the second is done by a thread, which is
 * started when there first is something to do and sleeps when nothing is left.
 *
 * Lengths of a second and what is added to them are ns << 32.
 */
#include "kernel/ntp.h"

#include <stdatomic.h>

#include "kernel/clocktimer.h"
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/uapi/timex.h"

#define SCALE	     32
#define SECOND	     ((int64_t)NSEC_PER_SEC << SCALE)
#define PPM	     (1000L << (SCALE - 16)) /* timex.freq has 16 bits behind the point */
#define FREQ_MAX     (500000L << SCALE)
#define PHASE_MAX    500000000L /* ns, of an offset */
#define ERROR_MAX    16000000L	/* us */
#define ERROR_GROWTH 500L	/* us a second */
#define SLEW_MAX     500L	/* us a second: adjtime(3) */
#define TICKS	     100L	/* timex.tick is that share of a second */
#define TICK_NORMAL  10000L	/* us */
#define CONSTANT_MAX 10L
#define TAI_MAX	     100000L
#define DAY	     86400L
#define NEVER	     INT64_MAX
/* Offsets told more rarely than these seconds set the frequency by the other rule. */
#define FLL_MIN 256L
#define FLL_MAX 2048L

static struct mutex ntp_mutex; /* RANK_NTP, for all that follows */
static int state = TIME_OK, status = STA_UNSYNC;
static int64_t offset;	     /* ns << 32 still to be slewed */
static int64_t slew;	     /* us still to be slewed, by adjtime(3) */
static int64_t freq;	     /* added to each second */
static int64_t tick = TICK_NORMAL;
static int64_t constant = 2, maxerror = ERROR_MAX, esterror = ERROR_MAX;
static int64_t base = SECOND;	/* a second's length, by tick and freq */
static int64_t length = SECOND; /* that of the present one */
static int64_t told;	     /* the second at which an offset was told last */
static int64_t leap = NEVER; /* the second before which there is one more, or one less */
static int64_t last;	     /* the second that has begun last, while the thread is at work */
static int32_t tai;	     /* seconds; read without lock */

static struct waitqueue changed = WAITQUEUE_INIT(changed);
static _Atomic uint32_t changes;
static bool started;

void ntp_init(void)
{
	mutex_init(&ntp_mutex, "ntp", RANK_NTP);
}

uint64_t ntp_tai_ns(void)
{
	return (uint64_t)__atomic_load_n(&tai, __ATOMIC_RELAXED) * NSEC_PER_SEC;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : MIN(v, high);
}

static int64_t second_now(void)
{
	return (int64_t)(time_realtime() / NSEC_PER_SEC);
}

/* --- second by second --- */

/* Does the next second differ from this one? Mutex held. */
static bool at_work(void)
{
	return offset || slew || length != base || maxerror < ERROR_MAX ||
	       !(status & STA_UNSYNC) || state != TIME_OK || status & (STA_INS | STA_DEL);
}

/* The end of the day that a leap second was announced for; early: it is one second shorter. */
static void leap_plan(int64_t sec, bool early)
{
	leap = sec + DAY - (sec + early) % DAY;
}

/* The state of leap seconds as another second has begun; by what the clock is to be stepped. */
static int leap_state(int64_t sec)
{
	bool inserts = state == TIME_INS;

	switch (state) {
	case TIME_OK:
		if (status & (STA_INS | STA_DEL)) {
			state = status & STA_INS ? TIME_INS : TIME_DEL;
			leap_plan(sec, state == TIME_DEL);
		}
		return 0;
	case TIME_INS:
	case TIME_DEL:
		if (!(status & (inserts ? STA_INS : STA_DEL))) {
			leap = NEVER;
			state = TIME_OK;
			return 0;
		}
		if (sec != leap)
			return 0;
		state = inserts ? TIME_OOP : TIME_WAIT;
		leap = inserts ? leap : NEVER;
		return inserts ? -1 : 1;
	case TIME_OOP:
		leap = NEVER;
		state = TIME_WAIT;
		return 0;
	default:
		if (!(status & (STA_INS | STA_DEL)))
			state = TIME_OK;
		return 0;
	}
}

/* A second has begun: how long it is. By what the clock is to be stepped. Mutex held. */
static int second_begins(int64_t sec)
{
	int step = leap_state(sec);
	int64_t part = offset / (4L << constant), some = clamp(slew, -SLEW_MAX, SLEW_MAX);

	maxerror += ERROR_GROWTH;
	if (maxerror > ERROR_MAX) {
		maxerror = ERROR_MAX;
		status |= STA_UNSYNC;
	}
	/* What is too little to be divided goes at once. */
	part = part ? part : offset;
	offset -= part;
	slew -= some;
	length = base + part + (some * (int64_t)NSEC_PER_USEC << SCALE);
	return step;
}

static void leap_second(int step)
{
	if (time_step_realtime(step, 0))
		return;
	last += step;
	__atomic_store_n(&tai, tai - step, __ATOMIC_RELAXED);
	pr_info("clock: a leap second is %s\n", step < 0 ? "inserted" : "left out");
	clock_was_set();
}

/* All seconds that have begun meanwhile. When the next one does, or UINT64_MAX for no matter. */
static uint64_t seconds_pass(void)
{
	uint64_t next = UINT64_MAX;
	int step;

	mutex_lock(&ntp_mutex);
	/* The clock has been set, and we are about to be told. */
	if (second_now() - last > DAY)
		last = second_now() - 1;
	while (at_work() && last < second_now()) {
		step = second_begins(++last);
		time_set_rate(length - SECOND);
		if (step)
			leap_second(step);
	}
	if (at_work())
		next = (uint64_t)(last + 1) * NSEC_PER_SEC - time_realtime_offset();
	mutex_unlock(&ntp_mutex);
	return next;
}

static void ntp_thread(void *unused)
{
	(void)unused;
	for (;;) {
		uint32_t seen = atomic_load(&changes);
		uint64_t next = seconds_pass();

		(void)wait_event_deadline(&changed, atomic_load(&changes) != seen,
					  WAIT_UNINTERRUPTIBLE, next);
	}
}

int ntp_start(void)
{
	struct thread *t;
	int err;

	mutex_lock(&ntp_mutex);
	t = started ? NULL : kthread_create("ntp", ntp_thread, NULL);
	if (t)
		thread_start(t);
	started |= t != NULL;
	err = started ? 0 : -ENOMEM;
	mutex_unlock(&ntp_mutex);
	return err;
}

static void thread_looks(void)
{
	atomic_fetch_add(&changes, 1);
	wake_all(&changed);
}

/* --- what is asked for --- */

/* Tick or frequency is another one: at once, not only from the next second on. Mutex held. */
static void frequency_changed(void)
{
	int64_t now = (tick * TICKS * (int64_t)NSEC_PER_USEC << SCALE) + freq;

	length += now - base;
	base = now;
}

static void set_status(int new)
{
	if (status & ~new & STA_PLL) {
		state = TIME_OK;
		status = STA_UNSYNC;
		leap = NEVER;
	}
	if (new & ~status & STA_PLL)
		told = second_now();
	status = (status & STA_RONLY) | (new & ~STA_RONLY);
}

/* What is added to the frequency for an offset (ns) that was told so many seconds after another. */
static int64_t offset_frequency(int64_t ns, int64_t secs)
{
	int64_t by = 0, most = 1L << (3 + constant);

	status &= ~STA_MODE;
	if (secs >= FLL_MIN && (status & STA_FLL || secs > FLL_MAX)) {
		status |= STA_MODE;
		by = (ns << (SCALE - 2)) / secs;
	}
	return by + (ns * MIN(secs, most) << (SCALE - 2 * (4 + constant)));
}

static void set_offset(int64_t by)
{
	int64_t now = second_now(), secs = status & STA_FREQHOLD ? 0 : now - told;

	if (!(status & STA_PLL))
		return;
	if (!(status & STA_NANO))
		by = clamp(by, -1000000, 1000000) * (int64_t)NSEC_PER_USEC;
	by = clamp(by, -PHASE_MAX, PHASE_MAX);
	told = now;
	freq = clamp(offset_frequency(by, secs) + freq, -FREQ_MAX, FREQ_MAX);
	offset = by << SCALE;
}

static void set_constant(int64_t to)
{
	constant = clamp(to, 0, CONSTANT_MAX);
	if (!(status & STA_NANO))
		constant = MIN(constant + 4, CONSTANT_MAX);
}

/* In Linux's order: what comes later goes by what has been set before. Mutex held. */
static void set_all(const struct timex *t)
{
	if (t->modes & ADJ_STATUS)
		set_status(t->status);
	if (t->modes & ADJ_NANO)
		status |= STA_NANO;
	if (t->modes & ADJ_MICRO)
		status &= ~STA_NANO;
	if (t->modes & ADJ_FREQUENCY)
		freq = clamp(t->freq * PPM, -FREQ_MAX, FREQ_MAX);
	if (t->modes & ADJ_MAXERROR)
		maxerror = clamp(t->maxerror, 0, ERROR_MAX);
	if (t->modes & ADJ_ESTERROR)
		esterror = clamp(t->esterror, 0, ERROR_MAX);
	if (t->modes & ADJ_TIMECONST)
		set_constant(t->constant);
	if (t->modes & ADJ_TAI && t->constant >= 0 && t->constant <= TAI_MAX)
		__atomic_store_n(&tai, (int32_t)t->constant, __ATOMIC_RELAXED);
	if (t->modes & ADJ_OFFSET)
		set_offset(t->offset);
	if (t->modes & ADJ_TICK)
		tick = t->tick;
	if (t->modes & (ADJ_TICK | ADJ_FREQUENCY | ADJ_OFFSET))
		frequency_changed();
}

/* What is left of an offset, in the units that t was told in. Mutex held. */
static int64_t apply(const struct timex *t)
{
	int64_t left = slew;

	if (t->modes & ADJ_ADJTIME) {
		if (!(t->modes & ADJ_READONLY))
			slew = t->offset;
		return left;
	}
	set_all(t);
	left = offset / (1L << SCALE);
	return status & STA_NANO ? left : left / (int64_t)NSEC_PER_USEC;
}

/* In the leap second the clock may not have been stepped yet. Mutex held. */
static int clock_state(struct timex *t)
{
	int result = status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : state;

	if (t->time.tv_sec < leap)
		return result;
	if (state == TIME_INS && status & STA_INS) {
		result = TIME_OOP;
		t->tai++;
		t->time.tv_sec--;
	} else if (state == TIME_DEL && status & STA_DEL) {
		result = TIME_WAIT;
		t->tai--;
		t->time.tv_sec++;
	} else if (state == TIME_OOP && t->time.tv_sec == leap) {
		result = TIME_WAIT;
	}
	return result;
}

static int tell(struct timex *t, int64_t left)
{
	uint64_t now = time_realtime(), unit = status & STA_NANO ? 1 : NSEC_PER_USEC;

	*t = (struct timex){
		.modes = t->modes,
		.offset = left,
		.freq = freq / PPM,
		.maxerror = maxerror,
		.esterror = esterror,
		.status = status,
		.constant = constant,
		.precision = 1,
		.tolerance = FREQ_MAX / PPM,
		.time = {now / NSEC_PER_SEC, now % NSEC_PER_SEC / unit},
		.tick = tick,
		.tai = tai,
	};
	return clock_state(t);
}

int ntp_adjust(struct timex *t)
{
	int64_t before = length;
	int32_t old_tai;
	int result;

	mutex_lock(&ntp_mutex);
	if (!at_work())
		last = second_now();
	old_tai = tai;
	result = tell(t, apply(t));
	if (length != before)
		time_set_rate(length - SECOND);
	if (tai != old_tai)
		clock_was_set();
	if (at_work())
		thread_looks();
	mutex_unlock(&ntp_mutex);
	return result;
}

void ntp_clock_was_set(void)
{
	mutex_lock(&ntp_mutex);
	offset = slew = 0;
	status |= STA_UNSYNC;
	maxerror = esterror = ERROR_MAX;
	leap = NEVER;
	length = base;
	last = second_now();
	time_set_rate(length - SECOND);
	clock_was_set();
	thread_looks();
	mutex_unlock(&ntp_mutex);
}
