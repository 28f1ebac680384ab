"""Boards: the image of a card on every machine that has a slot for it, and the way onto the card.

The firmware of others comes from Debian's packages when the tests run.
"""
import importlib.machinery
import importlib.util
import os
import re
import struct
import subprocess
import zlib

from lib import MAKE_O, MIB, OUT, SCRIPTS, TOP, Failure, Machine, Monitor, building, cases, check, \
    equal, full_only, host, kernel, make, scratch

QEMU = "qemu-system-riscv64"
CONSOLE = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"]
ROOT_UUID = "78763339-0000-4000-8000-000000000102"
SWAP_UUID = "78763339-0000-4000-8000-000000000103"
WORDS = f"root=PARTUUID={ROOT_UUID} swap=/dev/disk/by-partuuid/{SWAP_UUID}"
APPEND = ["-append", WORDS]
# Harts against each other; files on the card.
USERTESTS = ["fpu cow_hammered_by_threads", "-d /root fs_read_write fs_sparse"]


@building()
def firmware(target, file):
    """A file of Debian's U-Boot for a target."""
    folder = os.path.join(OUT, "boards")
    host([os.path.join(SCRIPTS, "uboot-fetch"), folder])
    return os.path.join(folder, "u-boot", target, file)


@building()
def card_of(board, *words):
    """A copy of the board's image that a test may write to."""
    done = make("image", f"BOARD={board}", *words)
    equal(done.returncode, 0, f"make image: {done.stderr.decode(errors='replace')}")
    path = os.path.join(scratch(), "sdcard.img")
    subprocess.run(["cp", "--sparse=always",
                    os.path.join(OUT, "boards", board, "sdcard.img"), path], check=True)
    return path


def partitions(image):
    """{name: (first byte, bytes, line)} as sfdisk reads the image."""
    found = {}
    for line in host(["sfdisk", "-d", image]).splitlines():
        match = re.search(r"start= *(\d+), size= *(\d+),.*name=\"(\w+)\"", line)
        if match:
            found[match[3]] = (int(match[1]) * 512, int(match[2]) * 512, line)
    return found


def part_of(image, name):
    """A partition's contents in a file of its own."""
    first, size, _ = partitions(image)[name]
    path = os.path.join(scratch(), name + ".img")
    host(["dd", f"if={image}", f"of={path}", "bs=1M", f"skip={first}", f"count={size}",
          "iflag=skip_bytes,count_bytes", "conv=sparse"])
    return path


def drive_machine(machine, disk, image, ends=False):
    """The shell, all harts, files, the swap partition; then down, and the disk is clean."""
    machine.prompt(150)
    equal(machine.command("grep -c ^processor /proc/cpuinfo"), (0, "4\n"), "harts")
    equal(machine.command("cp /bin/toolbox /root/copy && sync", 60)[0], 0, "copying")
    swap = list(partitions(image)).index("swap") + 1
    equal(machine.command(f"grep -c '^/dev/{disk}{swap} .*partition' /proc/swaps"), (0, "1\n"),
          "the swap partition is on")
    for words in USERTESTS:
        status, output = machine.command(f"usertests {words}", 240)
        check(status == 0 and re.search(r"^\d+ passed, 0 failed", output, re.M), output)
    machine.send("poweroff\r")
    # Not every machine can switch itself off.
    if ends:
        equal(machine.wait_stop(60), 0, "QEMU's status")
    else:
        machine.expect("halted: it is safe", 60)
    machine.close()
    root = part_of(image, "root")
    host(["e2fsck", "-fn", root])
    first = os.path.join(scratch(), "toolbox")
    for name in ("/bin/toolbox", "/root/copy"):
        host(["debugfs", "-R", f"dump {name} {first}{len(name)}", root])
    host(["cmp", first + str(len("/bin/toolbox")), first + str(len("/root/copy"))])


