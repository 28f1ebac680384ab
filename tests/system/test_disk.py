"""Disks: their order, their partitions, and what is on them afterwards."""
import os

from lib import MIB, ROOTS, Machine, cases, check, copy_of_root, debugfs, equal, fsck, host, \
    new_image, run, scratch, tree_of


def test_order():
    """vda, vdb, vdc are the disks in the order in which they were given."""
    disks = [new_image("one.img", tree=tree_of({"name": "one\n"}, "t1")),
             new_image("two.img", size=24 * MIB, tree=tree_of({"name": "two\n"}, "t2"))]
    result = run("mkdir -p /mnt/b /mnt/c && mount -t ext2 /dev/vdb /mnt/b && "
                 "mount -t ext2 /dev/vdc /mnt/c && cat /mnt/b/name /mnt/c/name && "
                 "echo new > /mnt/c/new && umount /mnt/b && umount /mnt/c",
                 disks=disks, status=0)
    equal(result.text, "one\ntwo\n", "names")
    for disk in disks:
        fsck(disk)
    equal(debugfs(disks[1], "cat /new").splitlines()[-1], "new", "the file on the second disk")


def partitioned(label, system):
    """A disk with two partitions, each with a file that names it."""
    path = os.path.join(scratch(), f"{label}.img")
    with open(path, "wb") as disk:
        disk.truncate(40 * MIB)
    script = f"label: {label}\nstart=2048, size=16MiB, type={system}\nsize=16MiB, type={system}\n"
    host(["sfdisk", "-q", path], text=script)
    for number, start in ((1, 1), (2, 17)):
        part = new_image(f"part{number}", tree=tree_of({"name": f"{label}{number}\n"},
                                                        f"{label}{number}"))
        host(["dd", f"if={part}", f"of={path}", "bs=1M", f"seek={start}", "conv=notrunc"])
    return path


@cases({"label": "gpt", "system": "L"}, {"label": "dos", "system": "83"})
def test_partitions(label, system):
    """GPT and MBR partitions are devices of their own."""
    disk = partitioned(label, system)
    result = run("mkdir -p /mnt/1 /mnt/2 && mount -t ext2 /dev/vdb1 /mnt/1 && "
                 "mount -t ext2 /dev/vdb2 /mnt/2 && cat /mnt/1/name /mnt/2/name && "
                 "echo x > /mnt/2/x && umount /mnt/2", disks=[disk], status=0)
    equal(result.text, f"{label}1\n{label}2\n", "names")
    part = os.path.join(scratch(), "second")
    host(["dd", f"if={disk}", f"of={part}", "bs=1M", "skip=17", "count=16"])
    fsck(part)
    equal(debugfs(part, "cat /x").splitlines()[-1], "x", "the file on the second partition")


def test_loop_partitions():
    """losetup -P: a loop device's partitions are there, mounted, until the last is unmounted."""
    disk = partitioned("gpt", "L")
    result = run("mkdir -p /mnt/1 /mnt/2; dev=$(losetup -P -f -S /dev/vdb) || exit 1; "
                 "mount ${dev}p1 /mnt/1 && mount ${dev}p2 /mnt/2 && cat /mnt/1/name /mnt/2/name && "
                 "umount /mnt/2 && losetup -d $dev && cat /mnt/1/name && echo ${dev}* && "
                 "umount /mnt/1 && echo ${dev}* && losetup -a | wc -l", disks=[disk], status=0)
    equal(result.text, "gpt1\ngpt2\ngpt1\n/dev/loop0 /dev/loop0p1 /dev/loop0p2\n/dev/loop0\n0\n",
          "what was seen")


def test_root_on_a_partition():
    """root= may name a partition."""
    root = copy_of_root()
    path = os.path.join(scratch(), "disk.img")
    size = os.path.getsize(root) // MIB
    with open(path, "wb") as disk:
        disk.truncate((size + 2) * MIB)
    host(["sfdisk", "-q", path], text=f"label: gpt\nstart=2048, size={size}MiB, type=L\n")
    host(["dd", f"if={root}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse"])
    equal(run("cat /etc/group | head -n 1", root=path, append="root=/dev/vda1", status=0).text,
          "root:x:0:\n", "a file")


