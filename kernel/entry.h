/*
 * For assembly: registers to and from a trap frame at sp, or at the register named.
 */
#pragma once

	.macro save_caller_saved
	sd	ra, TF_RA(sp)
	sd	t0, TF_T0(sp)
	sd	t1, TF_T1(sp)
	sd	t2, TF_T2(sp)
	sd	a0, TF_A0(sp)
	sd	a1, TF_A1(sp)
	sd	a2, TF_A2(sp)
	sd	a3, TF_A3(sp)
	sd	a4, TF_A4(sp)
	sd	a5, TF_A5(sp)
	sd	a6, TF_A6(sp)
	sd	a7, TF_A7(sp)
	sd	t3, TF_T3(sp)
	sd	t4, TF_T4(sp)
	sd	t5, TF_T5(sp)
	sd	t6, TF_T6(sp)
	.endm

	.macro restore_caller_saved
	ld	ra, TF_RA(sp)
	ld	t0, TF_T0(sp)
	ld	t1, TF_T1(sp)
	ld	t2, TF_T2(sp)
	ld	a0, TF_A0(sp)
	ld	a1, TF_A1(sp)
	ld	a2, TF_A2(sp)
	ld	a3, TF_A3(sp)
	ld	a4, TF_A4(sp)
	ld	a5, TF_A5(sp)
	ld	a6, TF_A6(sp)
	ld	a7, TF_A7(sp)
	ld	t3, TF_T3(sp)
	ld	t4, TF_T4(sp)
	ld	t5, TF_T5(sp)
	ld	t6, TF_T6(sp)
	.endm

	.macro save_callee_saved_to frame
	sd	gp, TF_GP(\frame)
	sd	s0, TF_S0(\frame)
	sd	s1, TF_S1(\frame)
	sd	s2, TF_S2(\frame)
	sd	s3, TF_S3(\frame)
	sd	s4, TF_S4(\frame)
	sd	s5, TF_S5(\frame)
	sd	s6, TF_S6(\frame)
	sd	s7, TF_S7(\frame)
	sd	s8, TF_S8(\frame)
	sd	s9, TF_S9(\frame)
	sd	s10, TF_S10(\frame)
	sd	s11, TF_S11(\frame)
	.endm

	.macro restore_callee_saved
	ld	s0, TF_S0(sp)
	ld	s1, TF_S1(sp)
	ld	s2, TF_S2(sp)
	ld	s3, TF_S3(sp)
	ld	s4, TF_S4(sp)
	ld	s5, TF_S5(sp)
	ld	s6, TF_S6(sp)
	ld	s7, TF_S7(sp)
	ld	s8, TF_S8(sp)
	ld	s9, TF_S9(sp)
	ld	s10, TF_S10(sp)
	ld	s11, TF_S11(sp)
	.endm
