"""Volumes as others make them: what ext2, ext3 and ext4 may have, read and changed by us."""
import os
import re

from lib import MIB, ROOTS, Machine, cases, check, debugfs, equal, fsck, host, new_image, \
    root_image, run, scratch, tree_of

HASHES = ("legacy", "half_md4", "tea")


def script(image, *commands):
    """debugfs commands that change the image."""
    path = os.path.join(scratch(), "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(commands) + "\n")
    host(["debugfs", "-w", "-f", path, image])


def flags_of(image, path):
    """The inode's flag word, as debugfs shows it."""
    return int(re.search(r"Flags: 0x([0-9a-f]+)", debugfs(image, f"stat {path}")).group(1), 16)


def names_for_index():
    """Names of all lengths; some with bytes above 127, where the signedness of char matters."""
    for n in range(260):
        yield f"{n}" + "-part-of-a-long-name" * (n % 11) + "é" * (n % 3)


def indexed_image(hash_name, unsigned):
    """A volume whose directory /d e2fsck has indexed by that hash."""
    sign = "unsigned" if unsigned else "signed"
    name = f"{hash_name}-{sign}"
    tree = tree_of({f"d/{entry}": f"{n}\n" for n, entry in enumerate(names_for_index())}, name)
    image = new_image(name + ".img", size=4 * MIB, tree=tree, options=["-b", "1024", "-N", "512"])
    script(image, f"ssv flags {2 if unsigned else 1}", f"ssv def_hash_version {hash_name}")
    host(["e2fsck", "-fyD", image], ok=(0, 1))
    check(flags_of(image, "/d") & 0x1000, f"{name}: e2fsck made no index")
    return image


def test_directory_index():
    """Names are found by each hash; adding and removing leaves an index that is right, or none."""
    disks = [indexed_image(name, unsigned) for name in HASHES for unsigned in (False, True)]
    names = list(names_for_index())
    line = ("n=0; for x in b c d e f g; do mkdir /mnt/$x; "
            "mount -t ext2 /dev/vd$x /mnt/$x || exit 2; cd /mnt/$x/d; ls | xargs cat | wc -l; "
            "ls | xargs cat | sort -n | tail -n 1; "
            "cat missing 2>/dev/null && exit 3; "
            "rm 7-* && mv 8-* renamed && echo new > short; cat renamed short || exit 4; "
            "cd /; umount /mnt/$x || exit 5; done")
    result = run(line, disks=disks, status=0)
    equal(result.text.split(), [str(len(names)), str(len(names) - 1), "8", "new"] * len(disks),
          "contents")
    for disk in disks:
        fsck(disk)
    kept = [flags_of(disk, "/d") & 0x1000 for disk in disks]
    check(any(kept), "each index was given up for two names")


def test_many_names_in_an_index():
    """A directory that grows beyond its index stays right, for us and for e2fsck."""
    disk = indexed_image("half_md4", False)
    line = ("mount -t ext2 /dev/vdb /mnt; cd /mnt/d; n=0; "
            "while [ $n -lt 150 ]; do echo $n > added-$n; n=$((n+1)); done; "
            "cat added-* | wc -l; ls | wc -l; cd /; umount /mnt")
    equal(run(line, disks=[disk], status=0).text.split(), ["150", "410"], "counts")
    fsck(disk)


def test_flags_of_files():
    """Flags set by others are honoured, those set here are what debugfs and e2fsck see."""
    tree = tree_of({name: "old\n" for name in ("fixed", "log", "free", "own", "d/f")}, "flags")
    image = new_image("flags.img", tree=tree, options=["-j", "-J", "size=1"])
    script(image, "sif fixed flags 0x10", "sif log flags 0x20", "sif d flags 0x90")
    line = ("mount -t ext2 /dev/vdb /mnt; cd /mnt; "
            "for c in 'echo x >fixed' 'echo x >>fixed' 'rm fixed' 'mv fixed x' 'echo x >log' "
            "'rm log' 'touch d/new' 'rm d/f' 'mkdir d/dir'; "
            "do sh -c \"$c\" 2>/dev/null && echo \"done: $c\"; done; "
            "echo new >>log && echo new >d/f && chattr +i own && chattr +adA free && "
            "chattr -i d && mkdir d/dir && lsattr -d own free d d/dir && cat fixed log own d/f; "
            "cd /; umount /mnt")
    dots = {"own": "----i-----------------", "free": "-----adA--------------",
            "d": "-------A--------------", "d/dir": "-------A--------------"}
    equal(run(line, disks=[image], status=0).text.splitlines(),
          [f"{dots[name]} {name}" for name in dots] + ["old", "old", "new", "old", "new"], "files")
    fsck(image)
    for path, flags in (("fixed", 0x10), ("log", 0x20), ("own", 0x10), ("free", 0xe0),
                        ("d", 0x80), ("d/dir", 0x80)):
        equal(flags_of(image, path), flags, f"flags of {path}")


def ext4_image(tree):
    """What Debian's mke2fs makes; with a file of so many extents that they need a tree."""
    holes = os.path.join(tree, "holes")
    with open(holes, "wb") as file:
        for n in range(0, 1400, 2):
            file.seek(n * 4096)
            file.write(bytes([n % 251 + 1]) * 4096)
        file.truncate(6 << 30)
    image = os.path.join(scratch(), "ext4.img")
    with open(image, "wb") as file:
        file.truncate(64 * MIB)
    host(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "64bit,metadata_csum", "-d", tree, image])
    depth = re.findall(r"^ *(\d+)/ *(\d+)", debugfs(image, "extents /holes"), re.M)
    check(depth and int(depth[-1][1]) >= 1, "the file needs no tree of extents")
    return image


