/*
 * A hart's address translation in software: satp with as many ASID bits as a test wants, and a
 * translation cache that forgets only what it is told to, so that a missing fence shows.
 */
#pragma once

#include "tests/host/shim/kernel.h"

#include "mm/fault.h"

struct aspace;

/* Empties everything. asid_bits: what satp has, 0 to 16. svade: faults where A or D is clear. */
void host_mmu_start(unsigned asid_bits, bool svade);

/*
 * One access by the program in `as`, as an instruction would make it: translation, page faults,
 * and again.  0 and *data where the byte stands, or -signal with *code.
 */
int host_access(struct aspace *as, uaddr_t va, enum vm_access access, uint8_t **data, int *code);

/* How many accesses found their translation in the cache. */
extern unsigned long host_tlb_hits;
