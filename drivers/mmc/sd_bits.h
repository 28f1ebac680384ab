/*
 * Commands and bits of the SD specification that the protocol and controllers share.
 */
#pragma once

/* Commands (section 4.7.4). */
#define SD_GO_IDLE	    0
#define SD_ALL_SEND_CID	    2
#define SD_SEND_RCA	    3
#define SD_SWITCH_FUNC	    6
#define SD_SELECT	    7
#define SD_SEND_IF_COND	    8
#define SD_SEND_CSD	    9
#define SD_SEND_CID	    10
#define SD_STOP		    12
#define SD_SEND_STATUS	    13
#define SD_SET_BLOCKLEN	    16
#define SD_READ		    17
#define SD_READ_MULTIPLE    18
#define SD_WRITE	    24
#define SD_WRITE_MULTIPLE   25
#define SD_APP_CMD	    55
#define SD_READ_OCR	    58 /* SPI mode */
#define SD_CRC_ON_OFF	    59 /* SPI mode */
/* Application commands, after SD_APP_CMD. */
#define SD_APP_SET_WIDTH    6
#define SD_APP_OP_COND	    41
#define SD_APP_SEND_SCR	    51

#define SD_SWITCH_CHECK 0x00fffff1U /* function 1 of group 1 is high speed */
#define SD_SWITCH_SET	0x80fffff1U
#define SD_CLASS_SWITCH (1U << 10)

/* Card status (section 4.10.1). */
#define SD_STATUS_RANGE	  (1U << 31)
#define SD_STATUS_ADDRESS (1U << 30)
#define SD_STATUS_ERASE	  (1U << 27)
#define SD_STATUS_WP	  (1U << 26)
#define SD_STATUS_COM_CRC (1U << 23)
#define SD_STATUS_ILLEGAL (1U << 22)
#define SD_STATUS_ECC	  (1U << 21)
#define SD_STATUS_CC	  (1U << 20)
#define SD_STATUS_ERROR	  (1U << 19)
/* All that means that something failed: not "is locked" (25), nor what erasing skipped. */
#define SD_STATUS_ERRORS  0xfdf90000U
#define SD_STATUS_READY	  (1U << 8)
#define SD_STATUS_STATE(status) ((status) >> 9 & 15)
#define SD_STATE_TRAN	  4U

/* Operation conditions (section 5.1). */
#define SD_OCR_3V3	     0x00ff8000U
#define SD_OCR_HIGH_CAPACITY (1U << 30)
#define SD_OCR_READY	     (1U << 31)

#define SD_SPI_IDLE 1U /* of an R1 in SPI mode */
