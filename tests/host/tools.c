#include "tests/host/shim/kernel.h"

#include "tests/host/tools.h"

#include <unistd.h>

#include "tests/host/files.h"
#include "tests/host/shim/disk.h"

static const char template[] = "/tmp/xv39-host-XXXXXX";
static char folder[sizeof(template)];

int tools_begin(void)
{
	memcpy(folder, template, sizeof(folder));
	return mkdtemp(folder) ? 0 : -1;
}

int tools_end(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

const char *tool_path(const char *name)
{
	static char buf[2][200];
	static unsigned turn;
	char *p = buf[turn++ % 2];

	snprintf(p, sizeof(buf[0]), "%s/%s", folder, name);
	return p;
}

static int run_args(const char *format, va_list ap)
{
	char command[1500], line[2000];

	vsnprintf(command, sizeof(command), format, ap);
	snprintf(line, sizeof(line),
		 "cd %s; PATH=$PATH:/sbin:/usr/sbin; export LC_ALL=C; { %s; } > log 2>&1", folder,
		 command);
	return system(line);
}

int run(const char *format, ...)
{
	va_list ap;
	int status;

	va_start(ap, format);
	status = run_args(format, ap);
	va_end(ap);
	return status;
}

unsigned long number_of(const char *format, ...)
{
	unsigned long number;
	char *text, *end;
	size_t size;
	va_list ap;

	va_start(ap, format);
	must(run_args(format, ap));
	va_end(ap);
	text = (char *)file_load(tool_path("log"), &size);
	assert_non_null(text);
	number = strtoul(text, &end, 0);
	assert_true(end != text);
	free(text);
	return number;
}

void must(int status)
{
	char command[100];

	if (!status)
		return;
	snprintf(command, sizeof(command), "cat %s/log", folder);
	if (system(command))
		fail();
	fail_msg("a tool is not content");
}

void disk_load(const char *name)
{
	size_t size;
	uint8_t *data = file_load(tool_path(name), &size);

	assert_non_null(data);
	assert_int_equal(size, host_disk.size);
	memcpy(host_disk.platter, data, size);
	free(data);
}

void image_store(const uint8_t *data, size_t size, const char *name)
{
	FILE *f = fopen(tool_path(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}
