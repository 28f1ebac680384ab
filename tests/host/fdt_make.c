#include "tests/host/fdt_make.h"

#include <stdarg.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/endian.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, END = 9 };

void fdt_make_start(struct fdt_make *m)
{
	memset(m, 0, sizeof(*m));
}

static void put_bytes(struct fdt_make *m, const void *data, uint32_t len)
{
	memcpy(m->structs + m->structs_size, data, len);
	m->structs_size += ALIGN_UP(len, 4);
}

void fdt_make_reserve(struct fdt_make *m, uint64_t addr, uint64_t size)
{
	store_be64(m->reserves + m->reserves_size, addr);
	store_be64(m->reserves + m->reserves_size + 8, size);
	m->reserves_size += 16;
}

void fdt_make_token(struct fdt_make *m, uint32_t token)
{
	store_be32(m->structs + m->structs_size, token);
	m->structs_size += 4;
}

void fdt_make_begin(struct fdt_make *m, const char *name)
{
	fdt_make_token(m, BEGIN_NODE);
	put_bytes(m, name, (uint32_t)strlen(name) + 1);
}

void fdt_make_end(struct fdt_make *m)
{
	fdt_make_token(m, END_NODE);
}

void fdt_make_prop(struct fdt_make *m, const char *name, const void *data, uint32_t len)
{
	fdt_make_token(m, PROP);
	fdt_make_token(m, len);
	fdt_make_token(m, m->strings_size);
	put_bytes(m, data, len);
	strcpy(m->strings + m->strings_size, name);
	m->strings_size += (uint32_t)strlen(name) + 1;
}

void fdt_make_string(struct fdt_make *m, const char *name, const char *value)
{
	fdt_make_prop(m, name, value, (uint32_t)strlen(value) + 1);
}

void fdt_make_cells(struct fdt_make *m, const char *name, unsigned count, ...)
{
	uint8_t data[4 * 16];
	va_list ap;

	va_start(ap, count);
	for (unsigned i = 0; i < count; i++)
		store_be32(data + 4 * i, va_arg(ap, uint32_t));
	va_end(ap);
	fdt_make_prop(m, name, data, 4 * count);
}

uint32_t fdt_make_finish(struct fdt_make *m)
{
	uint32_t reserves = 40, structs, strings, size;

	fdt_make_reserve(m, 0, 0);
	fdt_make_token(m, END);
	structs = reserves + m->reserves_size;
	strings = structs + m->structs_size;
	size = strings + m->strings_size;
	store_be32(m->blob, 0xd00dfeed);
	store_be32(m->blob + 4, size);
	store_be32(m->blob + 8, structs);
	store_be32(m->blob + 12, strings);
	store_be32(m->blob + 16, reserves);
	store_be32(m->blob + 20, 17);
	store_be32(m->blob + 24, 16);
	store_be32(m->blob + 32, m->strings_size);
	store_be32(m->blob + 36, m->structs_size);
	memcpy(m->blob + reserves, m->reserves, m->reserves_size);
	memcpy(m->blob + structs, m->structs, m->structs_size);
	memcpy(m->blob + strings, m->strings, m->strings_size);
	return size;
}
