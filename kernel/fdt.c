/*
 * The structure of a flattened device tree: checking it, walking the nodes, reading properties.
 * What the properties of buses and interrupts mean is in fdt_bus.c.
 */
#include "kernel/fdt.h"

#include "kernel/uapi/errno.h"
#include "lib/bits.h"
#include "lib/endian.h"
#include "lib/string.h"

/* The header, section 5.2: big-endian cells. */
enum {
	HEADER_MAGIC = 0,
	HEADER_TOTALSIZE = 4,
	HEADER_STRUCTS = 8,
	HEADER_STRINGS = 12,
	HEADER_RESERVES = 16,
	HEADER_VERSION = 20,
	HEADER_COMPATIBLE = 24,
	HEADER_BOOT_HART = 28,
	HEADER_STRINGS_SIZE = 32,
	HEADER_STRUCTS_SIZE = 36,
	HEADER_SIZE = 40,
};

#define MAGIC	     0xd00dfeedu
#define VERSION	     17
#define CELL	     4u
#define RESERVE_SIZE 16 /* an entry: address and size */

/* Tokens of the structure block, section 5.4. */
enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

/* A property token: the token, the length of the data, the offset of the name, the data. */
#define PROP_LEN  4
#define PROP_NAME 8
#define PROP_DATA 12

static uint32_t token_at(const struct fdt *fdt, uint32_t offset)
{
	return load_be32(fdt->structs + offset);
}

/*
 * The offset behind the token at `offset`, or 0 if the token does not lie in the block, is of no
 * known kind, or names a string that does not end in the strings block.
 */
static uint32_t token_end(const struct fdt *fdt, uint32_t offset)
{
	uint32_t left = fdt->structs_size - offset;
	uint32_t len, name;

	if (left < CELL)
		return 0;
	switch (token_at(fdt, offset)) {
	case BEGIN_NODE:
		len = (uint32_t)strnlen((const char *)fdt->structs + offset + CELL, left - CELL);
		if (len == left - CELL)
			return 0;
		len = CELL + ALIGN_UP(len + 1, CELL);
		break;
	case PROP:
		if (left < PROP_DATA)
			return 0;
		len = load_be32(fdt->structs + offset + PROP_LEN);
		name = load_be32(fdt->structs + offset + PROP_NAME);
		if (len > left - PROP_DATA || name >= fdt->strings_size ||
		    strnlen(fdt->strings + name, fdt->strings_size - name) ==
			    fdt->strings_size - name)
			return 0;
		len = PROP_DATA + ALIGN_UP(len, CELL);
		break;
	case END_NODE:
	case NOP:
	case END:
		len = CELL;
		break;
	default:
		return 0;
	}
	return len <= left ? offset + len : 0;
}

/* Finds the blocks.  Returns what is wrong, or NULL. */
static const char *check_header(struct fdt *fdt, const uint8_t *blob, size_t max)
{
	uint32_t structs, strings, reserves;

	if (!IS_ALIGNED((uintptr_t)blob, 8))
		return "not aligned to 8 bytes";
	if (max < HEADER_SIZE)
		return "no room for a header";
	if (load_be32(blob + HEADER_MAGIC) != MAGIC)
		return "bad magic";
	fdt->blob = blob;
	fdt->size = load_be32(blob + HEADER_TOTALSIZE);
	if (fdt->size < HEADER_SIZE || fdt->size > max || fdt->size > FDT_SIZE_MAX)
		return "bad total size";
	if (load_be32(blob + HEADER_VERSION) < VERSION ||
	    load_be32(blob + HEADER_COMPATIBLE) > VERSION)
		return "unknown version";
	fdt->boot_hart = load_be32(blob + HEADER_BOOT_HART);

	structs = load_be32(blob + HEADER_STRUCTS);
	fdt->structs_size = load_be32(blob + HEADER_STRUCTS_SIZE);
	if (structs < HEADER_SIZE || structs > fdt->size || !IS_ALIGNED(structs, CELL) ||
	    fdt->structs_size > fdt->size - structs)
		return "structure block out of bounds";
	fdt->structs = blob + structs;

	strings = load_be32(blob + HEADER_STRINGS);
	fdt->strings_size = load_be32(blob + HEADER_STRINGS_SIZE);
	if (strings < HEADER_SIZE || strings > fdt->size ||
	    fdt->strings_size > fdt->size - strings)
		return "strings block out of bounds";
	fdt->strings = (const char *)blob + strings;

	reserves = load_be32(blob + HEADER_RESERVES);
	if (reserves < HEADER_SIZE || reserves > fdt->size || !IS_ALIGNED(reserves, 8))
		return "reservation block out of bounds";
	fdt->reserves = blob + reserves;
	return NULL;
}

