/*
 * ioctl(2): the request numbers that the file layer itself answers.
 */
#pragma once

#define FIONREAD   0x541b
#define FIONBIO	   0x5421
#define FIONCLEX   0x5450
#define FIOCLEX	   0x5451
#define FIOASYNC   0x5452
#define FIOQSIZE   0x5460

#define FIOSETOWN 0x8901
#define SIOCSPGRP 0x8902
#define FIOGETOWN 0x8903
#define SIOCGPGRP 0x8904
#define SIOCATMARK 0x8905
#define SIOCGIFNAME    0x8910
#define SIOCGIFCONF    0x8912
#define SIOCGIFFLAGS   0x8913
#define SIOCSIFFLAGS   0x8914
#define SIOCGIFADDR    0x8915
#define SIOCGIFDSTADDR 0x8917
#define SIOCGIFBRDADDR 0x8919
#define SIOCGIFNETMASK 0x891b
#define SIOCGIFMETRIC  0x891d
#define SIOCGIFMTU     0x8921
#define SIOCGIFHWADDR  0x8927
#define SIOCGIFINDEX   0x8933
#define SIOCGIFTXQLEN  0x8942

#define BLKROSET      0x125d
#define BLKROGET      0x125e
#define BLKRRPART     0x125f
#define BLKGETSIZE    0x1260
#define BLKFLSBUF     0x1261
#define BLKRASET      0x1262
#define BLKRAGET      0x1263
#define BLKSSZGET     0x1268
#define BLKBSZGET     0x80081270
#define BLKGETSIZE64  0x80081272
#define BLKIOMIN      0x1278
#define BLKIOOPT      0x1279
#define BLKPBSZGET    0x127b
