"""Volumes for usertests: a plain one, and the small one that its group disk may fill up."""
import os
import subprocess


def disk_make(path, mib, folder=None):
    """An ext2 volume of so many MiB, with the files of the folder."""
    with open(path, "wb") as disk:
        disk.truncate(mib << 20)
    mke2fs = [os.path.join(place, "mke2fs") for place in ("/sbin", "/usr/sbin", "/usr/bin")]
    tool = next((name for name in mke2fs if os.path.exists(name)), "mke2fs")
    subprocess.run([tool, "-q", "-t", "ext2", "-F"] + (["-d", folder] if folder else []) + [path],
                   check=True)


def scratch_make(folder):
    """The volume that the tests of the group disk fill up: its marker says that they may."""
    marked = os.path.join(folder, "marked")
    os.mkdir(marked)
    with open(os.path.join(marked, "ut-scratch"), "w", encoding="ascii") as file:
        file.write("usertests may do with this volume what it likes\n")
    path = os.path.join(folder, "scratch.img")
    disk_make(path, 2, marked)
    return path
