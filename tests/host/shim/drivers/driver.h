/* In place of drivers/driver.h: drivers have names that a test can call. */
#pragma once

#include "../../../../drivers/driver.h"

#undef DRIVER
#define DRIVER(driver_name)                                                                        \
	extern const struct driver driver_##driver_name;                                           \
	const struct driver driver_##driver_name