@full_only
def test_virt():
    image = card_of("qemu-virt")
    with Machine(argv=[QEMU, "-M", "virt", "-smp", "4", "-m", "512M", *CONSOLE, "-kernel", kernel(),
                       *APPEND, "-drive", f"file={image},format=raw,if=none,id=d0",
                       "-device", "virtio-blk-device,drive=d0"], limit=400) as machine:
        drive_machine(machine, "vda", image, ends=True)


@full_only
def test_virt_uboot():
    """U-Boot finds the image's boot partition and starts what it says there."""
    image = card_of("qemu-virt")
    uboot = firmware("qemu-riscv64_smode", "u-boot.bin")
    with Machine(argv=[QEMU, "-M", "virt", "-smp", "4", "-m", "512M", *CONSOLE, "-kernel", uboot,
                       "-drive", f"file={image},format=raw,if=none,id=d0",
                       "-device", "virtio-blk-device,drive=d0"], limit=500) as machine:
        machine.expect(r"Retrieving file: /Image", 120)
        machine.expect(r"xv39 on .*\n", 60)
        drive_machine(machine, "vda", image, ends=True)


def by_network(image, folder):
    """QEMU virt at U-Boot's prompt, which can fetch the folder's files."""
    uboot = firmware("qemu-riscv64_smode", "u-boot.bin")
    machine = Machine(argv=[QEMU, "-M", "virt", "-smp", "2", "-m", "256M", *CONSOLE,
                            "-kernel", uboot, "-device", "virtio-blk-device,drive=d0",
                            "-drive", f"file={image},format=raw,if=none,id=d0",
                            "-netdev", f"user,id=n0,restrict=on,tftp={folder}",
                            "-device", "virtio-net-device,netdev=n0"], limit=500)
    machine.expect(r"Hit any key to stop autoboot", 120)
    machine.send(" ")
    machine.expect(r"=> ", 60)
    machine.send("setenv autoload no; dhcp; setenv serverip 10.0.2.2\r")
    machine.expect(r"DHCP client bound[^>]*=> ", 60)
    return machine


@full_only
def test_tftp():
    """A kernel by the network, with root on the card, as boards/README.md has it."""
    image = card_of("qemu-virt")
    with by_network(image, os.path.dirname(kernel())) as machine:
        machine.send("tftpboot ${kernel_addr_r} Image\r")
        # Up to what follows: the number may come in pieces.
        moved = machine.expect(r"Bytes transferred = (\d+) \(", 200)
        equal(int(moved[1]), os.path.getsize(kernel()), "bytes of the kernel")
        machine.send(f"setenv bootargs root=PARTUUID={ROOT_UUID}\r")
        machine.send("booti ${kernel_addr_r} - ${fdtcontroladdr}\r")
        machine.prompt(150)
        equal(machine.command("cat /proc/cmdline"), (0, f"root=PARTUUID={ROOT_UUID}\n"), "words")


@full_only
def test_new_kernel():
    """The boot partition alone, from U-Boot's prompt; its kernel, from the running system."""
    with building():
        card_of("qemu-virt", "APPEND=new")
        host(["cp", os.path.join(OUT, "boards", "qemu-virt", "boot.img"), scratch()])
    image = card_of("qemu-virt")
    with by_network(image, scratch()) as machine:
        machine.send("tftpboot ${kernel_addr_r} boot.img\r")
        machine.expect(r"Bytes transferred = \d+ \(", 400)
        machine.send("part start virtio 0 boot first; part size virtio 0 boot count\r")
        machine.send("virtio dev 0; virtio write ${kernel_addr_r} ${first} ${count}; boot\r")
        machine.expect(r"blocks written: OK", 60)
        machine.prompt(150)
        equal(machine.command("cat /proc/cmdline"), (0, f"{WORDS} new\n"), "words")
        for line in ("mount /dev/vda1 /mnt", "cp /bin/toolbox /mnt/Image", "umount /mnt"):
            equal(machine.command(line, 60)[0], 0, line)
    boot = part_of(image, "boot")
    host(["e2fsck", "-fn", boot])
    host(["debugfs", "-R", f"dump /Image {boot}.kernel", boot])
    host(["cmp", f"{boot}.kernel", os.path.join(OUT, "user", "bin", "toolbox")])