@cases({"damage": "header"}, {"damage": "entries"}, {"damage": "both"})
def test_damaged_gpt(damage):
    """A table with a wrong checksum is not believed: the second one is used, or none."""
    disk = partitioned("gpt", "L")
    with open(disk, "r+b") as file:
        if damage != "entries":
            file.seek(512 + 24)
            file.write(b"\xff" * 16)
        if damage == "entries":
            file.seek(1024 + 32)
            file.write(b"\xff" * 16)
        if damage == "both":
            file.seek(-512 + 24, os.SEEK_END)
            file.write(b"\xff" * 16)
    result = run("mkdir -p /mnt/1; mount -t ext2 /dev/vdb1 /mnt/1 2>/dev/null && cat /mnt/1/name",
                 disks=[disk], timeout=60)
    if damage == "both":
        check(0 < result.status < 124, f"status {result.status}: a damaged table was used")
    else:
        equal((result.status, result.text), (0, "gpt1\n"), "the second table")


@cases({"block": 1024}, {"block": 2048}, {"block": 4096})
def test_block_sizes(block):
    """Every block size that mke2fs makes here."""
    disk = new_image("disk.img", options=["-b", str(block)], tree=tree_of({"f": "x" * 5000}))
    result = run("mount -t ext2 /dev/vdb /mnt && wc -c < /mnt/f && mkdir /mnt/d && "
                 "cp /mnt/f /mnt/d/g && cat /bin/sh > /mnt/sh && cmp /bin/sh /mnt/sh && "
                 "umount /mnt", disks=[disk], status=0)
    equal(result.text.strip(), "5000", "size")
    fsck(disk)


def test_foreign_file_system():
    """What is not ext2 is refused with an error, not a panic."""
    path = os.path.join(scratch(), "noise.img")
    with open(path, "wb") as disk:
        disk.write(os.urandom(4 * MIB))
    result = run("mount -t ext2 /dev/vdb /mnt", disks=[path], timeout=60)
    check(0 < result.status < 124, f"status {result.status}")


def test_unknown_feature():
    """An image with an incompatible feature is refused."""
    disk = new_image("ext4.img")
    host(["debugfs", "-w", "-R", "feature +inline_data", disk])
    result = run("mount -t ext2 /dev/vdb /mnt", disks=[disk], timeout=60)
    check(0 < result.status < 124, f"status {result.status}")


def test_full_disk():
    """A full disk is ENOSPC, and a clean one afterwards."""
    disk = new_image("small.img", size=MIB)
    result = run("mount -t ext2 /dev/vdb /mnt && dd if=/dev/zero of=/mnt/f bs=4096 count=1000; "
                 "s=$?; rm /mnt/f; echo again > /mnt/g || exit 9; umount /mnt; exit $s",
                 disks=[disk], timeout=60)
    check(0 < result.status < 9, f"status {result.status}")
    fsck(disk)


@cases(*ROOTS)
def test_clean_after_work(journal):
    """Much work by several processes at once leaves a clean image and the right files."""
    image = copy_of_root(journal=journal)
    line = ("mkdir -p /w; for p in 1 2 3 4; do (mkdir /w/$p; i=0; while [ $i -lt 40 ]; do "
            "echo $p.$i > /w/$p/f$i; [ $((i % 3)) = 0 ] && rm /w/$p/f$i; "
            "[ $((i % 3)) = 1 ] && mv /w/$p/f$i /w/$p/g$i; i=$((i+1)); done) & done; wait; "
            "ls /w/1 | wc -l")
    equal(run(line, root=image, smp=4, status=0, timeout=120).text.strip(), "26", "files")
    fsck(image)
    equal(debugfs(image, "cat /w/3/g37").splitlines()[-1], "3.37", "a file")


@cases(*ROOTS)
def test_reboot_keeps(journal):
    """What was written before `poweroff` is there, and clean."""
    image = copy_of_root(journal=journal)
    run("echo saved > /root/saved; poweroff; sleep 60", root=image, timeout=60)
    fsck(image)
    equal(debugfs(image, "cat /root/saved").splitlines()[-1], "saved", "the file")


