/*
 * Faults of known processors, and what is done about them.
 *
 * CIP-453 (SiFive: stval of a fetch from the upper half is not sign-extended) needs nothing: what
 * is left of such an address is still above USER_TOP.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Find out which processors these are, from the firmware; once, on the boot hart. */
void errata_init(void);
/*
 * CIP-1200 (SiFive): a fence of an address or an ASID may leave entries of instruction pages in
 * place. True for the cores that have it.
 */
bool errata_fence_whole(uint64_t vendor, uint64_t arch, uint64_t implementation);
