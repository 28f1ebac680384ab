/*
 * procfs: what a process says of its death when memory is out (proc_pid_oom_score_adj(5)).
 */
#include "fs/procfs/procfs.h"
#include "kernel/cred.h"
#include "kernel/oom.h"
#include "kernel/pid.h"
#include "kernel/remote.h"
#include "lib/string.h"

#define TAKEN 12 /* characters of what is written that Linux looks at */

/* oom_adj, which came first: from -16 to 15, and -17 for never. */
#define OOM_DISABLE    (-17)
#define OOM_ADJUST_MAX 15

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* An integer as C writes it, maybe with white space around it. 0, -EINVAL, -ERANGE. */
static int parse(char *s, int *value)
{
	unsigned base = 10;
	int64_t n = 0;
	bool minus;

	while (is_space(*s))
		s++;
	minus = *s == '-';
	s += minus || *s == '+';
	if (*s == '0') {
		bool hex = (s[1] | ('a' - 'A')) == 'x' && digit(s[2]) < 16;

		base = hex ? 16 : 8;
		s += hex ? 2 : 0;
	}
	if (digit(*s) >= base)
		return -EINVAL;
	for (; digit(*s) < base; s++)
		n = n * base + digit(*s); /* of TAKEN digits: it fits */
	while (is_space(*s))
		s++;
	if (*s)
		return -EINVAL;
	n = minus ? -n : n;
	*value = (int)n;
	return n == *value ? 0 : -ERANGE;
}

static int take(char *text, size_t len, int *value)
{
	text[MIN(len, (size_t)TAKEN)] = '\0';
	return parse(text, value);
}

struct setting {
	struct process *of;
	struct aspace *as; /* NULL: it is nobody else's matter */
	int adj;
	bool floor;
};

static void set_one(struct process *p, void *arg)
{
	const struct setting *s = arg;

	if (p != s->of &&
	    (!s->as || p == init_process || !p->leader || p->leader->vfork_done ||
	     process_aspace_locked(p) != s->as))
		return;
	p->oom_score_adj = s->adj;
	if (s->floor)
		p->oom_score_adj_min = s->adj;
}

/*
 * Of p, and of who shares its memory. -EACCES: to make it harder to kill than a privileged writer
 * last said, or in the old way (legacy) than it is, takes a power.
 */
static int set(struct process *p, int adj, bool legacy)
{
	bool may = cred_capable(CAP_SYS_RESOURCE);
	struct setting s = {.of = p, .adj = adj, .floor = may && !legacy};
	uint64_t irq = spin_lock_irq(&proc_lock);
	int err = 0;

	if (!may && adj < (legacy ? p->oom_score_adj : p->oom_score_adj_min))
		err = -EACCES;
	/* What vfork's child says before it execs is about itself. */
	if (p->leader && !p->leader->vfork_done)
		s.as = process_aspace_locked(p);
	if (!err)
		process_for_each_locked(set_one, &s);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

int proc_show_oom_score(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%u\n", oom_score(p));
	return 0;
}

int proc_show_oom_score_adj(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%d\n", p->oom_score_adj);
	return 0;
}

int proc_store_oom_score_adj(struct process *p, char *text, size_t len)
{
	int adj = 0, err = take(text, len, &adj);

	if (!err && (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX))
		err = -EINVAL;
	return err ? err : set(p, adj, false);
}

int proc_show_oom_adj(struct proc_text *t, struct process *p)
{
	int adj = p->oom_score_adj;

	proc_printf(t, "%d\n", adj == OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX
							: adj * -OOM_DISABLE / OOM_SCORE_ADJ_MAX);
	return 0;
}

int proc_store_oom_adj(struct process *p, char *text, size_t len)
{
	int adj = 0, err = take(text, len, &adj);

	if (!err && (adj < OOM_DISABLE || adj > OOM_ADJUST_MAX))
		err = -EINVAL;
	if (err)
		return err;
	return set(p, adj == OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX
							  : adj * OOM_SCORE_ADJ_MAX / -OOM_DISABLE,
				 true);
}