@cases(*ROOTS)
def test_killed(journal):
    """What was synced outlives a machine that ends at once; with a journal nothing is to mend."""
    image = copy_of_root(journal=journal)
    with Machine(disks=[image]) as machine:
        machine.prompt()
        equal(machine.command("mkdir /w && echo 1 > /w/1 && echo 2 > /w/2 && sync && rm /w/2 && "
                              "echo 3 > /w/3")[0], 0, "status")
    equal("needs_recovery" in host(["dumpe2fs", "-h", image]), journal, "needs_recovery")
    if not journal:
        host(["e2fsck", "-fy", image], ok=(0, 1))
    equal(run("cat /w/1", root=image, status=0).text, "1\n", "what was synced")
    fsck(image)


def test_many_requests():
    """The disk under eight readers at once gives each its own data."""
    tree = tree_of({f"data/{n}": bytes([n]) * (1 << 20) for n in range(8)})
    line = ("for n in 0 1 2 3 4 5 6 7; do cksum /data/$n > /tmp/sum$n & done; wait; "
            "cat /tmp/sum0 /tmp/sum1 /tmp/sum2 /tmp/sum3 /tmp/sum4 /tmp/sum5 /tmp/sum6 /tmp/sum7")
    found = run(line, extra=tree, smp=4, status=0).text.split("\n")
    wanted = host(["sh", "-c", f"cd {tree} && cksum data/*"]).split("\n")
    equal([line.split()[:2] for line in found], [line.split()[:2] for line in wanted], "checksums")


def test_bad_sectors():
    """A sector that cannot be read is the error of who asked for it, not of its neighbours."""
    disk = os.path.join(scratch(), "bad.img")
    with open(disk, "wb") as file:
        file.write(bytes(range(256)) * (16 * MIB // 256))
    result = run("dd if=/dev/vdb of=/tmp/before bs=4k count=10 2>/dev/null; echo $?; "
                 "dd if=/dev/vdb of=/dev/null bs=64k 2>/dev/null; echo $?; "
                 "dd if=/dev/vdb of=/tmp/after bs=4k skip=12 count=10 2>/dev/null; echo $?; "
                 "wc -c < /tmp/before; cmp /tmp/before /tmp/after && echo same",
                 disks=[disk], debug=True, append="blk.bad=vdb:80-95", status=0)
    equal(result.text.split(), ["0", "1", "0", "40960", "same"], "statuses")
    check("vdb" in result.log, "the disk is not named in the log")


def test_disks_on_every_hart():
    """Six disks, whose interrupts go to different harts, are read at once."""
    disks = []
    for name in "bcdefg":
        disks.append(os.path.join(scratch(), f"{name}.img"))
        with open(disks[-1], "wb") as file:
            file.write(name.encode() * (4 * MIB))
    result = run("for i in b c d e f g; do "
                 "dd if=/dev/vd$i bs=64k 2>/dev/null | tail -c 3 > /tmp/$i & done; wait; "
                 "cat /tmp/b /tmp/c /tmp/d /tmp/e /tmp/f /tmp/g",
                 disks=disks, smp=4, status=0)
    equal(result.text, "bbbcccdddeeefffggg", "ends of the disks")


@cases({"block": 1024}, {"block": 4096})
def test_short_read(block):
    """A read that meets an error on its way gives what lies before; through a loop device too."""
    tree = tree_of({"other": "file\n"}, "holes")
    with open(os.path.join(tree, "f"), "wb") as file:
        file.seek(16 << 10)
        file.write(b"x" * (48 << 10))
    disk = new_image("bad.img", tree=tree, options=["-b", str(block)])
    bad = int(debugfs(disk, f"bmap /f {(32 << 10) // block}").split()[-1]) * block // 512
    result = run("mount -t ext2 /dev/vdb /mnt || exit 9; dd if=/mnt/f of=/tmp/got bs=64k "
                 "2>/dev/null; echo $?; wc -c < /tmp/got; dd if=/mnt/f bs=16k count=1 skip=1 "
                 "2>/dev/null | wc -c; dev=$(losetup -f -S -r /mnt/f); dd if=$dev of=/tmp/loop "
                 "bs=64k 2>/dev/null; echo $?; cmp /tmp/got /tmp/loop && echo same",
                 disks=[disk], debug=True, append=f"blk.bad=vdb:{bad}-{bad + 1}", status=0)
    equal(result.text.split(), ["1", "32768", "16384", "1", "same"], "statuses and sizes")