def sifive_u(image, *words):
    return Machine(argv=[QEMU, "-M", "sifive_u", "-smp", "5", "-m", "512M", *CONSOLE, "-kernel",
                         kernel(), *APPEND, "-drive", f"file={image},format=raw,if=sd", *words],
                   limit=500)


@full_only
def test_sifive_u():
    """A card on an SPI bus; hart 0 without supervisor mode."""
    image = card_of("sifive_u")
    with sifive_u(image) as machine:
        machine.expect(r"mmcblk0: at mmc@0: .*SPI", 60)
        drive_machine(machine, "mmcblk0p", image)


def spi_flash(script):
    """32 MiB of flash memory with a script where the board's U-Boot looks for one.

    The first access to the card fails on this QEMU; the script makes U-Boot try again.
    """
    text = script.encode()
    data = struct.pack(">II", len(text), 0) + text

    def header(own):
        return struct.pack(">7I4B32s", 0x27051956, own, 0, len(data), 0, 0, zlib.crc32(data),
                           5, 26, 6, 0, b"boot")
    path = os.path.join(scratch(), "spi.flash")
    with open(path, "wb") as flash:
        flash.write(b"\xff" * (32 * MIB))
        flash.seek(0x1fff000)
        flash.write(header(zlib.crc32(header(0))) + data)
    return path


@full_only
def test_sifive_u_card():
    """From the card alone, as the board does it: SPL, U-Boot with OpenSBI, kernel, root."""
    spl = firmware("sifive_unleashed", "u-boot-spl.bin")
    image = card_of("sifive_u", f"SPL={spl}",
                    f"UBOOT={firmware('sifive_unleashed', 'u-boot.itb')}")
    flash = spi_flash("run bootcmd_mmc0\n")
    with Machine(argv=[QEMU, "-M", "sifive_u,msel=11", "-smp", "5", "-m", "8G", *CONSOLE,
                       "-bios", spl, "-drive", f"file={image},format=raw,if=sd",
                       "-drive", f"file={flash},format=raw,if=mtd"], limit=700) as machine:
        machine.expect(r"Trying to boot from MMC1", 60)
        machine.expect(r"Retrieving file: /Image", 150)
        machine.expect(r"xv39 on .*\n", 60)
        drive_machine(machine, "mmcblk0p", image)


def icicle(image, *words):
    tree = os.path.join(scratch(), "icicle.dtb")
    host(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree,
          os.path.join(TOP, "boards", "icicle", "icicle.dts")])
    return Machine(argv=[QEMU, "-M", "microchip-icicle-kit", "-smp", "5", "-m", "2G",
                         "-serial", "null", *CONSOLE, "-kernel", kernel(), "-dtb", tree, *APPEND,
                         "-drive", f"file={image},format=raw,if=sd", *words], limit=500)


@full_only
def test_icicle():
    """SDHCI; RAM in two ranges, one of them above what 32 bits address."""
    image = card_of("icicle")
    with icicle(image) as machine:
        machine.expect(r"2048 MiB RAM in 2 ranges", 60)
        machine.expect(r"mmcblk0: at mmc@20008000: .*4 bits", 90)
        drive_machine(machine, "mmcblk0p", image)


# After CONSOLE, which says otherwise: a machine that restarts does so in the same QEMU.
RESTARTS = ["-action", "reboot=reset"]


def restart_machine(machine, banner):
    """Down, and up again by the firmware that begins with the banner; what was written is there."""
    machine.prompt(150)
    equal(machine.command("echo text > /root/file")[0], 0, "writing")
    machine.send("reboot\r")
    machine.expect(banner, 120)
    machine.prompt(300)
    equal(machine.command("cat /root/file"), (0, "text\n"), "the file")