static const char *check_reserves(struct fdt *fdt)
{
	uint32_t left = fdt->size - (uint32_t)(fdt->reserves - fdt->blob);
	const uint8_t *entry = fdt->reserves;

	for (fdt->reserve_count = 0; left >= RESERVE_SIZE; fdt->reserve_count++) {
		if (!load_be64(entry) && !load_be64(entry + 8))
			return NULL;
		entry += RESERVE_SIZE;
		left -= RESERVE_SIZE;
	}
	return "reservation block does not end";
}

static const char *check_structs(struct fdt *fdt)
{
	bool may_have_prop = false; /* only in front of the first child, section 5.4.2 */
	bool root_seen = false;
	unsigned depth = 0;
	uint32_t next;

	for (uint32_t offset = 0;; offset = next) {
		next = token_end(fdt, offset);
		if (!next)
			return "bad token, or one beyond its block";
		switch (token_at(fdt, offset)) {
		case BEGIN_NODE:
			if (!depth && root_seen)
				return "two root nodes";
			if (++depth > FDT_DEPTH_MAX)
				return "nodes nested too deep";
			root_seen = true;
			may_have_prop = true;
			break;
		case END_NODE:
			if (!depth--)
				return "node ended twice";
			may_have_prop = false;
			break;
		case PROP:
			if (!may_have_prop)
				return "property outside of the head of a node";
			break;
		case END:
			if (depth || !root_seen)
				return "early end of the structure block";
			fdt->structs_size = next;
			return NULL;
		default:
			break;
		}
	}
}

int fdt_open(struct fdt *fdt, const void *blob, size_t max, const char **why)
{
	const char *wrong = check_header(fdt, blob, max);

	if (!wrong)
		wrong = check_reserves(fdt);
	if (!wrong)
		wrong = check_structs(fdt);
	if (why && wrong)
		*why = wrong;
	return wrong ? -EINVAL : 0;
}

int fdt_check(const void *blob, size_t max, const char **why)
{
	struct fdt fdt;

	return fdt_open(&fdt, blob, max, why);
}

bool fdt_reserve(const struct fdt *fdt, uint32_t index, uint64_t *addr, uint64_t *size)
{
	if (index >= fdt->reserve_count)
		return false;
	*addr = load_be64(fdt->reserves + index * RESERVE_SIZE);
	*size = load_be64(fdt->reserves + index * RESERVE_SIZE + 8);
	return true;
}

/* The first token at or after offset that begins or ends a node or ends the block. */
static uint32_t node_token(const struct fdt *fdt, uint32_t offset)
{
	while (token_at(fdt, offset) == PROP || token_at(fdt, offset) == NOP)
		offset = token_end(fdt, offset);
	return offset;
}

static int node_at(const struct fdt *fdt, uint32_t offset)
{
	offset = node_token(fdt, offset);
	return token_at(fdt, offset) == BEGIN_NODE ? (int)offset : FDT_NONE;
}

int fdt_root(const struct fdt *fdt)
{
	return node_at(fdt, 0);
}