def test_ext4_read_only():
    """A stock ext4 volume can be looked at, and not changed."""
    tree = tree_of({"a/b/c": "deep\n", "big": os.urandom(3 * MIB), "text": "x" * 100000,
                    **{f"many/{n}": f"{n}\n" for n in range(300)}})
    os.symlink("text", os.path.join(tree, "fast"))
    os.symlink("a/" * 60 + "text", os.path.join(tree, "slow"))
    disk = ext4_image(tree)
    before = host(["cksum", disk])
    line = ("mount -t ext4 /dev/vdb /mnt || exit 2; cd /mnt; cksum big text fast; "
            "head -c 6000000 holes | cksum; stat -c %s holes; readlink slow | wc -c; cat a/b/c; "
            "cat many/* | wc -l; (echo x > new) 2>/dev/null; echo $?; cd /; "
            "mount -o remount,rw /mnt 2>/dev/null; echo $?; "
            "grep -c '/mnt ext. ro' /proc/mounts; umount /mnt; echo LOG; dmesg")
    result = run(line, disks=[disk], status=0)
    wanted = host(["sh", "-c", f"cd {tree} && cksum big text fast && head -c 6000000 holes | cksum "
                               "&& stat -c %s holes && readlink slow | wc -c"])
    found, log = result.text.split("LOG", 1)
    equal(found.split(), wanted.split() + ["deep", "300", "1", "32", "1"], "what was read")
    equal(host(["cksum", disk]), before, "the image")
    for word in ("extent", "64bit", "flex_bg", "metadata_csum"):
        check(word in log, f"the log does not name {word}")


def extents_of(image, path):
    """As debugfs shows the leaves of the file's tree: first byte, place, length, flags."""
    rows = re.findall(r"^ *(\d+)/ *(\d+) +\d+/ *\d+ +(\d+) - +\d+ +(\d+) - +\d+ +(\d+)"
                      "( Uninit)?", debugfs(image, f"extents {path}"), re.M)
    leaves = [(*(1024 * int(n) for n in row[2:5]), 0x800 if row[5] else 0)
              for row in rows if row[0] == row[1]]
    leaves[-1] = (*leaves[-1][:3], leaves[-1][3] | 1)
    return leaves


def test_fiemap():
    """Where files with extents lie, what is not written yet too, is what debugfs says."""
    disk = ext4_image(tree_of({"text": "x" * 100000}))
    script(disk, "fallocate /text 100 163")
    line = "mount -r -t ext4 /dev/vdb /mnt && for f in text holes; do " \
           "usertests --helper fiemap /mnt/$f; echo $?; done"
    result = run(line, disks=[disk], status=0)
    wanted = []
    for name in ("text", "holes"):
        wanted += [" ".join([*map(str, e[:3]), f"{e[3]:#x}" if e[3] else "0"])
                   for e in extents_of(disk, name)] + ["0"]
    check(any("0x80" in row for row in wanted), "nothing is unwritten")
    found = result.text.splitlines()
    wrong = [pair for pair in zip(found, wanted) if pair[0] != pair[1]]
    check(len(found) == len(wanted) and not wrong, wrong[:4])


