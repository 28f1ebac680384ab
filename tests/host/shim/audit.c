/* What an audit finds wrong ends the test. */
#include "tests/host/shim/kernel.h"

#include "tests/kernel/audit.h"

void audit_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fail_msg("the audit complains");
}
