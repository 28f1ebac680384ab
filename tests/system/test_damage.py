"""Damaged volumes in the guest: mounted, walked, changed and let go; errors, and nothing worse."""
import os
import random
import re

from lib import MIB, cases, check, debugfs, equal, full_only, host, new_image, run, scratch, tree_of

BLOCK = 1024
VOLUMES = 48

# Every name is tried and up to 100 KB of every file is read, then all is changed and removed.
# Errors are what is to be expected; a status is wanted of umount only.
USE = """
for n in $(seq 0 %d); do
	if mount -o loop /mnt/c/$n /mnt/v; then
		ls -lR /mnt/v | head -n 400
		find /mnt/v -type f | head -n 100 | xargs head -c 100000
		cp /bin/seq /mnt/v/new; mkdir /mnt/v/newdir; ln -s target /mnt/v/newlink
		for i in $(seq 40); do echo $i > /mnt/v/many/new-$i; done
		mv /mnt/v/sub /mnt/v/newdir/moved; echo more >> /mnt/v/indirect; sync
		rm -r /mnt/v/many /mnt/v/newdir; truncate -s 5000 /mnt/v/indirect
		umount /mnt/v || exit 7
		echo used >&3
	else
		echo refused >&3
	fi
done 3>&1 > /dev/null 2>&1
"""


def sound_image(name, options, size):
    """A volume with one of everything."""
    tree = tree_of({"small": "text\n", "indirect": b"x" * 90000, "sub/deep/file": "deep\n",
                    **{f"many/a-file-with-a-name-{n}": f"{n}\n" for n in range(60)}}, name)
    os.symlink("y" * 200, os.path.join(tree, "slow"))
    with open(os.path.join(tree, "holes"), "wb") as file:
        file.truncate(3 * MIB)
        file.seek(400000)
        file.write(b"x")
    image = new_image(name + ".img", size=size, tree=tree,
                      options=["-b", str(BLOCK), "-N", "128", "-U",
                               "11111111-2222-3333-4444-555555555555", *options])
    host(["e2fsck", "-fyD", image], ok=(0, 1))
    with open(image, "rb") as file:
        return file.read()


def metadata_of(name):
    """The blocks in which damage matters: all in use, without those of the files' data."""
    image = os.path.join(scratch(), name + ".img")
    table = host(["dumpe2fs", image])
    blocks = set(range(1, 3))
    for first, last in re.findall(r"(?:bitmap|table|descriptors) at (\d+)(?:-(\d+))?", table):
        blocks.update(range(int(first), int(last or first) + 1))
    for path in ("/", "/many", "/sub", "/sub/deep", "/slow"):
        blocks.update(int(word) for word in debugfs(image, f"blocks {path}").split()
                      if word.isdigit())
    found = re.findall(r"IND\):(\d+)", debugfs(image, "stat indirect"))
    blocks.update(int(word) for word in found)
    # The journal's first blocks; of a volume without one there are none.
    words = debugfs(image, "blocks <8>").split()
    blocks.update([int(word) for word in words if word.isdigit() and int(word)][:8])
    return sorted(blocks)


def damage(image, blocks, rng):
    """Some bytes, a field of the superblock or a group, a block, two in each other's place."""
    kind = rng.choice(("bytes", "bytes", "bytes", "field", "block", "swap"))
    one, other = (BLOCK * block for block in rng.sample(blocks, 2))
    if kind == "bytes":
        for _ in range(rng.randrange(1, 40)):
            at = BLOCK * rng.choice(blocks) + rng.randrange(BLOCK)
            image[at] = rng.choice((0, 1, 0x7f, 0xff, rng.randrange(256)))
    elif kind == "field":
        at = BLOCK * rng.choice((1, 1, 2)) + 4 * rng.randrange(26)
        image[at:at + 4] = rng.randbytes(4)
    elif kind == "block":
        fill = rng.choice((bytes(BLOCK), b"\xff" * BLOCK, rng.randbytes(BLOCK)))
        image[one:one + BLOCK] = fill
    else:
        image[one:one + BLOCK], image[other:other + BLOCK] = (image[other:other + BLOCK],
                                                              image[one:one + BLOCK])


@full_only
def test_damaged_volumes():
    """Damage of every kind of metadata: no panic, no hang, an errno and a line in the log."""
    rng = random.Random(39)
    kinds = [("ext2", [], MIB), ("ext3", ["-j", "-J", "size=1"], 4 * MIB)]
    sound = [(sound_image(name, options, size), metadata_of(name)) for name, options, size in kinds]
    files = {}
    for number in range(VOLUMES):
        before, blocks = sound[number % 2]
        image = bytearray(before)
        damage(image, blocks, rng)
        # Half of the journals are to be looked at: needs_recovery.
        if number % 4 == 3:
            image[1024 + 96] |= 4
        files[str(number)] = bytes(image)
    carrier = new_image("carrier.img", size=128 * MIB, tree=tree_of(files, "volumes"),
                        options=["-b", "4096"])
    script = "mkdir /mnt/c /mnt/v; mount /dev/vdb /mnt/c || exit 6" + USE % (VOLUMES - 1)
    result = run(script + "umount /mnt/c || exit 8; losetup -a; echo LOG; dmesg",
                 disks=[carrier], debug=True, status=0, timeout=300)
    words, log = result.text.split("LOG", 1)
    equal(len(words.split()), VOLUMES, "volumes")
    check(words.count("used") > VOLUMES // 4, f"nearly all were refused: {words}")
    check("refused" in words, "all were mounted")
    check(len(re.findall("damaged: ", log)) > VOLUMES // 8, "next to no damage was noticed")
    host(["e2fsck", "-fn", carrier])

@cases({"debug": True}, {"debug": False})
def test_index_block_of_two(debug):
    """Two files name one index block; one frees it while the other grows by it: no harm done."""
    image = new_image("two.img", tree=tree_of({"f": "f" * 20480, "g": "g" * 20480}),
                      options=["-j", "-b", "1024"])
    index = debugfs(image, "blocks /f").split()[-1 - (20 - 12)]
    host(["debugfs", "-w", "-R", f"sif /g block[IND] {index}", image])
    grow = "for i in 1 2 3; do head -c 4096 /dev/zero >> f; done; "
    script = ("mount -t ext2 /dev/vdb /mnt || exit 9; cd /mnt; " + grow + ": > g; " + 2 * grow +
              "sync; cat f > /dev/null; cd /; umount /mnt; "
              "dmesg | grep 'journal of vdb: given up: a block is changed after it was freed'")
    result = run(script, disks=[image], debug=debug)
    equal(result.status, 0, f"status; the console: {result.log}")
