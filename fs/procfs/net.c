/*
 * procfs: /proc/net and /proc/sys/net (proc(5), ip(7)).
 */
#include "fs/procfs/procfs.h"
#include "fs/socket/facts.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "lib/endian.h"
#include "lib/printf.h"

#define HEAD                                                                                       \
	"sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "        \
	"timeout inode"

/* What the tables of TCP and UDP differ in: how wide their lines are, and how these end. */
struct table {
	int type, number_width, width;
	const char *head, *tail;
};

static int show_table(struct proc_text *t, const struct table *k)
{
	/* Sockets that come while the table is made may be missing in it. */
	uint32_t room = inet_facts(k->type, NULL, 0) + 16, n;
	struct socket_fact *facts = kmalloc(room * sizeof(*facts)), *f;
	char line[150];

	if (!facts)
		return -ENOMEM;
	n = inet_facts(k->type, facts, room);
	proc_printf(t, "%-*s\n", k->width, k->head);
	for (uint32_t i = 0; i < MIN(n, room); i++) {
		f = &facts[i];
		snprintf(line, sizeof(line),
			 "%*u: %08X:%04X %08X:%04X %02X %08lX:%08lX 00:00000000 00000000 %5u "
			 "       0 %lu%s",
			 k->number_width, i, f->local.sin_addr, bswap16(f->local.sin_port),
			 f->remote.sin_addr, bswap16(f->remote.sin_port), f->state,
			 (unsigned long)f->unsent, (unsigned long)f->unread, f->uid,
			 (unsigned long)f->inode, k->tail);
		proc_printf(t, "%-*s\n", k->width, line);
	}
	kfree(facts);
	return 0;
}

static int show_tcp(struct proc_text *t, struct process *p)
{
	static const struct table tcp = {SOCK_STREAM, 4, 149, "  " HEAD,
					 " 1 0000000000000000 100 0 0 10 0"};

	return show_table(t, &tcp);
}

static int show_udp(struct proc_text *t, struct process *p)
{
	static const struct table udp = {SOCK_DGRAM, 5, 127, "   " HEAD " ref pointer drops",
					 " 2 0000000000000000 0"};

	return show_table(t, &udp);
}

const struct proc_entry proc_net_entries[] = {
	{.name = "tcp", .mode = S_IFREG | 0444, .show = show_tcp},
	{.name = "udp", .mode = S_IFREG | 0444, .show = show_udp},
	{.mode = 0},
};

static int show_port_range(struct proc_text *t, struct process *p)
{
	uint32_t first, last;

	port_range_get(&first, &last);
	proc_printf(t, "%u\t%u\n", first, last);
	return 0;
}

static int store_port_range(struct process *p, char *text, size_t len)
{
	uint64_t first, last;
	char *second = text;

	while (*second == ' ' || *second == '\t')
		second++;
	while (*second && *second != ' ' && *second != '\t')
		second++;
	if (*second)
		*second++ = '\0';
	if (!proc_number_parse(text, &first) || !proc_number_parse(second, &last))
		return -EINVAL;
	return port_range_set(first, last) ? 0 : -EINVAL;
}

static const struct proc_entry ipv4_entries[] = {
	{.name = "ip_local_port_range", .mode = S_IFREG | 0644, .show = show_port_range,
	 .store = store_port_range},
	{.mode = 0},
};

static const struct proc_number backlog = {&somaxconn, 0, INT32_MAX, NULL};
static const struct proc_number receive_first = {&rmem_default, RCVBUF_MIN, INT32_MAX, NULL};
static const struct proc_number receive_max = {&rmem_max, RCVBUF_MIN, INT32_MAX, NULL};
static const struct proc_number send_first = {&wmem_default, SNDBUF_MIN, INT32_MAX, NULL};
static const struct proc_number send_max = {&wmem_max, SNDBUF_MIN, INT32_MAX, NULL};

static const struct proc_entry core_entries[] = {
	{.name = "rmem_default", .mode = S_IFREG | 0644, .number = &receive_first},
	{.name = "rmem_max", .mode = S_IFREG | 0644, .number = &receive_max},
	{.name = "somaxconn", .mode = S_IFREG | 0644, .number = &backlog},
	{.name = "wmem_default", .mode = S_IFREG | 0644, .number = &send_first},
	{.name = "wmem_max", .mode = S_IFREG | 0644, .number = &send_max},
	{.mode = 0},
};

const struct proc_entry proc_sys_net_entries[] = {
	{.name = "core", .mode = S_IFDIR | 0555, .children = core_entries},
	{.name = "ipv4", .mode = S_IFDIR | 0555, .children = ipv4_entries},
	{.mode = 0},
};
