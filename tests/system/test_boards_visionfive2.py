"""The VisionFive 2, on the machine of boards/visionfive2/qemu: Debian's firmware and Debian's Linux
say that the machine is right, and then our card starts on it.
"""
import os
import re
import struct
import subprocess
import zlib

import test_boards as boards
from lib import OUT, SCALE, SCRIPTS, Machine, Monitor, building, cases, check, equal, full_only, \
    host, kernel, make, scratch

LINUX = os.path.join(OUT, "linux")
PROMPT_TIME = 150
# A build of QEMU on a busy machine.
BUILD_TIME = 1800
FILES = "-d /root fs_read_write fs_sparse"


@building()
def qemu():
    """Our QEMU; built the first time, later found by what it was built from."""
    folder = os.path.join(OUT, "boards", "qemu-visionfive2")
    done = subprocess.run([os.path.join(SCRIPTS, "qemu-build"), folder], check=False, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=BUILD_TIME)
    equal(done.returncode, 0, f"qemu-build: {done.stdout}")
    return os.path.join(folder, "qemu-system-riscv64")


def tree():
    """The board's tree, of Debian's kernel package."""
    done = make("linux", timeout=600)
    equal(done.returncode, 0, f"make linux: {done.stderr.decode(errors='replace')}")
    return os.path.join(LINUX, "visionfive2", "board.dtb")


def card_with_firmware():
    """The board's image with Debian's SPL and U-Boot on it."""
    spl, uboot = (boards.firmware("starfive_visionfive2", name)
                  for name in ("u-boot-spl.bin.normal.out", "u-boot.itb"))
    return boards.card_of("visionfive2", f"SPL={spl}", f"UBOOT={uboot}")


def card(image):
    return ["-drive", f"file={image},format=raw,if=sd"]


def direct(image, *words):
    """The machine with our kernel at once; QEMU has no firmware that can switch this board off."""
    return Machine(argv=[qemu(), "-M", "visionfive2", "-m", "2G", *boards.CONSOLE, "-kernel",
                         kernel(), "-dtb", tree(), *boards.APPEND, *card(image), *words],
                   limit=600)


def from_card(image, *words, limit=500):
    """The machine as the board starts: its ROM finds the firmware on the card."""
    return Machine(argv=[qemu(), "-M", "visionfive2", *boards.CONSOLE, *card(image), *words],
                   limit=limit)


def uboot_prompt(machine):
    """Stops U-Boot before it starts anything."""
    machine.expect(r"Hit any key to stop autoboot", 240)
    machine.send(" ")
    machine.expect(r"StarFive # ", 30)


def usertests(machine, words, timeout=240):
    status, output = machine.command(f"usertests {words}", timeout)
    check(status == 0 and re.search(r"^\d+ passed, 0 failed", output, re.M), output)


@full_only
def test_direct():
    image = boards.card_of("visionfive2")
    with direct(image) as machine:
        machine.expect(r"xv39 on StarFive VisionFive 2.*2048 MiB.*4 harts", 90)
        machine.expect(r"mmcblk0: at mmc@16020000: .*4 bits", 60)
        boards.drive_machine(machine, "mmcblk0p", image)


@full_only
def test_card():
    """From the card alone: ROM, SPL, which trains the memory, OpenSBI, U-Boot, kernel, root."""
    image = card_with_firmware()
    with from_card(image, "-m", "4G", limit=900) as machine:
        machine.expect(r"Trying to boot from MMC2", 60)
        machine.expect(r"DRAM: +4 GiB", 90)
        machine.expect(r"Product full SN: VF7110B1", 60)
        machine.expect(r"Retrieving file: /Image", 150)
        machine.expect(r"xv39 on StarFive VisionFive 2.*4096 MiB", 60)
        boards.drive_machine(machine, "mmcblk0p", image, ends=True)