def test_damaged_extents():
    """Extent trees that make no sense are an error for their file, never a loop."""
    tree = tree_of({"good": "good\n"})
    for n in range(6):
        with open(os.path.join(tree, f"bad{n}"), "wb") as file:
            file.write(b"x" * 10000)
    disk = ext4_image(tree)
    # Depth, magic, entries, start, length, and a leaf that is its own parent.
    script(disk, "sif bad0 block[1] 0x00060004", "sif bad1 block[0] 0x0001f30b",
           "sif bad2 block[0] 0x00ff0af3", "sif bad3 block[5] 0xfffffff0",
           "sif bad4 block[4] 0xffff0000", "sif bad5 block[1] 0x00010004")
    result = run("mount -t ext4 /dev/vdb /mnt; for n in 0 1 2 3 4 5; do cat /mnt/bad$n > /dev/null "
                 "2>&1; echo $?; done; cat /mnt/good", disks=[disk], status=0)
    equal(result.text.split(), ["1"] * 6 + ["good"], "statuses")


def test_refused_features():
    """What must be understood is refused by name; what only writers must know is read-only."""
    unknown, readonly = new_image("unknown.img"), new_image("ro.img", tree=tree_of({"f": "f\n"}))
    script(unknown, "feature +inline_data +encrypt")
    script(readonly, "feature +project +quota")
    result = run("mount -t ext2 /dev/vdb /mnt 2>/dev/null && exit 2; "
                 "mount -t ext2 /dev/vdc /mnt || exit 3; cat /mnt/f; "
                 "touch /mnt/g 2>/dev/null || echo refused; echo LOG; dmesg",
                 disks=[unknown, readonly], status=0)
    found, log = result.text.split("LOG", 1)
    equal(found.split(), ["f", "refused"], "the read-only volume")
    for word in ("inline_data", "encrypt", "project", "quota"):
        check(word in log, f"the log does not name {word}")


def test_bigalloc():
    """A volume whose bitmaps count clusters is read, never written; its sizes are in blocks."""
    tree = tree_of({"big": os.urandom(2 * MIB), "a/b": "deep\n"})
    disk = os.path.join(scratch(), "bigalloc.img")
    with open(disk, "wb") as file:
        file.truncate(64 * MIB)
    host(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-C", "65536", "-O", "bigalloc",
          "-d", tree, disk])
    script(disk, "feature +orphan_present")
    free = int(re.search(r"Free blocks: +(\d+)", host(["dumpe2fs", "-h", disk])).group(1))
    before = host(["cksum", disk])
    result = run("mount -t ext4 /dev/vdb /mnt || exit 2; cat /mnt/a/b; cksum < /mnt/big; "
                 f"stat -f /mnt | grep -c 'Blocks: .* Free: {free} '; "
                 "touch /mnt/new 2>/dev/null || echo refused; umount /mnt; echo LOG; dmesg",
                 disks=[disk], status=0)
    found, log = result.text.split("LOG", 1)
    wanted = host(["sh", "-c", f"cksum < {tree}/big"]).split()
    equal(found.split(), ["deep", *wanted, "1", "refused"], "what was read")
    equal(host(["cksum", disk]), before, "the image")
    for word in ("bigalloc", "orphan_present"):
        check(word in log, f"the log does not name {word}")


def unrecovered_image():
    """A volume whose journal says that the file f is new, while in its place it is old."""
    tree = tree_of({"f": "old\n"})
    disk = new_image("unrecovered.img", tree=tree, options=["-j", "-b", "1024"])
    block = re.search(r"\(0\):(\d+)", debugfs(disk, "stat f")).group(1)
    with open(os.path.join(scratch(), "block"), "wb") as file:
        file.write(b"new\n".ljust(1024, b"\0"))
    script(disk, "jo", f"jw -b {block} {scratch()}/block", "jc")
    check("needs_recovery" in host(["dumpe2fs", "-h", disk]), "the journal is empty")
    return disk


def test_noload():
    """The journal is left alone if that is asked for, and nothing written before its recovery."""
    disk = unrecovered_image()
    before = host(["cksum", disk])
    line = ("mount -t ext4 -o noload /dev/vdb /mnt 2>/dev/null && exit 2; "
            "mount -t ext4 -o ro,noload /dev/vdb /mnt && cat /mnt/f || exit 3; "
            "grep -c '/mnt ext. ro,.*,norecovery' /proc/mounts; "
            "grep -c ' ro,.*,norecovery' /proc/self/mountinfo; "
            "mount -o remount,rw /mnt 2>/dev/null && exit 4; "
            "mount -o remount,ro,bogus=1 /mnt 2>/dev/null && exit 5; "
            "mount -o remount,ro,norecovery /mnt || exit 6; umount /mnt")
    result = run(line, disks=[disk], status=0)
    equal(result.text.split(), ["old", "1", "1"], "without recovery")
    equal(host(["cksum", disk]), before, "the image")
    result = run("mount -t ext4 /dev/vdb /mnt && cat /mnt/f && "
                 "mount -o remount,ro,norecovery /mnt 2>/dev/null || umount /mnt; "
                 "mount -o noload /dev/vdb /mnt && echo x > /mnt/g && umount /mnt && echo written",
                 disks=[disk], status=0)
    equal(result.text.split(), ["new", "written"], "with recovery")
    fsck(disk)


