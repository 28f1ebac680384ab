#pragma once

#include "drivers/block.h"
#include "kernel/swap/area.h"

#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)

/* Of areas whose owner is a struct blockdev. */
extern const struct swap_ops swap_device_ops;
