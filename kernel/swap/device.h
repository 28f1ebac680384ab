#pragma once

#include "kernel/swap/area.h"

/* Of areas whose owner is a struct swap_place. */
extern const struct swap_ops swap_device_ops;