def test_mount_options():
    """Taken is what is so; the log names what is not; the root's come from the command line."""
    disks = [new_image("plain.img"), new_image("journal.img", options=["-j"])]
    line = ("x=errors=remount-ro,user_xattr,barrier,,acl; "
            "mount -t ext2 -o $x /dev/vdb /mnt || exit 2; "
            "mount -t ext2 -o twice=1 /dev/vdb /tmp 2>/dev/null && exit 3; "
            "grep -c 'vdb /mnt ext2 rw,relatime,errors=remount-ro 0 0' /proc/mounts; umount /mnt; "
            "mount -t ext3 -o data=ordered /dev/vdc /mnt && umount /mnt || exit 4; "
            "for o in data=ordered bogus=1 errors=continue commit=5 noload=1 noacl; do "
            "mount -t ext2 -o $o /dev/vdb /mnt 2>/dev/null && exit 5; done; echo LOG; dmesg")
    found, log = run(line, disks=disks, status=0).text.split("LOG", 1)
    equal(found.split(), ["1"], "lines of /proc/mounts")
    for word in ("twice=1", "data=ordered", "bogus=1", "errors=continue", "commit=5", "noload=1",
                 "noacl"):
        equal(log.count(f"mount option not understood: {word}\n"), 1, word)
    line = "grep -c '^[^ ]* / ext2 .*,norecovery' /proc/mounts"
    equal(run(line, append="ro rootflags=noload", status=0).text.split(), ["1"], "the root's")
    with Machine(append="rootflags=bogus=2") as machine:
        machine.expect("mount option not understood: bogus=2")


def test_journal_feature():
    """A feature of the journal that is not understood is named."""
    disk = new_image("disk.img", options=["-j", "-b", "1024"])
    block = int(re.search(r"\(0\):(\d+)|\(0-\d+\):(\d+)", debugfs(disk, "stat <8>")).expand(
        r"\1\2"))
    with open(disk, "r+b") as file:
        file.seek(block * 1024 + 40)
        file.write((0x20).to_bytes(4, "big"))
    log = run("mount -r /dev/vdb /mnt; dmesg", disks=[disk], status=0).text
    check("features not understood: fast_commit" in log, "fast_commit is not named")


def old_volume(name, options):
    """A volume with one of everything that such a volume may hold."""
    tree = tree_of({"small": "small\n", "large": b"l" * 90000, "sub/deep/file": "deep\n"}, name)
    os.symlink("small", os.path.join(tree, "fast"))
    os.symlink("./" * 90 + "small", os.path.join(tree, "slow"))
    image = new_image(name + ".img", size=48 * MIB, tree=tree, options=options)
    script(image, "cd /", "mknod null c 1 3", "mknod pipe p", "mknod block b 259 300",
           "ea_set small user.short value", f"ea_set small user.long {'v' * 400}",
           f"ea_set sub user.long {'w' * 400}")
    return image


def test_everything_on_a_volume():
    """Old and new inodes, attributes, device nodes, links, files beyond 4 GiB."""
    disks = [old_volume("old", ["-b", "1024", "-I", "128", "-r", "0", "-O", "none"]),
             old_volume("two", ["-b", "2048", "-I", "128", "-O", "^resize_inode,sparse_super"]),
             old_volume("new", ["-b", "4096", "-I", "256"])]
    line = ("for x in b c d; do mount -t ext2 /dev/vd$x /mnt || exit 2; cd /mnt; "
            "cat fast slow sub/deep/file; wc -c < large; stat -c %F:%t:%T null block; "
            "stat -c %F pipe; echo gone > null; echo more >> small; chmod 600 small; "
            "rm -r sub; cd /; umount /mnt; done; "
            "for x in c d; do mount -t ext2 /dev/vd$x /mnt || exit 2; cd /mnt; "
            "dd if=large of=huge bs=1000 seek=4400000 2>/dev/null; "
            "dd if=huge bs=1000 skip=4400000 count=90 2>/dev/null | cmp - large; "
            "stat -c %s huge; cd /; umount /mnt; done")
    result = run(line, disks=disks, status=0)
    found = result.text.strip().split("\n")
    equal(found, ["small", "small", "deep", "90000", "character special file:1:3",
                  "block special file:103:12c", "fifo"] * 3 + ["4400090000"] * 2, "what is there")
    for disk in disks:
        fsck(disk)
        equal(debugfs(disk, "cat small").splitlines()[-1], "more", "an appended line")
        if disk != disks[0]:
            check("v" * 400 in debugfs(disk, "ea_get small user.long"), "an attribute is lost")


