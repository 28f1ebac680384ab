/* NUMA memory policies, as programs see them: set_mempolicy(2), mbind(2), move_pages(2). */
#pragma once

#define MPOL_DEFAULT		 0
#define MPOL_PREFERRED		 1
#define MPOL_BIND		 2
#define MPOL_INTERLEAVE		 3
#define MPOL_LOCAL		 4
#define MPOL_PREFERRED_MANY	 5
#define MPOL_WEIGHTED_INTERLEAVE 6

/* With the mode: what the nodes mean that are not there. */
#define MPOL_F_NUMA_BALANCING (1 << 13)
#define MPOL_F_RELATIVE_NODES (1 << 14)
#define MPOL_F_STATIC_NODES   (1 << 15)

/* get_mempolicy(2) */
#define MPOL_F_NODE	    1
#define MPOL_F_ADDR	    2
#define MPOL_F_MEMS_ALLOWED 4

/* mbind(2), move_pages(2) */
#define MPOL_MF_STRICT	 1
#define MPOL_MF_MOVE	 2
#define MPOL_MF_MOVE_ALL 4
