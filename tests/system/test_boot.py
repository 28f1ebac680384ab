"""The machine comes up to a shell, whatever its size, and goes down again."""
import os
import re
import subprocess

from lib import (BOOT_TIME, Machine, Skip, cases, check, copy_of_root, equal, fsck, full_only, host,
                 kernel, run, scratch)


def shell_works(machine):
    machine.prompt()
    status, output = machine.command("echo $((6 * 7)) works")
    equal((status, output), (0, "42 works\n"), "echo in the shell")


@cases(*({"smp": n} for n in (1, 2, 4, 8)))
@cases({"smp": 64}, full=True)
def test_harts(smp):
    """As many processors as the machine has are running."""
    with Machine(smp=smp, limit=400) as machine:
        machine.prompt(300 if smp > 8 else BOOT_TIME)
        status, output = machine.command("grep -c ^processor /proc/cpuinfo", timeout=60)
        equal((status, output), (0, f"{smp}\n"), "/proc/cpuinfo")


def test_lost_harts():
    """Harts that firmware sends to the image's entry, as OpenSBI 1.1 may, find their place."""
    with Machine(smp=4, debug=True, append="harts=lost", limit=400) as machine:
        machine.prompt()
        status, output = machine.command("grep -c ^processor /proc/cpuinfo", timeout=60)
        equal((status, output), (0, "4\n"), "/proc/cpuinfo")


def host_memory():
    """Bytes the host can still give."""
    with open("/proc/meminfo", encoding="ascii") as info:
        return int(re.search(r"MemAvailable:\s+(\d+)", info.read())[1]) * 1024


@cases(*({"mem": m} for m in ("16M", "128M", "4G")))
@cases({"mem": "8G"}, full=True)
def test_memory(mem):
    """All of the memory is found, and a small machine has a usable shell."""
    size = int(mem[:-1]) << {"M": 20, "G": 30}[mem[-1]]
    if host_memory() < size // 8:
        raise Skip("the host has too little memory")
    with Machine(mem=mem) as machine:
        shell_works(machine)
        _, output = machine.command("cat /proc/meminfo")
        total = int(re.search(r"MemTotal:\s+(\d+) kB", output)[1]) * 1024
        check(size * 0.75 < total <= size, f"MemTotal is {total} of {size}")
        for line in ("ls -l / | sort | head -n 3", "ps | wc -l", "sh -c 'echo a; exit 3' | cat"):
            status, output = machine.command(line)
            equal(status, 0, line)


def test_legacy_virtio():
    """virtio-mmio version 1."""
    with Machine(legacy=True) as machine:
        shell_works(machine)
        equal(machine.command("cat /etc/group | head -n 1")[1], "root:x:0:\n", "a file")


def test_poweroff():
    with Machine() as machine:
        machine.prompt()
        machine.send("poweroff\r")
        equal(machine.wait_stop(), 0, "QEMU's status")


def test_reboot():
    """A reboot starts the machine anew."""
    with Machine(no_reboot=False) as machine:
        machine.prompt()
        machine.send("reboot\r")
        machine.expect("OpenSBI", 30)
        shell_works(machine)


@cases(*({"smp": n} for n in (1, 4)))
def test_selftest(smp):
    """The tests inside the debug kernel; it stops when they are done, with 0 if all passed."""
    with Machine(debug=True, append="selftest", smp=smp, limit=300) as machine:
        status = machine.wait_stop(300)
        match = re.search(r"selftest: (\d+) passed, (\d+) failed", machine.text)
        check(match, "no count of self tests in the log")
        check(int(match[1]) > 0, "no self test ran")
        equal((int(match[2]), status), (0, 0), "failed self tests, and the status")


@cases(*({"smp": n} for n in (1, 4)))
def test_debug_kernel(smp):
    """With all assertions and lock checks on, the shell does its work."""
    line = "i=0; while [ $i -lt 20 ]; do ls / | sort | wc -l >/dev/null & i=$((i+1)); done; wait"
    run(line, smp=smp, debug=True, timeout=120, status=0)


def machine_tree(smp=2, mem="128M"):
    """The source of the device tree that QEMU makes."""
    blob = os.path.join(scratch(), "virt.dtb")
    subprocess.run(["qemu-system-riscv64", "-M", f"virt,dumpdtb={blob}", "-smp", str(smp),
                    "-m", mem, "-display", "none"], check=True, stderr=subprocess.DEVNULL)
    return host(["dtc", "-q", "-I", "dtb", "-O", "dts", blob])


def compiled(source):
    path, blob = os.path.join(scratch(), "edited.dts"), os.path.join(scratch(), "edited.dtb")
    with open(path, "w", encoding="ascii") as file:
        file.write(source)
    host(["dtc", "-q", "-f", "-I", "dts", "-O", "dtb", "-o", blob, path])
    return blob


def node_removed(source, name):
    """Cuts a node whose name starts so, with all it holds, out of a tree."""
    match = re.search(r"^(\t+)" + name + r"[^\n]*\{$", source, re.M)
    check(match, f"no node {name} in the tree")
    end = source.index(f"\n{match[1]}}};", match.end()) + len(match[1]) + 4
    return source[:match.start()] + source[end:]


