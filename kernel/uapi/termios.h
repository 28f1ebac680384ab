/*
 * Terminal settings and ioctl numbers of the Linux riscv64 ABI (termios(3), ioctl_tty(2)).
 */
#pragma once

#include <stdint.h>

#define NCCS 19

struct termios {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[NCCS];
};
_Static_assert(sizeof(struct termios) == 36, "termios in the ABI");

struct termios2 {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[NCCS];
	uint32_t c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct termios2) == 44, "termios2 in the ABI");

/* The old form, of 16 bits: TCGETA. */
#define NCC 8
struct termio {
	uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[NCC];
};
_Static_assert(sizeof(struct termio) == 18, "termio in the ABI");

struct winsize {
	uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};

/* c_cc; the value 0 switches one off, but for VTIME and VMIN */
#define VINTR	 0
#define VQUIT	 1
#define VERASE	 2
#define VKILL	 3
#define VEOF	 4
#define VTIME	 5
#define VMIN	 6
#define VSWTC	 7
#define VSTART	 8
#define VSTOP	 9
#define VSUSP	 10
#define VEOL	 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE	 14
#define VLNEXT	 15
#define VEOL2	 16

/* c_iflag */
#define IGNBRK	0x0001
#define BRKINT	0x0002
#define IGNPAR	0x0004
#define PARMRK	0x0008
#define INPCK	0x0010
#define ISTRIP	0x0020
#define INLCR	0x0040
#define IGNCR	0x0080
#define ICRNL	0x0100
#define IUCLC	0x0200
#define IXON	0x0400
#define IXANY	0x0800
#define IXOFF	0x1000
#define IMAXBEL 0x2000
#define IUTF8	0x4000

/* c_oflag */
#define OPOST  0x0001
#define OLCUC  0x0002
#define ONLCR  0x0004
#define OCRNL  0x0008
#define ONOCR  0x0010
#define ONLRET 0x0020
#define TABDLY 0x1800
#define XTABS  0x1800

/* c_cflag */
#define CBAUD	0x0000100f
#define CBAUDEX 0x00001000
#define BOTHER	0x00001000
#define CSIZE	0x00000030
#define CS5	0x00000000
#define CS6	0x00000010
#define CS7	0x00000020
#define CS8	0x00000030
#define CSTOPB	0x00000040
#define CREAD	0x00000080
#define PARENB	0x00000100
#define PARODD	0x00000200
#define HUPCL	0x00000400
#define CLOCAL	0x00000800
#define B38400	0x0000000f
#define B115200 0x00001002

/* c_lflag */
#define ISIG	0x00000001
#define ICANON	0x00000002
#define ECHO	0x00000008
#define ECHOE	0x00000010
#define ECHOK	0x00000020
#define ECHONL	0x00000040
#define NOFLSH	0x00000080
#define TOSTOP	0x00000100
#define ECHOCTL 0x00000200
#define ECHOPRT 0x00000400
#define ECHOKE	0x00000800
#define IEXTEN	0x00008000

/* What a pseudo-terminal's master reads ahead of data in packet mode. */
#define TIOCPKT_DATA	   0
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP	   4
#define TIOCPKT_START	   8
#define TIOCPKT_NOSTOP	   16
#define TIOCPKT_DOSTOP	   32

/* ioctl(2) */
#define TCGETS	   0x5401U
#define TCSETS	   0x5402U
#define TCSETSW	   0x5403U
#define TCSETSF	   0x5404U
#define TCGETA	   0x5405U
#define TCSETA	   0x5406U
#define TCSETAW	   0x5407U
#define TCSETAF	   0x5408U
#define TCSBRK	   0x5409U
#define TCXONC	   0x540aU
#define TCFLSH	   0x540bU
#define TIOCEXCL   0x540cU
#define TIOCNXCL   0x540dU
#define TIOCSCTTY  0x540eU
#define TIOCGPGRP  0x540fU
#define TIOCSPGRP  0x5410U
#define TIOCOUTQ   0x5411U
#define TIOCSTI	   0x5412U
#define TIOCGWINSZ 0x5413U
#define TIOCSWINSZ 0x5414U
#define FIONREAD   0x541bU
#define TIOCPKT    0x5420U
#define TIOCNOTTY  0x5422U
#define TIOCSETD   0x5423U
#define TIOCGETD   0x5424U
#define TCSBRKP	   0x5425U
#define TIOCGSID   0x5429U
#define TCGETS2	   0x802c542aU
#define TCSETS2	   0x402c542bU
#define TCSETSW2   0x402c542cU
#define TCSETSF2   0x402c542dU
#define TIOCVHANGUP 0x5437U
#define TIOCGPTPEER 0x5441U
#define TIOCGPTN   0x80045430U
#define TIOCSPTLCK 0x40045431U
#define TIOCGDEV   0x80045432U
#define TIOCSIG	   0x40045436U
#define TIOCGPKT   0x80045438U
#define TIOCGPTLCK 0x80045439U
#define TIOCGEXCL  0x80045440U

/* arguments of TCXONC and TCFLSH */
#define TCOOFF	  0
#define TCOON	  1
#define TCIOFF	  2
#define TCION	  3
#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2
