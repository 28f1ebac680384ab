/*
 * The vDSO as it was linked (kernel/vdso), in a page of its own of rodata.
 */
	.section .vdso, "a"
	.incbin	VDSO