def test_tree_as_file():
    """The same tree from a file boots: the edits below are what makes the others fail."""
    with Machine(dtb=compiled(machine_tree()), smp=2) as machine:
        shell_works(machine)


DAMAGES = {
    "no-memory": lambda tree: node_removed(tree, "memory@"),
    "zero-timebase": lambda tree: re.sub(r"timebase-frequency = <[^>]*>",
                                         "timebase-frequency = <0>", tree),
    "short-memory-reg": lambda tree: re.sub(r"(device_type = \"memory\";\s*reg = )<[^>]*>",
                                            r"\1<0x00 0x80000000>", tree),
    "all-reserved": lambda tree: tree.replace(
        "/dts-v1/;", "/dts-v1/;\n/memreserve/ 0x80000000 0x8000000;", 1),
}


@cases(*({"damage": name} for name in DAMAGES))
def test_damaged_tree(damage):
    """A tree that lacks what a machine must have is refused with words."""
    blob = compiled(DAMAGES[damage](machine_tree()))
    with Machine(dtb=blob, limit=60) as machine:
        machine.expect(r"cannot start: [^\r\n]+", 20)


def test_refusal_ends_a_run():
    """`make run` does not wait for a kernel that has given up."""
    blob = compiled(DAMAGES["no-memory"](machine_tree()))
    equal(run("true", dtb=blob, timeout=60).status, 125, "status")


HARMLESS = {
    "no-virtio-size": lambda tree: re.sub(r"(virtio_mmio@10001000 \{.*?reg = )<[^>]*>",
                                          r"\1<0x00>", tree, flags=re.S),
    "no-rtc": lambda tree: node_removed(tree, "rtc@"),
    "tree-outside-ram": lambda tree: re.sub(r"(device_type = \"memory\";\s*reg = )<[^>]*>",
                                            r"\1<0x00 0x80000000 0x00 0x7654321>", tree),
    "no-flash": lambda tree: node_removed(tree, "flash@"),
    "odd-interrupts": lambda tree: re.sub(r"(virtio_mmio@10002000 \{.*?interrupts = )<[^>]*>",
                                          r"\1<0xffffffff>", tree, flags=re.S),
}


@cases(*({"damage": name} for name in HARMLESS))
def test_incomplete_tree(damage):
    """A device that is described badly, or not at all, does not keep the others from working."""
    with Machine(dtb=compiled(HARMLESS[damage](machine_tree()))) as machine:
        shell_works(machine)


def test_no_clock():
    """Where no device tells the date, files are not older than the volume they lie on."""
    image = copy_of_root()
    with Machine(dtb=compiled(node_removed(machine_tree(), "rtc@")), disks=[image]) as machine:
        machine.prompt()
        equal(machine.command("echo text > /root/new && rm /root/new && touch /root/old")[0], 0,
              "files made and removed")
        status, times = machine.command("stat -c %Y /bin/sh /root/old")
        equal(status, 0, "stat's status")
        program, file = map(int, times.split())
        check(file >= program, f"a file of {file}, beside a program of {program}")
        machine.send("poweroff\r")
        equal(machine.wait_stop(60), 0, "QEMU's status")
    fsck(image)


def test_root_missing():
    """Without a root file system the machine says so and stops."""
    with Machine(append="root=/dev/vdz", limit=60) as machine:
        status = machine.wait_stop(40)
        check("root=/dev/vdz: " in machine.text, "no word about the root device")
        check(status != 0, "QEMU's status is 0")


@full_only
def test_boot_again_and_again():
    """Twenty boots on eight harts: what goes wrong once in a while shows."""
    for _ in range(20):
        run("true", smp=8, status=0, timeout=60)


def test_image_header():
    """The kernel image starts with the header that boot loaders look for."""
    with open(kernel(), "rb") as image:
        header = image.read(64)
    equal(header[48:56], b"RISCV\0\0\0", "magic number")
    equal(header[56:60], b"RSC\x05", "magic number 2")
    text_offset = int.from_bytes(header[8:16], "little")
    equal(text_offset, 0x200000, "text offset")
    check(int.from_bytes(header[16:24], "little") >= os.path.getsize(kernel()), "image size")


def test_small_memory_full_of_files():
    """A file that fills all of 16M must leave a shell that starts programs, pipelines too."""
    again = "cat /root/big | tail -c 5 | wc -c && wc -c < /root/big && "
    text = run("dd if=/dev/zero of=/root/big bs=1M count=16 2>/dev/null && " + 2 * again +
               "rm /root/big && ls /etc/passwd", mem="16M", timeout=120, status=0).text
    equal(text, 2 * "5\n16777216\n" + "/etc/passwd\n", "output")


def test_idle_time_of_sleeping_harts():
    """A hart without a tick accounts for its idling even while nothing wakes it."""
    text = run("cat /proc/stat; sleep 2; cat /proc/stat", smp=4, status=0).text
    idle = [[int(line.split()[4]) for line in text.splitlines() if line.startswith(f"cpu{hart} ")]
            for hart in range(4)]
    for hart, (before, after) in enumerate(idle):
        check(after - before >= 100, f"hart {hart} was idle for {after - before} ticks of 200")
