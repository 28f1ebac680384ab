/*
 * procfs: the kernel's state as files, in Linux's formats.
 */
#pragma once

void procfs_register(void);