def shared_attributes(image, name, other):
    """Gives `other` the block of attributes that `name` has, as Linux does for equal ones."""
    block = int(re.search(r"File ACL: (\d+)", debugfs(image, f"stat {name}")).group(1))
    with open(image, "r+b") as file:
        file.seek(block * 1024)
        equal(file.read(8), bytes.fromhex("000002ea01000000"), "the head of a block of attributes")
        file.seek(block * 1024 + 4)
        file.write(bytes([2]))
    script(image, f"sif {other} file_acl {block}", f"sif {other} blocks 4")
    fsck(image)


def test_attributes():
    """In inodes, in blocks, in shared blocks: what the host set is read, what we set it reads."""
    disks = [new_image(name, size=16 * MIB, tree=tree_of({"a": "a\n", "b": "b\n"}, "tree"),
                       options=options)
             for name, options in (("old.img", ["-b", "1024", "-I", "128"]),
                                   ("flag.img", ["-b", "2048", "-O", "^ext_attr"]),
                                   ("new.img", ["-b", "4096", "-I", "256", "-j"]))]
    script(disks[0], "ea_set a user.one both", "ea_set a user.two 2")
    shared_attributes(disks[0], "a", "b")
    script(disks[2], "ea_set a user.one both", f"ea_set a user.long {'v' * 1000}",
           "ea_set b user.one both")
    do = "usertests --helper xattr"
    sums = new_image("sums.img", size=16 * MIB, tree=tree_of({"a": "a\n"}, "tree"),
                     options=["-b", "4096", "-O", "extent,metadata_csum"])
    script(sums, f"ea_set a user.long {'s' * 1000}")
    line = (f"mount -r /dev/vde /mnt; {do} /mnt/a user.long; umount /mnt; "
            f"for x in b d; do mount /dev/vd$x /mnt; {do} /mnt/a user.one; {do} /mnt/b user.one; "
            f"{do} /mnt/b user.one other || exit 3; "
            f"{do} /mnt/b trusted.more {'m' * 200} || exit 4; "
            f"{do} /mnt/a user.one; {do} /mnt/b user.one; umount /mnt; done; "
            f"for x in b c d; do mount /dev/vd$x /mnt; chmod 777 /mnt; "
            f"usertests -d /mnt xattr acl >/dev/null || exit 5; {do} /mnt/a user.new new; "
            f"umount /mnt; mount /dev/vd$x /mnt; {do} /mnt/a user.new; umount /mnt; done")
    result = run(line, disks=[*disks, sums], status=0)
    equal(result.text.split(), ["s" * 1000] + ["both", "both", "both", "other"] * 2 + ["new"] * 3,
          "attributes")
    for disk in disks:
        fsck(disk)
        check("new" in debugfs(disk, "ea_get a user.new"), "what we set is not there")
    for disk in disks[::2]:
        check("both" in debugfs(disk, "ea_get a user.one"), "another file's is changed")
        check("m" * 200 in debugfs(disk, "ea_get b trusted.more"), "a second one is not there")
    check("v" * 1000 in debugfs(disks[2], "ea_get a user.long"), "a long one is lost")


def acl_value(text):
    """An access list as acl(5) has it in an attribute; text as in user/tests/acl.h."""
    tags = {"u": (1, 2), "g": (4, 8), "m": (16, 16), "o": (32, 32)}
    value = (2).to_bytes(4, "little")
    for word in text.split():
        letter, who, bits = word.split(":")
        value += tags[letter][who != ""].to_bytes(2, "little") + int(bits, 8).to_bytes(2, "little")
        value += int(who or 0xffffffff).to_bytes(4, "little")
    return value


