"""Disks that fail, by QEMU's blkdebug: an errno, and a volume that is sound or says what it is.

On the host `tests/host/test_faults.c` does the same with every request of a longer workload; here
the errors come through virtio.
"""
import os
import re

from lib import MIB, cases, check, debugfs, equal, fsck, host, new_image, run, scratch, tree_of

DISKS = "bcdefg"  # all that the machine has room for besides the root
BYTES = 40960

# Calls may fail; a status is wanted of umount only, and of the dd that ends with an fsync.
USE = f"""
dmesg -c | grep "vd[{DISKS}]: I/O"
for disk in {' '.join(DISKS)}; do
	if mount -t ext2 /dev/vd$disk /mnt; then
		ls -lR /mnt; cat /mnt/many/* /mnt/indirect
		mkdir /mnt/d; cp /bin/seq /mnt/d/file; ln /mnt/d/file /mnt/link
		dd if=/dev/zero of=/mnt/saved bs=4k count={BYTES >> 12} conv=fsync &&
			echo $disk saved >&3
		ln -s {'y' * 200} /mnt/d/slow; mv /mnt/d /mnt/many/moved
		truncate -s 5000 /mnt/indirect
		sync; echo 3 > /proc/sys/vm/drop_caches
		ls -lR /mnt; cat /mnt/link; rm -r /mnt/many; echo more >> /mnt/indirect
		umount /mnt || exit 7
	fi
	dmesg -c | grep "vd$disk: " >&3
done 3>&1 > /dev/null 2>&1
true
"""


def rules(event, number, stays):
    """A file that has blkdebug fail the n-th request of a kind, or that and all that follow."""
    path = os.path.join(scratch(), f"{event}-{number}")
    once = "off" if stays else "on"
    lines = [f'[inject-error]\nevent = "{event}_aio"\niotype = "{event}"\nstate = "{number}"\n'
             f'errno = "5"\nonce = "{once}"']
    lines += [f'[set-state]\nevent = "{event}_aio"\nstate = "{n}"\nnew_state = "{n + 1}"'
              for n in range(1, number)]
    with open(path, "w", encoding="ascii") as file:
        print("\n".join(lines), file=file)
    return path


def volume(name, journal):
    tree = tree_of({"indirect": b"x" * 90000,
                    **{f"many/{n:040}": f"{n}\n" for n in range(40)}}, name)
    return new_image(name + ".img", size=4 * MIB, tree=tree,
                     options=["-b", "1024", "-N", "128", *(["-j"] if journal else [])])


def judge(image, journal, said, promised):
    """What the journal has must do; a volume without one may be mended if it knows that it must."""
    if journal:
        host(["e2fsck", "-E", "journal_only", "-y", image], ok=(0, 1))
    elif said and not re.search("state: +clean$", host(["dumpe2fs", "-h", image]), re.M):
        host(["e2fsck", "-fy", image], ok=(0, 1))
    fsck(image)
    if journal and promised:
        equal(len(debugfs(image, "cat saved").split("\n", 1)[1]), BYTES, "what fsync had promised")


@cases(*({"event": event, "journal": journal, "stays": stays}
         for event in ("read", "write") for journal in (True, False) for stays in (False, True)),
       full=True)
def test_requests(event, journal, stays):
    """Each of the first requests fails, alone or with all that follow."""
    numbers = list(range(1, 25, 4 if stays else 1))
    met = 0
    for first in range(0, len(numbers), len(DISKS)):
        images = [volume(f"{number}", journal) for number in numbers[first:first + len(DISKS)]]
        disks = [f"blkdebug:{rules(event, number, stays)}:{image}"
                 for number, image in zip(numbers[first:], images)]
        text = run(USE, disks=disks, status=0, timeout=120).text
        for disk, image in zip(DISKS, images):
            said = len(re.findall(f"vd{disk}: .*read-only from now on", text))
            check(said <= 1, f"vd{disk} says {said} times that it is read-only")
            met += f"vd{disk}: I/O error" in text
            judge(image, journal, said, f"{disk} saved" in text)
    check(met > len(numbers) * 3 // 4, f"{met} of {len(numbers)} volumes met an error")
