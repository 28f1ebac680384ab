/*
 * rseq(2): the area that a thread shares with the kernel, and a critical section in it.
 */
#pragma once

#include "kernel/types.h"

#define RSEQ_FLAG_UNREGISTER	     1
#define RSEQ_CPU_ID_UNINITIALIZED    (-1)

struct rseq_cs {
	uint32_t version;
	uint32_t flags;
	uint64_t start_ip;
	uint64_t post_commit_offset; /* from start_ip */
	uint64_t abort_ip;
};

struct rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs; /* address of a struct rseq_cs, or 0 */
	uint32_t flags;
	uint32_t node_id;
	uint32_t mm_cid;
} __attribute__((aligned(32)));