def test_access_lists():
    """In inodes and in blocks: what the host set is read, what we set it reads."""
    disks = [new_image(name, size=16 * MIB, tree=tree_of({"a": "a", "b": "b", "d/e": "e"}, "tree"),
                       options=options)
             for name, options in (("old.img", ["-b", "1024", "-I", "128"]),
                                   ("new.img", ["-b", "4096", "-I", "256", "-j"]))]
    theirs, ours = "u::6 u:1000:6 u:70000:4 g::4 g:50:7 m::6 o::0", "u::7 u:7:1 g::5 m::5 o::4"
    path = os.path.join(scratch(), "value")
    with open(path, "wb") as file:
        file.write(acl_value(theirs))
    for disk in disks:
        script(disk, f"ea_set -f {path} a system.posix_acl_access", "sif a mode 0100660",
               f"ea_set -f {path} d system.posix_acl_default", "ea_set a user.one 1")
        fsck(disk)
    do, access, default = "usertests --helper acl", "system.posix_acl_access", \
        "system.posix_acl_default"
    line = (f"for x in b c; do mount /dev/vd$x /mnt; cd /mnt; {do} a {access}; "
            f"{do} d {default}; chmod 640 a; {do} a {access}; mkdir d/f; {do} d/f {access}; "
            f"{do} b {access} '{ours}' || exit 3; {do} d {default} '{ours}' || exit 3; "
            "stat -c %a b; mkdir -m 710 d/g; stat -c %a d/g; cd /; "
            "umount /mnt; done")
    result = run(line, disks=disks, status=0)
    equal(result.text.split("\n")[:-1],
          [theirs, theirs, theirs.replace("m::6", "m::4"),
           "u::6 u:1000:6 u:70000:4 g::4 g:50:7 m::6 o::0", "754", "710"] * 2, "lists")
    for disk in disks:
        fsck(disk)
        for file, name, text in (("a", access, theirs.replace("m::6", "m::4")),
                                 ("b", access, ours), ("d", default, ours),
                                 ("d/f", default, theirs), ("d/g", default, ours),
                                 ("d/g", access, "u::7 u:7:1 g::5 m::1 o::0")):
            debugfs(disk, f"ea_get -f {path} {file} {name}")
            with open(path, "rb") as found:
                # Nobody's ids are 0 here.
                equal(found.read(), acl_value(text).replace(b"\xff", b"\0"), f"{name} of {file}")
        check("1" in debugfs(disk, "ea_get a user.one"), "another attribute is lost")


def breaks_in(image, path, index_blocks):
    """How often the file's data goes on elsewhere than behind what was there before."""
    text = debugfs(image, f"stat {path}").split("BLOCKS:\n")[1].split("\nTOTAL")[0]
    runs = re.findall(r"\((I?D?T?IND|\d+(?:-\d+)?)\):(\d+)(?:-(\d+))?", text)
    check(len(runs) > 1, f"no runs in {text!r}")
    breaks, end = 0, None
    for _, first, last in runs:
        breaks += end is not None and int(first) != end + 1
        end = int(last or first)
    check(len(runs) > index_blocks, "no index blocks")
    return breaks


@cases(*ROOTS)
def test_requests(journal):
    """Sequential work: few long requests, one behind the other; a file that lies in one piece."""
    disk = new_image("disk.img", size=64 * MIB, options=["-b", "4096"] + ["-j"] * journal)
    stats = "grep 'vdb ' /proc/diskstats"
    line = (f"mount -t ext2 /dev/vdb /mnt; {stats}; "
            f"dd if=/dev/zero of=/mnt/f bs=64k count=256 2>/dev/null; sync; {stats}; "
            f"umount /mnt; mount -t ext2 /dev/vdb /mnt; {stats}; "
            f"dd if=/mnt/f of=/dev/null bs=64k 2>/dev/null; {stats}; umount /mnt")
    fields = [[int(word) for word in text.split()[3:]]
              for text in run(line, disks=[disk], status=0).text.strip().split("\n")]
    requests, sectors = fields[1][4] - fields[0][4], fields[1][6] - fields[0][6]
    check(sectors >= 32768 and sectors / requests >= 256,
          f"{requests} requests wrote {sectors} sectors")
    requests, sectors = fields[3][0] - fields[2][0], fields[3][2] - fields[2][2]
    check(sectors >= 32768 and requests < 150, f"{requests} requests read {sectors} sectors")
    fsck(disk)
    check(breaks_in(disk, "f", 4) <= 4, debugfs(disk, "stat f"))


def left_to_do(log, size):
    """How many reads of the disk that gave `size` bytes were in flight after each that ended."""
    flying, counts, given = {}, {}, {}
    for line in log.split("\n"):
        words = line.split()
        if line.startswith("virtio_blk_handle_read "):
            flying[words[2], words[4]] = int(words[8])
        elif line.startswith("virtio_blk_req_complete ") and (words[2], words[4]) in flying:
            disk = words[2]
            given[disk] = given.get(disk, 0) + flying.pop((disk, words[4])) * 512
            counts.setdefault(disk, []).append(sum(other == disk for other, _ in flying))
    return next(counts[disk] for disk in counts if given[disk] >= size)


