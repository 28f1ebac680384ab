/*
 * procfs: /proc/keys and /proc/key-users, in Linux's formats.
 */
#include "fs/procfs/procfs.h"
#include "kernel/keys/key.h"
#include "lib/printf.h"

static const struct proc_number max_keys = {&keys_max, 0, INT32_MAX, NULL};
static const struct proc_number max_bytes = {&keys_bytes_max, 0, INT32_MAX, NULL};
static const struct proc_number root_max_keys = {&keys_root_max, 0, INT32_MAX, NULL};
static const struct proc_number root_max_bytes = {&keys_root_bytes_max, 0, INT32_MAX, NULL};
static const struct proc_number gc_delay = {&keys_gc_delay, 0, INT32_MAX, NULL};
static const struct proc_number expiry = {&keys_persistent_seconds, 0, INT32_MAX, NULL};

const struct proc_entry proc_sys_keys_entries[] = {
	{.name = "gc_delay", .mode = S_IFREG | 0644, .number = &gc_delay},
	{.name = "maxbytes", .mode = S_IFREG | 0644, .number = &max_bytes},
	{.name = "maxkeys", .mode = S_IFREG | 0644, .number = &max_keys},
	{.name = "persistent_keyring_expiry", .mode = S_IFREG | 0644, .number = &expiry},
	{.name = "root_maxbytes", .mode = S_IFREG | 0644, .number = &root_max_bytes},
	{.name = "root_maxkeys", .mode = S_IFREG | 0644, .number = &root_max_keys},
	{.mode = 0},
};

/* How long it has still to live. */
static void print_left(char *s, size_t size, const struct key *k)
{
	uint64_t now = key_now(), left = k->expires - now;
	static const struct {
		uint64_t seconds;
		char name;
	} units[] = {{7 * 24 * 3600, 'w'}, {24 * 3600, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	if (!k->expires) {
		snprintf(s, size, "perm");
		return;
	}
	if (now >= k->expires) {
		snprintf(s, size, "expd");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (left >= units[i].seconds) {
			snprintf(s, size, "%lu%c", left / units[i].seconds, units[i].name);
			return;
		}
}

static void print_key(struct proc_text *t, const struct key *k)
{
	char left[16];

	print_left(left, sizeof(left), k);
	proc_printf(t, "%08x I%c%c%c%c%c%c %5u %4s %08x %5d %5d %-9s %s", (uint32_t)k->serial,
		    k->revoked ? 'R' : '-', '-', k->counted ? 'Q' : '-', '-',
		    k->error ? 'N' : '-', k->invalid ? 'i' : '-', k->refs, left, k->perm,
		    (int)k->uid, (int)key_gid(k), k->type->name, k->desc);
	if (k->error)
		proc_printf(t, "\n");
	else if (k->type->ring && !k->len)
		proc_printf(t, ": empty\n");
	else
		proc_printf(t, ": %u\n", k->len);
}

/* Those that the reader may view. */
int proc_show_keys(struct proc_text *t, struct process *p)
{
	struct key *k;

	mutex_lock(&keys_lock);
	for (k = key_from_serial(0); k; k = key_from_serial(k->serial + 1)) {
		struct key_match m = {.key = k};
		struct key_ref r = {k, false};

		r.possessed = !is_err(keys_search(&m).key);
		if (!key_allows(r, KEY_VIEW))
			print_key(t, k);
	}
	mutex_unlock(&keys_lock);
	return 0;
}

static void print_user(const struct key_user *u, void *arg)
{
	struct proc_text *t = arg;

	proc_printf(t, "%5u: %5u %u/%u %u/%lu %lu/%lu\n", u->uid, u->refs, u->keys, u->keys,
		    u->counted, key_max_of(u->uid), u->bytes, key_bytes_max_of(u->uid));
}

int proc_show_key_users(struct proc_text *t, struct process *p)
{
	mutex_lock(&keys_lock);
	key_users_visit(print_user, t);
	mutex_unlock(&keys_lock);
	return 0;
}