int fdt_first_child(const struct fdt *fdt, int node)
{
	if (node == FDT_NONE)
		return FDT_NONE;
	return node_at(fdt, token_end(fdt, (uint32_t)node));
}

int fdt_next_sibling(const struct fdt *fdt, int node)
{
	uint32_t offset = (uint32_t)node;
	unsigned depth = 0;

	if (node == FDT_NONE)
		return FDT_NONE;
	do {
		if (token_at(fdt, offset) == BEGIN_NODE)
			depth++;
		else
			depth--;
		offset = node_token(fdt, token_end(fdt, offset));
	} while (depth);
	return node_at(fdt, offset);
}

int fdt_next(const struct fdt *fdt, int node)
{
	uint32_t offset;

	if (node == FDT_NONE)
		return fdt_root(fdt);
	offset = node_token(fdt, token_end(fdt, (uint32_t)node));
	while (token_at(fdt, offset) == END_NODE)
		offset = node_token(fdt, token_end(fdt, offset));
	return node_at(fdt, offset);
}

int fdt_parent(const struct fdt *fdt, int node)
{
	int open[FDT_DEPTH_MAX];
	unsigned depth = 0;

	if (node == FDT_NONE)
		return FDT_NONE;
	for (uint32_t offset = (uint32_t)fdt_root(fdt);;) {
		if ((int)offset == node)
			return depth ? open[depth - 1] : FDT_NONE;
		if (token_at(fdt, offset) == BEGIN_NODE)
			open[depth++] = (int)offset;
		else if (token_at(fdt, offset) == END_NODE)
			depth--;
		else
			return FDT_NONE;
		offset = node_token(fdt, token_end(fdt, offset));
	}
}

const char *fdt_name(const struct fdt *fdt, int node)
{
	return node == FDT_NONE ? "" : (const char *)fdt->structs + node + CELL;
}

/* The data of the property whose name has name_len characters. */
static const void *prop_find(const struct fdt *fdt, int node, const char *name, size_t name_len,
			     uint32_t *len)
{
	uint32_t offset;

	if (node == FDT_NONE)
		return NULL;
	for (offset = token_end(fdt, (uint32_t)node);; offset = token_end(fdt, offset)) {
		const char *found;

		if (token_at(fdt, offset) == NOP)
			continue;
		if (token_at(fdt, offset) != PROP)
			return NULL;
		found = fdt->strings + load_be32(fdt->structs + offset + PROP_NAME);
		if (strncmp(found, name, name_len) == 0 && !found[name_len])
			break;
	}
	if (len)
		*len = load_be32(fdt->structs + offset + PROP_LEN);
	return fdt->structs + offset + PROP_DATA;
}

const void *fdt_prop(const struct fdt *fdt, int node, const char *name, uint32_t *len)
{
	return prop_find(fdt, node, name, strlen(name), len);
}

bool fdt_prop_present(const struct fdt *fdt, int node, const char *name)
{
	return fdt_prop(fdt, node, name, NULL) != NULL;
}

bool fdt_prop_cell(const struct fdt *fdt, int node, const char *name, uint32_t index,
		   uint32_t *value)
{
	uint32_t len;
	const uint8_t *data = fdt_prop(fdt, node, name, &len);

	if (!data || index >= len / CELL)
		return false;
	*value = load_be32(data + index * CELL);
	return true;
}

bool fdt_prop_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value)
{
	uint32_t len;
	const uint8_t *data = fdt_prop(fdt, node, name, &len);

	if (!data || len != CELL)
		return false;
	*value = load_be32(data);
	return true;
}

bool fdt_prop_u64(const struct fdt *fdt, int node, const char *name, uint64_t *value)
{
	uint32_t len;
	const uint8_t *data = fdt_prop(fdt, node, name, &len);

	if (!data || (len != CELL && len != 2 * CELL))
		return false;
	*value = len == CELL ? load_be32(data) : load_be64(data);
	return true;
}

