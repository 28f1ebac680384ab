/*
 * Long random sequences of calls against the model of memory: in one process, in processes that
 * fork one another, in threads.  SEED=n and COUNT=n (operations) choose another run:
 *
 *	usertests random SEED=42 COUNT=100000
 */
#include "crew.h"

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* A run's seed from the number that is shown: neighbours must not resemble each other. */
static uint64_t seed_of(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15u | 1;
}

static void context_seed(struct vm_context *c, uint64_t n)
{
	c->first_seed = n;
	c->seed = seed_of(n);
}

static struct model model;
static struct vm_context context;

static void steps(struct model *m, uint64_t seed, unsigned int count)
{
	((struct vm_context *)m->context)->seed = seed;
	for (unsigned int i = 0; i < count; i++)
		model_step(m);
}

TEST(random, one_process, .mem_mib = 16)
{
	uint64_t count = setting("COUNT", 3000);

	context_seed(&context, setting("SEED", 1));
	/* Across the border of a leaf table. */
	vm_model(&model, vm_world(), &context, ARENA + SPAN - 150 * PAGE, 256, "f");
	for (uint64_t i = 0; i < count; i += 100) {
		steps(&model, seed_of(context.first_seed + i), 100);
		model_check(&model);
	}
	model_unmap(&model, 0, model.pages);
}

static void crew_steps(struct model *m, uint64_t seed)
{
	steps(m, seed, 1 + (unsigned int)(seed >> 40) % 20);
}

static void crew_check(struct model *m, uint64_t arg)
{
	(void)arg;
	model_check(m);
}

/* What comes next: steps by a member, a fork, an exit. */
static void crew_random(uint64_t draw)
{
	int member = (draw >> 8) % CREW_MAX, other = (draw >> 16) % CREW_MAX;

	if (!crew_alive(member))
		return;
	switch ((draw >> 24) % 12) {
	case 0 ... 2:
		if (!crew_alive(other))
			crew_fork(member, other);
		break;
	case 3:
		if (other != member && crew_alive(other))
			(draw >> 30) & 1 ? crew_exit(member) : crew_kill(member);
		break;
	default:
		crew_call(member, crew_steps, draw | 1);
	}
}

static void random_crew(unsigned int pages, uint64_t count)
{
	struct vm_context draws = { 0 };
	static struct model test;

	context_seed(&context, setting("SEED", 2));
	test.context = &draws;
	vm_model(&model, vm_world(), &context, ARENA + SPAN - 200 * PAGE, pages, "f");
	model_map(&model, 0, pages, MODEL_ANON, RW, 0, 0);
	model_advise(&model, 0, pages, MADV_HUGEPAGE);
	model_fill(&model, 0, pages);
	draws.seed = context.seed;
	crew_start(&model);
	for (uint64_t i = 0; i < count; i++) {
		vm_env.pick(&test, 2);
		crew_random(draws.seed);
		if (i % 16 == 15)
			crew_all(crew_check, 0);
	}
	crew_all(crew_check, 0);
	crew_end();
}

TEST(random, forks, .mem_mib = 32, .seconds = 300)
{
	random_crew(300, setting("COUNT", 250));
}

/* So many pages that all tables but the sparsest have more than 64 entries. */
TEST(random, forks_large, .mem_mib = 64, .seconds = 300)
{
	random_crew(MODEL_PAGES, setting("COUNT", 250));
}

#define THREADS 4
#define SLICE 40	/* pages of a thread: all of them lie in one leaf table */

static void *random_thread(void *arg)
{
	struct model *m = arg;
	struct vm_context *c = m->context;
	uint64_t count = setting("COUNT", 100), seed = c->first_seed;
	pid_t pid;

	for (uint64_t i = 0; i < count; i += 50) {
		steps(m, seed_of(seed + i), 50);
		if (i % 50 == 0) {
			pid = child();
			if (pid == 0) {
				model_forked(m);
				model_check(m);
				steps(m, seed_of(~seed + i), 10);
				model_check(m);
				_exit(0);
			}
			/* This thread waits, since the two share memory; the others go on. */
			expect_exit(pid, 0);
			model_fill(m, 0, m->pages);
			model_check(m);
		}
	}
	model_check(m);
	return NULL;
}

TEST(random, threads, .mem_mib = 32, .seconds = 300)
{
	static struct model models[THREADS];
	static struct vm_context contexts[THREADS];
	pthread_t t[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "f%u", i);
		context_seed(&contexts[i], setting("SEED", 3) + i * 1000003);
		vm_model(&models[i], vm_world(), &contexts[i],
			 ARENA + (i * SLICE + 400) * PAGE, SLICE, name);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		t[i] = thread_begin(random_thread, &models[i]);
	for (unsigned int i = 0; i < THREADS; i++)
		thread_join(t[i]);
}
