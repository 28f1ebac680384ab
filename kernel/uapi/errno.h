/*
 * Error numbers of the Linux riscv64 ABI (errno(3)). Kernel functions return them negated.
 */
#pragma once

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define ENOEXEC 8
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define ENOTBLK 15
#define EBUSY 16
#define EEXIST 17
#define EXDEV 18
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define ENOTTY 25
#define ETXTBSY 26
#define EFBIG 27
#define ENOSPC 28
#define ESPIPE 29
#define EROFS 30
#define EMLINK 31
#define EPIPE 32
#define EDOM 33
#define ERANGE 34
#define EDEADLK 35
#define ENAMETOOLONG 36
#define ENOLCK 37
#define ENOSYS 38
#define ENOTEMPTY 39
#define ELOOP 40
#define ENOMSG 42	  /* no message of that type */
#define EIDRM 43	  /* the System V object is gone */
#define EWOULDBLOCK EAGAIN
#define EBADR 53	  /* flags that FS_IOC_FIEMAP does not know */
#define ENODATA 61
#define ETIME 62
#define ENOPKG 65	  /* what would serve it is not there */
#define EBADMSG 74
#define EOVERFLOW 75
#define EILSEQ 84
#define EUCLEAN 117
#define ELIBBAD 80
#define EUSERS 87
#define ENOTSOCK 88
#define EDESTADDRREQ 89
#define EMSGSIZE 90
#define EPROTOTYPE 91
#define ENOPROTOOPT 92
#define EPROTONOSUPPORT 93
#define ESOCKTNOSUPPORT 94
#define EOPNOTSUPP 95
#define EAFNOSUPPORT 97
#define EADDRINUSE 98
#define EADDRNOTAVAIL 99
#define ENETUNREACH 101
#define ECONNABORTED 103
#define ECONNRESET 104
#define ENOBUFS 105
#define EISCONN 106
#define ENOTCONN 107
#define ETOOMANYREFS 109
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EALREADY 114
#define EINPROGRESS 115
#define ESTALE 116
#define EDQUOT 122
#define ENOMEDIUM 123
#define ECANCELED 125
#define ENOKEY 126
#define EKEYEXPIRED 127
#define EKEYREVOKED 128
#define EOWNERDEAD 130
#define ENOTRECOVERABLE 131

/*
 * Never seen by a user: a system call that a signal interrupted, and how it goes on.
 * kernel/signal.c turns each into EINTR or rewinds the program counter to the ecall.
 */
#define ERESTARTSYS 512		  /* again if the handler has SA_RESTART, else EINTR */
#define ERESTARTNOINTR 513	  /* always again */
#define ERESTARTNOHAND 514	  /* again only when no handler ran, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* again through restart_syscall (nanosleep), else EINTR */