@cases({"map": "extents", "last": 27}, {"map": "blocks", "last": 51})
def test_read_ahead(map, last):
    """A slow disk is never without work while a file is read from front to back."""
    # With blocks of 1 KiB there is an index block for every two requests.
    options = {"extents": ["-b", "4096", "-O", "extent"], "blocks": ["-b", "1024", "-j"]}
    disk = new_image("disk.img", tree=tree_of({"f": os.urandom(4 * MIB)}), options=options[map])
    trace = os.path.join(scratch(), "trace")
    # A request takes half a second: as long may the next one take to come.
    run("mount -r -t ext2 /dev/vdb /mnt; dd if=/mnt/f of=/dev/null bs=16k", status=0,
        qemuflags=f"-drive file={disk},if=none,format=raw,id=slow,throttling.bps-read=262144 "
        f"-device virtio-blk-device,drive=slow -D {trace} "
        "-trace virtio_blk_handle_read -trace virtio_blk_req_complete")
    with open(trace, encoding="ascii") as file:
        counts = left_to_do(file.read(), 4 * MIB)
    # Once it is under way; at the end there is no more to be read.
    check(len(counts) >= 32 and counts[-last:-3].count(0) <= 4, counts)


def test_exit_while_read_ahead():
    """Who ends with an unlinked file whose index blocks are on their way frees it all the same."""
    disk = new_image("disk.img", tree=tree_of({name: os.urandom(2 * MIB) for name in "abc"}),
                     options=["-b", "1024", "-j"])
    one = "exec 3</mnt/{0}; rm /mnt/{0}; dd bs=16k count={1} <&3 >/dev/null; exit 0"
    line = "; ".join(f"sh -c '{one.format(name, n)}'" for name, n in zip("abc", (17, 25, 33)))
    run(f"mount -t ext2 /dev/vdb /mnt; {line}; echo x > /mnt/d && umount /mnt", status=0,
        qemuflags=f"-drive file={disk},if=none,format=raw,id=slow,throttling.bps-read=262144 "
        "-device virtio-blk-device,drive=slow")
    fsck(disk)


def test_sync_waits_for_last_use():
    """A volume that nobody finds any more and that is being written out is safe behind sync."""
    disk = new_image("disk.img", options=["-b", "4096"])
    user = "exec 3>/mnt/f; dd if=/bin/usertests bs=64k count=16 >&3 2>/dev/null; umount -l /mnt"
    run(f"mount -t ext2 /dev/vdb /mnt; sh -c '{user}; exit 0' & "
        "until grep -q 'State:.D' /proc/$!/status; do :; done; sync; echo b > /proc/sysrq-trigger",
        qemuflags=f"-drive file={disk},if=none,format=raw,id=slow,throttling.bps-write=262144 "
        "-device virtio-blk-device,drive=slow")
    check("Size: 1048576" in debugfs(disk, "stat f"), debugfs(disk, "stat f"))
    fsck(disk)


def test_appended_in_turn():
    """Two files that grow block by block at the same time do not lie in single blocks."""
    disk = new_image("disk.img", size=64 * MIB, options=["-b", "4096", "-j"])
    line = ("mount -t ext2 /dev/vdb /mnt; "
            "dd if=/bin/usertests of=/mnt/4k bs=4k count=1 2>/dev/null; "
            "for n in 1 2 3 4 5 6 7 8; do for m in 1 2 3 4 5 6 7 8 9 a b c; do "
            "cat /mnt/4k >> /mnt/f; cat /mnt/4k >> /mnt/g; done; done; umount /mnt")
    run(line, disks=[disk], status=0)
    fsck(disk)
    for name in "fg":
        check(breaks_in(disk, name, 1) <= 24, debugfs(disk, "stat " + name))


def test_more_than_memory():
    """A file larger than memory is written and read: dirty pages never fill the machine."""
    disk = new_image("disk.img", size=128 * MIB, options=["-b", "4096"])
    line = ("mount -t ext2 /dev/vdb /mnt; "
            "dd if=/bin/usertests of=/mnt/f bs=64k count=1 2>/dev/null; "
            "for n in 1 2 3 4 5 6 7 8 9; do cat /mnt/f /mnt/f > /mnt/g; mv /mnt/g /mnt/f; done; "
            "ls -l /mnt | grep -c 33554432; cksum /mnt/f; "
            "umount /mnt; mount -t ext2 /dev/vdb /mnt; cksum /mnt/f; umount /mnt")
    found = run(line, mem="32M", disks=[disk], status=0, timeout=180).text.split()
    equal(found[0], "1", "the size")
    equal(found[1:3], found[4:6], "the checksum")
    fsck(disk)


