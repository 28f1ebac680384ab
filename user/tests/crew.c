/* Processes that do what they are told; see crew.h. */
#include "crew.h"

#include <poll.h>

enum order { ORDER_FORK, ORDER_CALL, ORDER_EXIT };

struct message {
	enum order order;
	int number;
	crew_fn fn;
	uint64_t arg;
};

static int orders[CREW_MAX][2], replies[2] = { -1, -1 };
static pid_t pids[CREW_MAX];

/* Never returns in a member. */
static void member_run(struct model *m, int self)
{
	struct message order;
	pid_t reply;

	for (;;) {
		if (read_full(orders[self][0], &order, sizeof(order)) != sizeof(order))
			_exit(0);
		reply = getpid();
		switch (order.order) {
		case ORDER_FORK:
			reply = child();
			if (reply == 0) {
				self = order.number;
				model_forked(m);
				continue;
			}
			break;
		case ORDER_CALL:
			order.fn(m, order.arg);
			break;
		case ORDER_EXIT:
			_exit(0);
		}
		write_full(replies[1], &reply, sizeof(reply));
	}
}

/* The reply of a member; a member that died has said why. */
static pid_t reply_of(int member)
{
	struct pollfd p = { .fd = replies[0], .events = POLLIN };
	pid_t reply = 0;

	while (poll(&p, 1, 500) == 0)
		if (kill(pids[member], 0) < 0)
			FAIL("process %d of the crew died", member);
	CHECK_EQ(read_full(replies[0], &reply, sizeof(reply)), sizeof(reply));
	return reply;
}

static void order_give(int member, const struct message *order)
{
	CHECK(pids[member] > 0);
	write_full(orders[member][1], order, sizeof(*order));
}

void crew_start(struct model *m)
{
	if (replies[0] < 0) {
		CHECK_OK(pipe(replies));
		for (int i = 0; i < CREW_MAX; i++)
			CHECK_OK(pipe(orders[i]));
		signal(SIGCHLD, SIG_IGN);
	}
	pids[0] = child();
	if (pids[0] == 0) {
		model_forked(m);
		member_run(m, 0);
	}
}

void crew_fork(int member, int number)
{
	struct message order = { .order = ORDER_FORK, .number = number };

	order_give(member, &order);
	pids[number] = reply_of(member);
}

void crew_call(int member, crew_fn fn, uint64_t arg)
{
	struct message order = { .order = ORDER_CALL, .fn = fn, .arg = arg };

	order_give(member, &order);
	reply_of(member);
}

static void wait_gone(int member)
{
	while (kill(pids[member], 0) == 0)
		usleep(200);
	pids[member] = 0;
}

void crew_exit(int member)
{
	struct message order = { .order = ORDER_EXIT };

	order_give(member, &order);
	wait_gone(member);
}

void crew_kill(int member)
{
	CHECK(pids[member] > 0);
	CHECK_OK(kill(pids[member], SIGKILL));
	wait_gone(member);
}

bool crew_alive(int member)
{
	return pids[member] > 0;
}

void crew_all(crew_fn fn, uint64_t arg)
{
	for (int i = 0; i < CREW_MAX; i++)
		if (crew_alive(i))
			crew_call(i, fn, arg);
}

void crew_end(void)
{
	for (int i = 0; i < CREW_MAX; i++)
		if (crew_alive(i))
			crew_exit(i);
}
