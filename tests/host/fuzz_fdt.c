/* libFuzzer: no bytes may make the device-tree reader or machine_init misbehave. */
#include "tests/host/fdt_visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= 65536)
		fdt_visit(data, size);
	return 0;
}
