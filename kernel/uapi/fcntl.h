/*
 * open(2), fcntl(2), *at(2): numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#define O_ACCMODE   03
#define O_RDONLY    00
#define O_WRONLY    01
#define O_RDWR	    02
#define O_CREAT	    0100
#define O_EXCL	    0200
#define O_NOCTTY    0400
#define O_TRUNC	    01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_DSYNC	    010000
#define O_ASYNC	    020000
#define O_DIRECT    040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW  0400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_SYNC	    (04000000 | O_DSYNC)
#define O_PATH	    010000000
#define O_TMPFILE   (020000000 | O_DIRECTORY)
/* What open(2) knows; it ignores all else. */
#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |     \
	 O_PATH | O_TMPFILE)

#define AT_FDCWD	    (-100)
#define AT_HANDLE_MNT_ID_UNIQUE 0x001 /* name_to_handle_at */
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS	    0x200 /* faccessat */
#define AT_REMOVEDIR	    0x200 /* unlinkat */
#define AT_HANDLE_FID	    0x200 /* name_to_handle_at */
#define AT_SYMLINK_FOLLOW   0x400
#define AT_NO_AUTOMOUNT	    0x800
#define AT_EMPTY_PATH	    0x1000
#define AT_RECURSIVE	    0x8000
#define AT_STATX_SYNC_TYPE  0x6000

#define F_DUPFD	   0
#define F_GETFD	   1
#define F_SETFD	   2
#define F_GETFL	   3
#define F_SETFL	   4
#define F_GETLK	   5
#define F_SETLK	   6
#define F_SETLKW   7
#define F_SETOWN   8
#define F_GETOWN   9
#define F_SETSIG   10
#define F_GETSIG   11
#define F_SETOWN_EX  15
#define F_GETOWN_EX  16
#define F_OFD_GETLK  36
#define F_OFD_SETLK  37
#define F_OFD_SETLKW 38
#define F_SETLEASE   1024
#define F_GETLEASE   1025
#define F_NOTIFY     1026
#define F_DUPFD_QUERY 1027
#define F_CREATED_QUERY 1028
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#define F_ADD_SEALS  1033
#define F_GET_SEALS  1034

#define F_SEAL_SEAL	    1
#define F_SEAL_SHRINK	    2
#define F_SEAL_GROW	    4
#define F_SEAL_WRITE	    8
#define F_SEAL_FUTURE_WRITE 16
#define F_SEAL_EXEC	    32

#define FD_CLOEXEC 1

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define DN_ACCESS    1
#define DN_MODIFY    2
#define DN_CREATE    4
#define DN_DELETE    8
#define DN_RENAME    16
#define DN_ATTRIB    32
#define DN_MULTISHOT 0x80000000u

#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2

struct f_owner_ex {
	int32_t type;
	int32_t pid;
};

struct flock64 {
	int16_t l_type;
	int16_t l_whence;
	int64_t l_start;
	int64_t l_len;
	int32_t l_pid;
};

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_MAND 32
#define LOCK_UN 8

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0

#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#define RENAME_WHITEOUT	 4
#define RENAME_WHITEOUT	 4

#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
#define FALLOC_FL_COLLAPSE_RANGE 8
#define FALLOC_FL_ZERO_RANGE	 16
#define FALLOC_FL_INSERT_RANGE	 32
#define FALLOC_FL_UNSHARE_RANGE	 64

#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4

/* Flags of preadv2 and pwritev2. */
#define RWF_HIPRI  1
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_NOWAIT 8
#define RWF_APPEND 16
#define RWF_NOAPPEND 32

#define SYNC_FILE_RANGE_WAIT_BEFORE 1
#define SYNC_FILE_RANGE_WRITE	    2
#define SYNC_FILE_RANGE_WAIT_AFTER  4

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5
