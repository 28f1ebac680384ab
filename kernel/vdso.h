/*
 * Code that the kernel maps into every program (vdso(7)): where signal handlers return to, and
 * riscv_hwprobe.
 */
#pragma once

#include "kernel/types.h"

struct aspace;

/* Map it into a space that exec builds, near the top; its address in *at. 0 or -errno. */
int vdso_map(struct aspace *as, uaddr_t *at);
/* Where a handler returns to in this space. */
uaddr_t vdso_sigreturn(struct aspace *as);