@full_only
def test_restart():
    """By SRST: OpenSBI pulls the board's reset line."""
    with sifive_u(card_of("sifive_u"), *RESTARTS) as machine:
        restart_machine(machine, r"OpenSBI v")


@full_only
def test_no_restart():
    """Firmware that cannot restart the board: it says so, with all written to the card."""
    image = card_of("icicle")
    with icicle(image, *RESTARTS) as machine:
        machine.prompt(150)
        equal(machine.command("echo text > /root/file")[0], 0, "writing")
        machine.send("reboot\r")
        machine.expect("halted: it is safe", 120)
    host(["e2fsck", "-fn", part_of(image, "root")])


def pull_card(machine):
    """The card of a running system is pulled: errors, and what needs no card goes on."""
    machine.prompt(150)
    # The programs are in memory then; what they read and write is not.
    for line in ("cat /bin/sh /bin/toolbox > /dev/null", "echo text > /root/file && sync",
                 # What write-back says, whenever it may be, is not to come after a prompt.
                 "dmesg -n 1"):
        equal(machine.command(line, 60)[0], 0, line)
    Monitor().do("eject", device="sd0", force=True)
    status, output = machine.command("head -c 4096 /dev/mmcblk0p1", 120)
    check(status == 1 and "Input/output error" in output, f"reading: {status}, {output}")
    equal(machine.command("dmesg | grep -c 'the card is gone'"), (0, "1\n"), "the message")
    status, output = machine.command("echo more > /root/file; sync /root/file", 120)
    check(status == 1 and "Input/output error" in output, f"writing: {status}, {output}")
    equal(machine.command("echo $((6 * 7))"), (0, "42\n"), "the shell")
    # Going down has nothing to wait for either.
    machine.send("poweroff -f\r")
    machine.expect("halted: it is safe", 120)


@cases({"board": "sifive_u"}, {"board": "icicle"}, full=True)
def test_pulled(board):
    """A card on an SPI bus is silent; SDHCI tells that there is none."""
    with globals()[board](card_of(board), *Monitor.words()) as machine:
        pull_card(machine)