def test_loop_mount():
    """An image in a file is mounted through a loop device; so is an image within that."""
    inner = new_image("inner.img", size=2 * MIB, tree=tree_of({"inner": "inner\n"}, "t1"))
    with open(inner, "rb") as file:
        tree = tree_of({"inner.img": file.read(), "name": "middle\n"}, "t2")
    middle = new_image("middle.img", size=8 * MIB, tree=tree)
    with open(middle, "rb") as file:
        disk = new_image("disk.img", size=24 * MIB, tree=tree_of({"middle.img": file.read()}, "t3"))
    line = ("mkdir /mnt/1 /mnt/2 /mnt/3; mount /dev/vdb /mnt/1; "
            "mount -o loop /mnt/1/middle.img /mnt/2 || exit 2; "
            "mount -o loop /mnt/2/inner.img /mnt/3 || exit 3; "
            "cat /mnt/2/name /mnt/3/inner; losetup -a | wc -l; "
            "umount /mnt/2 2>/dev/null && exit 4; losetup -d /dev/loop0; "
            "dd if=/dev/zero of=/mnt/3/zeros bs=64k count=16 2>/dev/null; echo new > /mnt/2/new; "
            "umount /mnt/3 && umount /mnt/2 && umount /mnt/1 || exit 5; losetup -a | wc -l; "
            "mount /dev/vdb /mnt/1; dev=$(losetup -f -S -r -o 1024 /mnt/1/middle.img); "
            "dd if=$dev bs=1 skip=56 count=2 2>/dev/null | od -An -tx1; losetup -d $dev; "
            "umount /mnt/1")
    text = run(line, disks=[disk], status=0).text
    equal(text.split(), ["middle", "inner", "2", "0", "53", "ef"], "what was seen")
    fsck(disk)
    path = os.path.join(scratch(), "middle2.img")
    debugfs(disk, f"dump middle.img {path}")
    fsck(path)
    equal(debugfs(path, "cat new").splitlines()[-1], "new", "a file in the image")
    debugfs(path, f"dump inner.img {path}.inner")
    fsck(path + ".inner")
    check("1048576" in debugfs(path + ".inner", "stat zeros"), "a file in the inner image")


def test_reserved_blocks():
    """What is reserved is for root, and for the user or group that the superblock names."""
    disks = [new_image(f"{number}.img", size=4 * MIB, options=["-b", "1024", "-m", "25"])
             for number in range(3)]
    host(["tune2fs", "-u", "1000", disks[1]])
    host(["tune2fs", "-g", "1000", disks[2]])
    line = ("for x in b c d; do mount -t ext2 /dev/vd$x /mnt; chmod 777 /mnt; "
            "su user -c 'dd if=/dev/zero of=/mnt/f bs=1k count=5000' 2>/dev/null; "
            "stat -c %s /mnt/f; umount /mnt; done")
    sizes = [int(word) for word in run(line, disks=disks, status=0).text.split()]
    check(sizes[0] + 1000000 < sizes[1] == sizes[2] < 4 * MIB, f"{sizes} bytes")
    for disk in disks:
        fsck(disk)


def test_checksum_of_a_commit():
    """A journal whose commit blocks have sums: e2fsck replays our transactions, revokes and all."""
    disk = new_image("disk.img", options=["-j", "-b", "1024"])
    script(disk, "jo -c", "jc")
    check("journal_checksum" in host(["dumpe2fs", "-h", disk]), "the journal has no checksums")
    with Machine(disks=[root_image() + ",snapshot", disk]) as machine:
        machine.prompt()
        line = ("mount /dev/vdb /mnt; mkdir /mnt/d; for n in $(seq 60); do echo $n > /mnt/d/$n; "
                "done; sync; rm -r /mnt/d; echo kept > /mnt/kept; sync")
        equal(machine.command(line)[0], 0, "status")
    host(["e2fsck", "-E", "journal_only", "-y", disk], ok=(0, 1))
    fsck(disk)
    equal(debugfs(disk, "cat kept").splitlines()[-1], "kept", "what was synced")


def test_write_errors():
    """A write that fails later is told once to each descriptor, or to the next one opened."""
    disk = new_image("disk.img", tree=tree_of({"f": "x" * 3000, "g": "good\n"}),
                     options=["-b", "4096"])
    block = int(re.search(r"\(0\):(\d+)", debugfs(disk, "stat f")).group(1))
    result = run("mount -t ext2 /dev/vdb /mnt && cat /mnt/f 2>/dev/null | wc -c; "
                 "usertests --helper errors /mnt/f; usertests --helper errors /mnt/g; "
                 "umount /mnt", disks=[disk], debug=True,
                 append=f"blk.bad=vdb:{block * 8}-{block * 8 + 7}")
    told = ["EIO", "ok", "EIO", "ok", "EIO", "ok", "ok", "ok"]
    equal(result.text.split(), ["0", *told, *["ok"] * 8], "answers")
    fsck(disk)
