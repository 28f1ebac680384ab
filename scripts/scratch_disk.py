"""Disks for usertests and bench: volumes, the small one that group disk may fill up, swap areas."""
import os
import subprocess


def tool_find(name):
    """Tools for disks are where not everybody's PATH leads."""
    places = [os.path.join(place, name) for place in ("/sbin", "/usr/sbin", "/usr/bin")]
    return next((path for path in places if os.path.exists(path)), name)


def disk_make(path, mib, folder=None, options=()):
    """An ext2 volume of so many MiB, with the files of the folder; further options of mke2fs."""
    with open(path, "wb") as disk:
        disk.truncate(mib << 20)
    subprocess.run([tool_find("mke2fs"), "-q", "-t", "ext2", "-F", *options] +
                   (["-d", folder] if folder else []) + [path], check=True)


def scratch_make(folder):
    """The volume that the tests of the group disk fill up: its marker says that they may."""
    marked = os.path.join(folder, "marked")
    os.mkdir(marked)
    with open(os.path.join(marked, "ut-scratch"), "w", encoding="ascii") as file:
        file.write("usertests may do with this volume what it likes\n")
    path = os.path.join(folder, "scratch.img")
    disk_make(path, 2, marked)
    return path


def bench_disks(folder):
    """
    The arguments of run for bench's disks, and the command that mounts them and starts it.  While
    anybody waits for the disk the counted clock jumps: so nothing is written back because time has
    passed, and the journal is so large that no sample fills it.
    """
    disks = []
    for name, options in (("journal", ["-j", "-J", "size=64"]), ("plain", [])):
        path = os.path.join(folder, name + ".img")
        disk_make(path, 256, options=["-b", "4096", *options])
        disks += ["--disk", path]
    return disks, ("mkdir /journal /plain && mount -t ext2 /dev/vdb /journal && "
                   "mount -t ext2 /dev/vdc /plain && "
                   "echo 0 >/proc/sys/vm/dirty_writeback_centisecs && "
                   "exec bench -d /journal -n /plain ")


def swap_make(path, mib, label):
    """A swap area of so many MiB."""
    with open(path, "wb") as disk:
        disk.truncate(mib << 20)
    subprocess.run([tool_find("mkswap"), "-q", "-L", label, path], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path
