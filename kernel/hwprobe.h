/*
 * What programs may know of the harts.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/hwprobe.h"

/* What riscv_hwprobe(2) says for keys 0 to keys - 1 of all harts online. Waits for them. */
void hwprobe_all(struct riscv_hwprobe *pairs, uint32_t keys);