@full_only
def test_image_visionfive2():
    """What the ROM and U-Boot of the board want to find, with firmware on the card and without."""
    image = card_of("visionfive2")
    found = partitions(image)
    equal(list(found), ["boot", "root", "swap"], "partitions")
    check("LegacyBIOSBootable" in found["boot"][2], "the boot partition is not marked")
    boot = part_of(image, "boot")
    host(["e2fsck", "-fn", boot])
    conf = host(["debugfs", "-R", "cat /extlinux/extlinux.conf", boot])
    check(f"append {WORDS}\n" in conf and "kernel /Image" in conf, conf)
    spl, uboot = (firmware("starfive_visionfive2", name)
                  for name in ("u-boot-spl.bin.normal.out", "u-boot.itb"))
    image = card_of("visionfive2", f"SPL={spl}", f"UBOOT={uboot}")
    found = partitions(image)
    equal(list(found), ["spl", "uboot", "boot", "root", "swap"], "partitions")
    equal([found[name][0] // 512 for name in ("spl", "uboot")], [4096, 8192], "first sectors")
    check("BC13C2FF-59E6-4262-A352-B275FD6F7172" in found["uboot"][2], "U-Boot's type")
    for name, path in (("spl", spl), ("uboot", uboot)):
        host(["cmp", "-n", str(os.path.getsize(path)), path, part_of(image, name)])
    text = host(["make", "-s", "-C", TOP, MAKE_O, "image", "BOARD=visionfive2", "SPL=x"],
                ok=(2,))
    check("SPL= and UBOOT= go together" in text, text)


# --- flash: a file system that looks like sysfs, and a file that looks like a card ---------------

def flash_module():
    path = os.path.join(SCRIPTS, "flash")
    loader = importlib.machinery.SourceFileLoader("flash", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("flash", loader))
    loader.exec_module(module)
    module.SYS, module.PROC = os.path.join(scratch(), "sys"), os.path.join(scratch(), "proc")
    module.number_of = lambda path: "8:16" if path.endswith("sdb") else "8:17"
    return module


def fake_system(files):
    base = {"sys/block/sdb/dev": "8:16", "sys/block/sdb/size": "2048",
            "sys/block/sdb/removable": "1", "sys/block/sdb/ro": "0",
            "sys/block/sdb/device/model": "Reader", "sys/block/sdb/sdb1/dev": "8:17",
            "sys/block/sdb/sdb1/partition": "1", "proc/self/mountinfo": "", "proc/swaps": ""}
    for path, text in {**base, **files}.items():
        path = os.path.join(scratch(), path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    for number, node in (("8:16", "sdb"), ("8:17", "sdb/sdb1")):
        link = os.path.join(scratch(), "sys", "dev", "block", number)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.symlink(os.path.join(scratch(), "sys", "block", node), link)


MOUNT = "30 1 8:17 / /media/card rw - vfat /dev/sdb1 rw\n"
SWAPS = "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n"
REFUSALS = [
    ({"proc/self/mountinfo": MOUNT}, "/dev/sdb", "sdb1 is mounted on /media/card"),
    ({"proc/self/mountinfo": "", "proc/swaps": SWAPS}, "/dev/sdb", "/dev/sdb1 is in use as swap"),
    ({"proc/swaps": "", "sys/block/sdb/sdb1/holders/dm-0": ""}, "/dev/sdb", "part of dm-0"),
    ({}, "/dev/sdb1", "a partition, not a whole disk"),
    ({"sys/block/sdb/removable": "0"}, "/dev/sdb", "is a fixed disk"),
    ({"sys/block/sdb/ro": "1"}, "/dev/sdb", "write-protected"),
    ({"sys/block/sdb/size": "100"}, "/dev/sdb", "has 51200 bytes, the image 1048576"),
]


def test_flash_refuses():
    flash = flash_module()
    for files, device, words in REFUSALS:
        subprocess.run(["rm", "-rf", flash.SYS, flash.PROC], check=True)
        fake_system(files)
        try:
            flash.check_device(device, MIB)
        except flash.Refused as why:
            check(words in str(why), f"wanted {words!r}, found {why}")
        else:
            raise Failure(f"not refused: {words}")
    subprocess.run(["rm", "-rf", flash.SYS, flash.PROC], check=True)
    fake_system({})
    check("Reader" in flash.check_device("/dev/sdb", MIB), "a card is not described")
    fake_system({"sys/block/sdb/removable": "0", "sys/block/sdb/device/type": "SD"})
    flash.check_device("/dev/sdb", MIB)
    done = make("flash", "BOARD=sifive_u", "DEV=/dev/null")
    check(done.returncode and b"make image" in done.stderr or b"not a disk" in done.stderr,
          done.stderr)


def test_flash_verifies():
    """What was written is read back, and a card that lies is found out."""
    flash = flash_module()
    image, card = (os.path.join(scratch(), name) for name in ("image", "card"))
    with open(image, "wb") as file:
        file.write(os.urandom(5 * MIB))
    for damage in (False, True):
        with open(image, "rb") as source, open(card, "w+b", buffering=0) as target:
            flash.write_all(source, target, 5 * MIB)
            if damage:
                target.seek(4 * MIB + 77)
                target.write(b"\0\0\0\0\0\0\0\0")
            try:
                flash.verify(source, target, 5 * MIB)
                check(not damage, "damage was not found")
            except SystemExit as end:
                check(damage and f"byte {4 * MIB}" in str(end), end)