@full_only
def test_uboot_prompt():
    """U-Boot's own driver reads the card and writes to it."""
    image = card_with_firmware()
    with from_card(image, "-m", "8G") as machine:
        machine.expect(r"DRAM: +8 GiB", 150)
        uboot_prompt(machine)
        machine.send("load mmc 1:3 ${kernel_addr_r} /Image\r")
        size = int(machine.expect(r"(\d+) bytes read in", 60)[1])
        equal(size, os.path.getsize(kernel()), "bytes of the kernel")
        machine.send("crc32 ${kernel_addr_r} ${filesize}\r")
        found = int(machine.expect(r"==> ([0-9a-f]{8})", 30)[1], 16)
        with open(kernel(), "rb") as file:
            equal(found, zlib.crc32(file.read()), "the kernel's sum")
        # Into the swap partition, which nothing uses here, as a new boot partition is written.
        machine.send("part start mmc 1 swap first; mmc dev 1\r")
        machine.send("mmc write ${kernel_addr_r} ${first} 40\r")
        machine.expect(r"64 blocks written: OK", 30)
    with open(image, "rb") as written, open(kernel(), "rb") as wanted:
        written.seek(boards.partitions(image)["swap"][0])
        check(written.read(64 * 512) == wanted.read(64 * 512), "U-Boot's blocks are not there")


@full_only
def test_usertests():
    """All of them, as on the board: behind its firmware, with swap and files on the card."""
    with from_card(card_with_firmware(), "-m", "2G", limit=2000) as machine:
        machine.prompt(300)
        # No clock of the board keeps the date.
        equal(machine.command("date -s @1800000000")[0], 0, "setting the date")
        for words in ("", "-d /root fs pipe mmap"):
            usertests(machine, words, 1200)


@full_only
def test_restart():
    """By SRST: OpenSBI asks the power controller, and all begins again in the ROM."""
    with from_card(card_with_firmware(), *boards.RESTARTS, limit=900) as machine:
        boards.restart_machine(machine, r"U-Boot SPL ")


# The whole boot partition through Linux's driver, and a file into the swap partition.
LINUX_SCRIPT = """
tries=0
while [ ! -e /dev/mmcblk1p3 ] && [ $tries -lt 240 ]; do sleep 1; tries=$((tries + 1)); done
cat /sys/block/mmcblk1/size
sha256sum /dev/mmcblk1p1
cat /bin/toolbox > /dev/mmcblk1p3
sync
"""


@full_only
def test_linux():
    """A stock Linux finds the card with its own driver, reads it and writes to it."""
    board, image = tree(), boards.card_of("visionfive2")
    toolbox = os.path.join(OUT, "user", "bin", "toolbox")
    applets = [f"--add={toolbox}:/bin/{name}"
               for name in ("toolbox", "cat", "sha256sum", "sleep", "sync")]
    text = host([os.path.join(SCRIPTS, "linux-judge"), "--dir", LINUX,
                 "--modules", os.path.join(LINUX, "visionfive2", "modules"),
                 "--machine", " ".join([qemu(), "-M visionfive2 -m 2G -dtb", board, *card(image)]),
                 "--timeout", str(int(110 * SCALE)), f"--add={OUT}/user/bin/sh", *applets,
                 "--", "/bin/sh", "-c", LINUX_SCRIPT])
    check(re.search(rf"^{os.path.getsize(image) // 512}$", text, re.M), f"the card's size: {text}")
    check(host(["sha256sum", boards.part_of(image, "boot")]).split()[0] in text,
          f"the boot partition is read wrongly: {text}")
    with open(image, "rb") as written, open(toolbox, "rb") as wanted:
        written.seek(boards.partitions(image)["swap"][0])
        data = wanted.read()
        check(written.read(len(data)) == data, "Linux's data is not on the card")


# As firmware would: two clocks on, go, and locked. It would bite in six minutes.
WATCHDOG_STARTS = "mw.l 130201e8 80000000 2; mw.l 13070008 3; mw.l 13070c00 0"


@full_only
def test_watchdog():
    """A watchdog that firmware has left running is off when the shell comes up."""
    with from_card(card_with_firmware(), *Monitor.words(), limit=900) as machine:
        uboot_prompt(machine)
        machine.send(f"{WATCHDOG_STARTS}; md.l 13070008 1\r")
        machine.expect(r"13070008: 00000003.*\s+StarFive # ", 30)
        machine.send("boot\r")
        machine.expect(r"watchdog@13070000: .* stopped", 300)
        machine.prompt(PROMPT_TIME)
        control = Monitor().human("xp /1wx 0x13070008")
        equal(control.split()[1], "0x00000000", "the control register")


