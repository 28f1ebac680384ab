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