const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name, uint32_t index)
{
	uint32_t left;
	const char *s = fdt_prop(fdt, node, name, &left);

	for (; s; index--) {
		uint32_t len = (uint32_t)strnlen(s, left);

		if (len == left)
			return NULL;
		if (!index)
			return s;
		s += len + 1;
		left -= len + 1;
	}
	return NULL;
}

bool fdt_prop_has_string(const struct fdt *fdt, int node, const char *name, const char *string)
{
	uint32_t left;
	const char *s = fdt_prop(fdt, node, name, &left);

	while (s) {
		uint32_t len = (uint32_t)strnlen(s, left);

		if (len == left)
			return false;
		if (strcmp(s, string) == 0)
			return true;
		s += len + 1;
		left -= len + 1;
	}
	return false;
}

bool fdt_is_compatible(const struct fdt *fdt, int node, const char *compatible)
{
	return fdt_prop_has_string(fdt, node, "compatible", compatible);
}

int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible)
{
	int node = fdt_next(fdt, after);

	while (node != FDT_NONE && !fdt_is_compatible(fdt, node, compatible))
		node = fdt_next(fdt, node);
	return node;
}

int fdt_find_phandle(const struct fdt *fdt, uint32_t phandle)
{
	uint32_t value;
	int node;

	if (!phandle || phandle == ~0u)
		return FDT_NONE;
	for (node = fdt_root(fdt); node != FDT_NONE; node = fdt_next(fdt, node)) {
		if (fdt_prop_u32(fdt, node, "phandle", &value) && value == phandle)
			break;
	}
	return node;
}

bool fdt_enabled(const struct fdt *fdt, int node)
{
	const char *status;

	if (node == FDT_NONE)
		return false;
	if (!fdt_prop_present(fdt, node, "status"))
		return true;
	status = fdt_prop_string(fdt, node, "status", 0);
	return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

static size_t component_len(const char *path)
{
	size_t n = 0;

	while (path[n] && path[n] != '/' && path[n] != ':')
		n++;
	return n;
}

/* The child that a path component names, with its unit address or without. */
static int child_find(const struct fdt *fdt, int node, const char *component, size_t len)
{
	int child;

	fdt_for_each_child(fdt, child, node)
	{
		const char *name = fdt_name(fdt, child);

		if (strncmp(name, component, len) == 0 &&
		    (!name[len] || (name[len] == '@' && !memchr(component, '@', len))))
			return child;
	}
	return FDT_NONE;
}

/* The node at an absolute path. */
static int path_walk(const struct fdt *fdt, int node, const char *path)
{
	while (node != FDT_NONE) {
		size_t len;

		while (*path == '/')
			path++;
		len = component_len(path);
		if (!len)
			break;
		node = child_find(fdt, node, path, len);
		path += len;
	}
	return node;
}

int fdt_find_path(const struct fdt *fdt, const char *path)
{
	int node = fdt_root(fdt);
	size_t len = component_len(path);
	const char *target;
	uint32_t target_len;

	if (*path == '/')
		return path_walk(fdt, node, path);
	target = prop_find(fdt, path_walk(fdt, node, "/aliases"), path, len, &target_len);
	/* One alias cannot lead to another: the value is a full path. */
	if (!len || !target || *target != '/' || strnlen(target, target_len) == target_len)
		return FDT_NONE;
	return path_walk(fdt, path_walk(fdt, node, target), path + len);
}

int fdt_stdout(const struct fdt *fdt, const char **options)
{
	int chosen = fdt_find_path(fdt, "/chosen");
	const char *path = fdt_prop_string(fdt, chosen, "stdout-path", 0);
	const char *colon;

	if (options)
		*options = "";
	if (!path)
		path = fdt_prop_string(fdt, chosen, "linux,stdout-path", 0);
	if (!path)
		return FDT_NONE;
	colon = strchr(path, ':');
	if (colon && options)
		*options = colon + 1;
	return fdt_find_path(fdt, path);
}
