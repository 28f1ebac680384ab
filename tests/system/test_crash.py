"""Crashes: what QEMU's blklogwrites recorded of a workload, cut off anywhere, is recovered."""
import os
import random
import shutil
import struct
import subprocess

from lib import (MIB, OUT, SCRIPTS, TOP, cases, check, debugfs, equal, fsck, full_only, host,
                 new_image, run, scratch)

VOLUME = 4 * MIB
MARK = VOLUME  # where crashload notes its promises, behind the volume
DISK = VOLUME + (64 << 10)
HOST_POINTS = 60
GUEST_POINTS = 20
FLUSH, FUA = 1, 2
JBD2_MAGIC, DESCRIPTOR, REVOKE = 0xc03b3998, 1, 5
CRASHLOAD = os.path.join(OUT, "user", "crash", "crashload")
REMOUNT = os.path.join(OUT, "host", "remount")


# --- the log: dm-log-writes' format, as QEMU writes it ------------------------------------------

def log_read(path):
    """[(flags, offset, data)] in order; a flush has no data."""
    with open(path, "rb") as file:
        log = file.read()
    magic, version, count, sector = struct.unpack_from("<QQQI", log)
    equal((magic, version), (0x6a736677736872, 1), "head of the log")
    events, at = [], sector
    for _ in range(count):
        start, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        at += sector
        events.append((flags, start * sector, log[at:at + sectors * sector]))
        at += sectors * sector
    return events


def promise_read(data):
    """What crashload noted: the version of "saved"; how many bytes of which value "fill" has."""
    words = data.split(b"\n")[0].split()
    return int(words[1]), int(words[3]), int(words[4])


def fills(events):
    """Where "fill" was promised: how many events there are by then."""
    return [number + 1 for number, (_, offset, data) in enumerate(events)
            if offset == MARK and data and promise_read(data)[1]]


