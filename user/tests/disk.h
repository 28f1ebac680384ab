/*
 * The scratch volume, /dev/vdb: ext2 of 2 MiB with blocks of 1 KiB and no journal.
 */
#pragma once

/* On the directory m, which is made; skips without the volume. flags: mount(2)'s. */
void scratch_mount(unsigned long flags);
void scratch_unmount(void);
