/*
 * The way from zswap's pool to the device, for what has been there longest: one batch of pages at a
 * time, which stay where they are until they are written.
 */
#pragma once

#include "kernel/types.h"

/* Start writing a batch, unless one is under way. May sleep. */
void zback_start(void);
/* Wait for the batch that is under way, if one is. */
void zback_wait(void);
/* The same, if it has one of these n slots, which have nothing in the pool. */
void zback_wait_for(const uint32_t *slots, uint32_t n);
/* Nothing is to make room: tell the policy what is the oldest that has it. May sleep. */
void zback_look(void);