def counter(machine, name):
    status, output = machine.command(f"grep '^{name} ' /proc/vmstat")
    equal(status, 0, name)
    return int(output.split()[1])


def usertest_pages(image):
    """How many pages of the swap partition hold what swap's usertests write: i * 7 + r, ~i + r."""
    found = 0
    first, size, _ = boards.partitions(image)["swap"]
    with open(image, "rb") as file:
        file.seek(first + 4096)
        for _ in range(size // 4096 - 1):
            page = file.read(4096)
            begin, end = struct.unpack_from("<I4088xI", page)
            found += any(begin - r == 7 * (~(end - r) & 0xffffffff) for r in (1, 2, 3))
    return found


@full_only
def test_swap():
    """More than fits into memory: pages go to the card's partition, and come back from there."""
    image = boards.card_of("visionfive2")
    with direct(image, "-m", "64M") as machine:
        machine.prompt(PROMPT_TIME)
        before = [counter(machine, name) for name in ("pswpout", "pswpin")]
        usertests(machine, "swap_out_and_in swap_more_than_memory", 600)
        check(", 0 skipped" in machine.text, "there was no swap to test")
        for name, was in zip(("pswpout", "pswpin"), before):
            check(counter(machine, name) > was + 4096, f"{name} does not tell of it")
    check(usertest_pages(image) > 4096, "the pages are not on the card")


READS = 20000


@full_only
def test_time():
    """The time CSR traps here: a tick may ask for it, a read of a file must not."""
    log = os.path.join(scratch(), "traps")
    with direct(boards.card_of("visionfive2"), "-D", log, *Monitor.words()) as machine:
        machine.prompt(PROMPT_TIME)
        monitor = Monitor()
        monitor.human("log int")
        line = f"dd if=/bin/toolbox of=/dev/null bs=1 count={READS}"
        equal(machine.command(line, 120)[0], 0, line)
        monitor.human("log none")
    with open(log, encoding="ascii") as file:
        text = file.read()
    check(text.count("user_ecall") >= READS, "the log does not have all calls")
    traps, ticks = text.count("illegal_instruction"), text.count("s_timer")
    check(traps < READS // 2 + 3 * ticks, f"{traps} traps in {READS} reads and {ticks} ticks")


# --- our driver, when the controller and the card go wrong ---------------------------------------

@full_only
def test_by_hand():
    """A controller without a DMA: data goes through the FIFO."""
    with direct(boards.card_of("visionfive2"), "-global", "dw-mshc.dma=off") as machine:
        machine.prompt(PROMPT_TIME)
        usertests(machine, FILES)


def two_faults(fault, after):
    """QEMU's words: the first commands with data succeed, so many; then two in a row fail."""
    words = (f"fault-after={after}", "fault-count=2", f"fault={fault}")
    return [word for each in words for word in ("-global", f"dw-mshc.{each}")]


@full_only
def test_error_identifying():
    """The first commands with data are those that read the card's registers."""
    with direct(boards.card_of("visionfive2"), *two_faults("response-timeout", 0)) as machine:
        machine.expect(r"identifying the card: error \d+, try 2 of 3", PROMPT_TIME)
        machine.prompt(PROMPT_TIME)
        usertests(machine, FILES)


@cases(*({"fault": name} for name in ("response-timeout", "response-crc", "data-crc",
                                      "data-timeout", "end-bit", "bus-error", "no-descriptor")),
       full=True)
def test_error(fault):
    """Two commands in a row fail, in the middle of the partition table: it is read, and logged."""
    with direct(boards.card_of("visionfive2"), *two_faults(fault, 12)) as machine:
        machine.prompt(PROMPT_TIME)
        usertests(machine, FILES)
        check("try 2 of 3" in machine.text, "no command was tried again")


@full_only
def test_pulled():
    with direct(boards.card_of("visionfive2"), *Monitor.words()) as machine:
        boards.pull_card(machine)
