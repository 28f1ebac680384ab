/*
 * For assembly: registers to (sd) and from (ld) a trap frame.
 */
#pragma once

	.macro each_caller_saved move, frame
	\move	ra, TF_RA(\frame)
	\move	t0, TF_T0(\frame)
	\move	t1, TF_T1(\frame)
	\move	t2, TF_T2(\frame)
	\move	a0, TF_A0(\frame)
	\move	a1, TF_A1(\frame)
	\move	a2, TF_A2(\frame)
	\move	a3, TF_A3(\frame)
	\move	a4, TF_A4(\frame)
	\move	a5, TF_A5(\frame)
	\move	a6, TF_A6(\frame)
	\move	a7, TF_A7(\frame)
	\move	t3, TF_T3(\frame)
	\move	t4, TF_T4(\frame)
	\move	t5, TF_T5(\frame)
	\move	t6, TF_T6(\frame)
	.endm

	.macro each_callee_saved move, frame
	\move	s0, TF_S0(\frame)
	\move	s1, TF_S1(\frame)
	\move	s2, TF_S2(\frame)
	\move	s3, TF_S3(\frame)
	\move	s4, TF_S4(\frame)
	\move	s5, TF_S5(\frame)
	\move	s6, TF_S6(\frame)
	\move	s7, TF_S7(\frame)
	\move	s8, TF_S8(\frame)
	\move	s9, TF_S9(\frame)
	\move	s10, TF_S10(\frame)
	\move	s11, TF_S11(\frame)
	.endm

	.macro save_caller_saved
	each_caller_saved sd, sp
	.endm

	.macro restore_caller_saved
	each_caller_saved ld, sp
	.endm

	/* gp too: the kernel never touches it. */
	.macro save_callee_saved_to frame
	sd	gp, TF_GP(\frame)
	each_callee_saved sd, \frame
	.endm

	.macro restore_callee_saved
	ld	gp, TF_GP(sp)
	each_callee_saved ld, sp
	.endm