def crash(before, events, count, rng):
    """
    The volume as a crash behind `count` events may leave it, and what was promised by then: all
    that was flushed, and of the rest all, nothing, or a part, the last sectors of some missing.
    """
    image, promised, flushed = bytearray(before), (0, 0, 0), 0
    for number, (flags, offset, data) in enumerate(events[:count]):
        if flags & FLUSH:
            flushed = number
        if offset == MARK and data:
            promised = promise_read(data)
    kind = rng.choice(("all", "none", "some"))
    for number, (flags, offset, data) in enumerate(events[:count]):
        if number > flushed and not flags & FUA:
            if kind == "none" or (kind == "some" and rng.random() < 0.5):
                continue
            if kind == "some" and rng.random() < 0.25:
                data = data[:rng.randrange(len(data) // 512 + 1) * 512]
        image[offset:offset + len(data)] = data
    return bytes(image[:VOLUME]), promised


# --- recording ----------------------------------------------------------------------------------

def logged_disk(image, log):
    """QEMU's words for a disk whose writes are logged."""
    return (f"-blockdev driver=file,node-name=f9,filename={image} "
            f"-blockdev driver=file,node-name=l9,filename={log} "
            "-blockdev driver=blklogwrites,node-name=b9,file=f9,log=l9 "
            "-device virtio-blk-device,drive=b9")


def linux(commands, disks, qemuflags=""):
    line = [os.path.join(SCRIPTS, "linux-judge"), "--dir", os.path.join(OUT, "linux"),
            "--timeout", "300", "--add", CRASHLOAD, f"--qemuflags={qemuflags}"]
    for disk in disks:
        line += ["--disk", disk]
    for command in commands:
        line += ["--", *command.split()]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=TOP,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=400)
    check(done.returncode == 0, f"Linux: {done.stdout[-2000:]}")


def record(system):
    """(volume before, events) of the workload on that system."""
    image = new_image("work.img", VOLUME, options=("-j", "-J", "size=1", "-b", "1024",
                                                   "-N", "128"))
    with open(image, "r+b") as file:
        before = file.read()
        file.truncate(DISK)
    log = os.path.join(scratch(), "log")
    with open(log, "wb") as file:
        file.truncate(64 * MIB)
    flags = logged_disk(image, log)
    words = f"work /dev/vdb %s 700 17 {MARK}"
    if system == "xv39":
        run(f"/bin/crashload {words % 'ext2'}", extra=extra(), qemuflags=flags, status=0)
    else:
        linux([f"/bin/crashload {words % 'ext3'}"], [new_image("none.img", MIB)], flags)
    return before, log_read(log)


def extra():
    folder = os.path.join(scratch(), "extra")
    if not os.path.isdir(folder):
        os.makedirs(os.path.join(folder, "bin"))
        shutil.copy(CRASHLOAD, os.path.join(folder, "bin"))
    return folder


def journal_check(events):
    """The workload is worth it: blocks are revoked, and the log begins anew again and again."""
    kinds = {DESCRIPTOR: [], REVOKE: []}
    for _, offset, data in events:
        for at in range(0, len(data), 1024):
            magic, kind = struct.unpack_from(">II", data, at) if data[at:] else (0, 0)
            if magic == JBD2_MAGIC and kind in kinds:
                kinds[kind].append(offset + at)
    starts = kinds[DESCRIPTOR]
    wraps = sum(b < a for a, b in zip(starts, starts[1:]))
    check(len(kinds[REVOKE]) > 5 and wraps > 1,
          f"{len(starts)} descriptors, {len(kinds[REVOKE])} revoke blocks, {wraps} wraps")


# --- judging ------------------------------------------------------------------------------------

def put(name, data):
    path = os.path.join(scratch(), name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def file_of(image, name):
    """The contents of a file of the volume; empty if there is none."""
    out = os.path.join(scratch(), name)
    if os.path.exists(out):
        os.remove(out)
    debugfs(image, f"dump {name} {out}")
    if not os.path.exists(out):
        return b""
    with open(out, "rb") as file:
        return file.read()


def promises_check(image, promised):
    """What fsync had promised is there: see promise_read."""
    version, filled, value = promised
    if filled:
        data = file_of(image, "fill")
        equal(len(data), filled, "size of what filled the volume")
        check(not data.strip(bytes([value])), "a revoked block is back in what filled the volume")
    saved_check(image, version)


def saved_check(image, promised):
    """The saved file is whole, and no older than what fsync had promised."""
    data = file_of(image, "saved")
    if not data and not promised:
        return
    version, rest = divmod(len(data) - 2000, 37)
    check(rest == 0 and version >= promised > -1, f"{len(data)} bytes, promised {promised}")
    equal(data, bytes((version * 7 + n) & 255 for n in range(len(data))), "saved")


def tree(image):
    """All that a volume holds: path -> mode and contents. Times differ where orphans were cut."""
    folder = image + ".tree"
    os.mkdir(folder)
    debugfs(image, f"rdump / {folder}")
    found = {}
    for where, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(where, name)
            info = os.lstat(path)
            data = os.readlink(path) if os.path.islink(path) else b""
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    data = file.read()
            found[os.path.relpath(path, folder)] = (oct(info.st_mode), data)
    shutil.rmtree(folder)
    return found


def same(found, wanted, what):
    names = [name for name in sorted(found.keys() | wanted.keys())
             if found.get(name) != wanted.get(name)]
    check(not names, f"{what}: {names} differ")


def by_e2fsck(image):
    host(["e2fsck", "-fy", image], ok=(0, 1))
    fsck(image)


def in_guest(system, images):
    """The images, each mounted once by that kernel: names of files with the results."""
    folder = os.path.join(scratch(), "images." + system)
    os.mkdir(folder)
    for number, data in enumerate(images):
        put(os.path.join("images." + system, f"image{number}"), data)
    disk = new_image(system + ".img", (len(images) + 4) * (VOLUME + MIB), folder)
    if system == "xv39":
        run("mount -t ext2 /dev/vdb /mnt && /bin/crashload replay ext2 /mnt && umount /mnt",
            extra=extra(), disks=[disk], timeout=300, status=0)
    else:
        linux(["/bin/crashload replay ext3 /mnt"], [disk])
    names = []
    for number in range(len(images)):
        names.append(os.path.join(folder, f"image{number}"))
        debugfs(disk, f"dump image{number} {names[-1]}")
    return names


@full_only
@cases({"system": "xv39"}, {"system": "linux"})
def test_points(system):
    """A workload of either system, stopped anywhere, is recovered by all: to the same files."""
    before, events = record(system)
    journal_check(events)
    rng = random.Random(5)
    counts = fills(events)
    check(len(counts) > 3, f"the volume was filled {len(counts)} times")
    counts += [rng.randrange(1, len(events) + 1) for _ in range(HOST_POINTS)]
    points = [crash(before, events, count, rng) for count in counts]
    for image, promised in points:
        by_e2fsck(put("theirs", image))
        ours = put("ours", image)
        host([REMOUNT, ours])
        fsck(ours)
        promises_check(ours, promised)
    images = [image for image, _ in points[:GUEST_POINTS]]
    for image, ours, linux_made in zip(images, in_guest("xv39", images), in_guest("linux", images)):
        theirs = put("theirs", image)
        by_e2fsck(theirs)
        fsck(ours)
        fsck(linux_made)
        wanted = tree(theirs)
        same(tree(ours), wanted, "what we recover")
        same(tree(linux_made), wanted, "what Linux recovers")
