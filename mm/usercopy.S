/*
 * Copies to and from user memory. Only here and in kernel/sigcopy.S is sstatus.SUM set. A fault
 * that vm_fault cannot mend goes on at the landing its range has in .fixup: from a loop of words at
 * the loop of bytes, which faults again at the very byte; from there with what is left.
 */
#include "lib/asmfunc.h"

	.text

	/* As many bytes as there are in these registers, if their bit is set in what is left. */
	.macro	few bytes, regs:vararg
	andi	a3, a2, \bytes
	beqz	a3, .Lno\@
	words	ld, a1, 0, \regs
	words	sd, a0, 0, \regs
	sub	a2, a2, a3
	add	a1, a1, a3
	add	a0, a0, a3
.Lno\@:
	.endm

/* size_t usercopy(void *dst, const void *src, size_t n): bytes not copied */
	func	usercopy
	user_access
	li	a4, 16
	bltu	a2, a4, 5f
	andi	a3, a0, 7
	beqz	a3, 2f
	addi	a3, a3, -8		/* bytes up to the next multiple of 8, negated */
	add	a2, a2, a3
1:	lbu	a4, 0(a1)
	sb	a4, 0(a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	addi	a3, a3, 1
	bnez	a3, 1b
2:	andi	t4, a1, 7
	bnez	t4, 10f
	li	a3, 1024
	bltu	a2, a3, 4f
3:	.irp	at, 0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704, 768, 832, 896, 960
	eight	ld, a1, \at
	eight	sd, a0, \at
	.endr
	addi	a2, a2, -1024
	addi	a1, a1, 1024
	addi	a0, a0, 1024
	bgeu	a2, a3, 3b
4:	li	a3, 64
	bltu	a2, a3, 4f
3:	eight	ld, a1
	eight	sd, a0
	addi	a2, a2, -64
	addi	a1, a1, 64
	addi	a0, a0, 64
	bgeu	a2, a3, 3b
4:	li	a3, 8
	bltu	a2, a3, 5f
	few	32, a4, a5, a6, a7
	few	16, a4, a5
	few	8, a4
	j	5f
10:	sub	t3, a1, t4		/* words of the source, each of two of the target's */
	slli	t4, t4, 3
	neg	t5, t4
	li	a3, 16
	ld	a4, 0(t3)
	j	12f
11:	ld	a5, 8(t3)
	srl	a6, a4, t4
	sll	a7, a5, t5
	or	a6, a6, a7
	sd	a6, 0(a0)
	ld	a4, 16(t3)
	srl	a5, a5, t4
	sll	a7, a4, t5
	or	a5, a5, a7
	sd	a5, 8(a0)
	addi	a2, a2, -16
	addi	a1, a1, 16
	addi	t3, t3, 16
	addi	a0, a0, 16
12:	bgeu	a2, a3, 11b
	landing	2b, 5f, 5f
5:	beqz	a2, 7f
6:	lbu	a4, 0(a1)
	sb	a4, 0(a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	addi	a2, a2, -1
	bnez	a2, 6b
	landing	5b, 7f, 7f
7:	csrc	sstatus, t6
	mv	a0, a2
	ret
8:	sub	a2, a2, a3		/* the bytes before the first word: count them back in */
	j	7b
	landing	1b, 2b, 8b
	endfunc	usercopy

/*
 * long userstrncpy(char *dst, const char *src, size_t n): length, n if no NUL, -1 on a fault. By
 * words where both are aligned at once; what is behind the NUL in its word is copied along.
 */
	func	userstrncpy
	user_access
	mv	a3, a0
	add	a2, a2, a0		/* where the room ends */
	ld	t1, lows
	slli	t2, t1, 7
	j	3f
1:	bgeu	a0, a2, 6f
2:	lbu	a4, 0(a1)
	sb	a4, 0(a0)
	beqz	a4, 6f
	addi	a0, a0, 1
	addi	a1, a1, 1
3:	or	t0, a0, a1
	andi	t0, t0, 7
	addi	t3, a0, 8
	bnez	t0, 1b
4:	bltu	a2, t3, 1b
	ld	a4, 0(a1)
	sub	t0, a4, t1		/* is one of the bytes 0? */
	not	t4, a4
	and	t0, t0, t4
	and	t0, t0, t2
	sd	a4, 0(a0)
	bnez	t0, 5f
	mv	a0, t3
	addi	a1, a1, 8
	addi	t3, t3, 8
	j	4b
	landing	1b, 5f, 7f
5:	andi	t0, a4, 0xff		/* which? */
	beqz	t0, 6f
	srli	a4, a4, 8
	addi	a0, a0, 1
	j	5b
6:	csrc	sstatus, t6
	sub	a0, a0, a3
	ret
7:	csrc	sstatus, t6
	li	a0, -1
	ret
	endfunc	userstrncpy
	.balign	8
lows:	.dword	0x0101010101010101

/* long userload32(const void *src, uint32_t *value), and so on: 0, -1 on a fault. Aligned. */
	.macro single name, insn1, insn2
	func	\name
	user_access
1:	\insn1
	\insn2
	mv	a0, zero
	copied
	endfunc	\name
	.endm

	single userload32, "lw a2, 0(a0)", "sw a2, 0(a1)"
	single userload64, "ld a2, 0(a0)", "sd a2, 0(a1)"
	single userstore32, "sw a1, 0(a0)", ""
	single userstore64, "sd a1, 0(a0)", ""

/* long usercmpxchg32(void *addr, uint32_t expected, uint32_t desired, uint32_t *old) */
	func	usercmpxchg32
	user_access
	sext.w	a1, a1
1:	lr.w.aqrl a4, (a0)
	bne	a4, a1, 4f
	sc.w.aqrl a5, a2, (a0)
	bnez	a5, 1b
4:	sw	a4, 0(a3)
	mv	a0, zero
	copied
	endfunc	usercmpxchg32
