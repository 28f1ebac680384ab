/* /m/saved: versions of a file that replace each other in the way in which editors save. */
#pragma once

/*
 * Write version: a new file, synced, takes the name of the old one, and the directory is synced. 0:
 * from now on no older version may be found; -errno: that of the first call that failed.
 */
long saved_write(unsigned version);

/* Fails unless the file is whole and of version promised or later; 0: it need not be there. */
void saved_check(unsigned promised);
