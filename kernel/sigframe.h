/*
 * Where things lie in the frame of a signal handler, for sigframe.c, which asserts it, and
 * sigcopy.S. Numbers only.
 */
#pragma once

#define SIGFRAME_INFO	  0
#define SIGFRAME_HEAD	  128 /* of the ucontext: flags, link, alternate stack, mask */
#define SIGFRAME_REGS	  304
#define SIGFRAME_FPU	  560
#define SIGFRAME_FCSR	  816
#define SIGFRAME_RESERVED 1076 /* 32 bits, then the first of the extensions: all 0 */
#define SIGFRAME_END	  1080
#define SIGFRAME_SIZE	  1088

#define FPU_FCSR 256 /* offset in struct fpu_state */
