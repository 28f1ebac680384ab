"""Looking at memory: pmap, vmstat, free, and vmtop with a person at the keys."""
import os
import re

from lib import (MIB, OUT, Machine, cases, check, debugfs, equal, fsck, full_only, host, new_image,
                 run, scratch, tree_of)

UP, DOWN, ESCAPE, RETURN = "\x1b[A", "\x1b[B", "\x1b", "\r"


def rows_of(text, pattern):
    """The groups of every line that matches."""
    return [match.groups() for match in re.finditer(pattern, text, re.M)]


def test_pmap():
    """The sizes that pmap shows add up, and are those of /proc/PID/statm."""
    text = run("pmap -x $$; cat /proc/$$/statm; true", status=0).text
    areas = rows_of(text, r"^[0-9a-f]{16} +(\d+) +(\d+) +(\d+) [-rwxsp]{5} +(.+)$")
    total = rows_of(text, r"^total kB +(\d+) +(\d+) +(\d+)$")[0]
    check(len(areas) >= 5, f"{len(areas)} areas")
    check(any("[ stack ]" in area[3] for area in areas), "no stack")
    for column in range(3):
        equal(sum(int(area[column]) for area in areas), int(total[column]), "sum")
    equal(int(text.split("\n")[-2].split()[0]) * 4, int(total[0]), "size by statm")


def test_pmap_of_nobody():
    equal(run("pmap 32000").status, 42, "status")


def test_vmstat():
    """Two lines of numbers below the header; memory in it agrees with the machine's."""
    lines = run("vmstat 0.1 2", mem="64M", status=0).text.strip().split("\n")
    equal(len(lines), 4, "lines")
    equal(lines[1].split(), "r b swpd free buff cache si so bi bo in cs us sy id wa st".split(),
          "header")
    for line in lines[2:]:
        numbers = [int(word) for word in line.split()]
        equal(len(numbers), 17, "numbers in " + line)
        check(1024 < numbers[3] < 65536, f"{numbers[3]} KiB free of 64 MiB")


def test_swap_from_the_start():
    """Init turns on the area that the command line names; swapon shows it, swapoff ends it."""
    disk = os.path.join(scratch(), "swap.img")
    host(["truncate", "-s", "8M", disk])
    host(["mkswap", "-q", disk])
    lines = run("swapon; swapoff /dev/vdb; swapon -p 7 /dev/vdb; cat /proc/swaps; free",
                append="swap=/dev/vdb", disks=[disk], status=0).text.split("\n")
    equal(lines[0].split(), "Filename Type Size Used Priority".split(), "header")
    equal(lines[1].split(), "/dev/vdb partition 8188 0 -2".split(), "the area")
    equal(lines[3].split(), "/dev/vdb partition 8188 0 7".split(), "the area, once more")
    equal(lines[6].split()[:2], ["Swap:", "8188"], "what free says")


@cases({"block": 1024, "journal": True}, {"block": 4096, "journal": False})
@cases({"block": 2048, "journal": True}, {"block": 4096, "journal": True}, full=True)
def test_swap_in_a_file(block, journal):
    """More than memory goes to a file; nothing else of its volume changes, on or off at the end."""
    kept = os.urandom(3 * MIB + 777)
    disk = new_image("swap.img", size=64 * MIB, tree=tree_of({"kept": kept}),
                     options=["-b", str(block), *(["-j"] if journal else [])])
    lines = run("mkdir /m; mount -t ext2 /dev/vdb /m || exit 2; cd /m; "
                "dd if=/dev/zero of=s bs=1M count=48 2>/dev/null; mkswap -q s && swapon -p 9 s; "
                "cat /proc/swaps; usertests swap_out_and_in swap_shared_by_fork "
                "swap_more_than_memory || exit 3; umount /m 2>/dev/null && exit 4; "
                "swapoff s && rm s && dd if=/dev/zero of=s bs=1M count=48 2>/dev/null && "
                "mkswap -q s && swapon s && usertests swap_more_than_memory",
                mem="32M", disks=[disk], status=0).text.split("\n")
    name, kind, size, used, priority = lines[1].split()
    equal((name, kind, used, priority), ("/m/s", "file", "0", "9"), "the area")
    check(48 * 1000 <= int(size) < 48 * 1024, f"{size} KiB of 48 MiB are used")
    check(not [line for line in lines if "... skipped" in line], "a test was skipped")
    fsck(disk)
    debugfs(disk, f"dump /kept {scratch()}/kept")
    with open(os.path.join(scratch(), "kept"), "rb") as file:
        check(file.read() == kept, "another file of the volume has changed")


def test_vmtop_batch():
    """All memory has an owner; the command itself is among the processes."""
    text = run("vmtop -b -n 2 -d 0.1", status=0).text
    equal(text.count("MEMORY"), 2, "pictures")
    for picture in text.strip().split("\n\n"):
        kib = {name.strip(): int(number) for name, number in
               rows_of(picture, r"^([a-z ,]{16}) +(\d+) +\d+%")}
        owners = ["free", "anonymous", "shared, tmpfs", "file pages", "page tables", "slab",
                  "kernel stacks", "other kernel"]
        check(abs(sum(kib[name] for name in owners) - kib["total"]) < 512, str(kib))
        check("vmtop" in picture.split("COMMAND")[1], "vmtop is not in its own list")


def test_vmtop_sort():
    """The order asked for is the order of the list."""
    text = run("vmtop -b -n 1 -p $$ -s rss", status=0).text
    rss = [int(row[0]) for row in rows_of(text, r"^[0-9a-f]+-[0-9a-f]+ .{4} +\d+ +(\d+)")]
    check(len(rss) > 3 and rss == sorted(rss, reverse=True), str(rss))
    equal(run("vmtop -b -s nonsense").status, 1, "status of a wrong order")


def test_vmtop_needs_terminal():
    check("-b" in run("vmtop 2>&1 | cat", status=0).text, "no hint at -b")


def test_vmtop_keys():
    """Sort, choose a process, look at its areas, go back, quit; the terminal is as before."""
    with Machine() as machine:
        machine.prompt()
        before = machine.command("stty -a")[1]
        machine.command("stty rows 24 cols 80")
        machine.send("vmtop -d 0.5" + RETURN)
        machine.expect(r"sorted by rss")
        machine.send("s")
        machine.expect(r"sorted by faults")
        machine.send("s")
        machine.expect(r"sorted by pid")
        # By pid the first line is init's.
        machine.send(RETURN)
        machine.expect(r"process 1: /sbin/init   \d+ areas")
        machine.expect(r"\[stack\]")
        machine.send(DOWN + UP + "s")
        machine.expect(r"sorted by size")
        machine.send(ESCAPE)
        machine.expect(r"PID S ")
        machine.send("+")
        machine.expect(r"every 1 s")
        machine.send("q")
        machine.prompt()
        machine.command("stty rows 0 cols 0")
        equal(machine.command("stty -a")[1], before, "terminal after vmtop")


def test_vmtop_ends_by_signal():
    """Killed from outside it puts the terminal back too."""
    with Machine() as machine:
        machine.prompt()
        machine.command("stty rows 24 cols 80")
        # Whoever sees the terminal raw knows that vmtop has it.
        machine.send("sh -c '(until stty -a </dev/console | grep -q -e -icanon; do :; done; "
                     "kill $$) & exec vmtop'" + RETURN)
        machine.expect(r"\x1b\[\?25h")
        machine.prompt()
        check("-icanon" not in machine.command("stty -a")[1], "the terminal is raw")


def test_vmtop_small_window():
    """Nothing is wider or higher than the window."""
    with Machine() as machine:
        machine.prompt()
        machine.command("stty rows 8 cols 40")
        machine.send("vmtop" + RETURN)
        machine.expect(r"sorted|EVENTS|MEMORY")
        machine.send("s")
        machine.expect(r"PID S ")
        machine.send("q")
        machine.expect(r"\x1b\[\?25h")
        for picture in machine.text.split("\x1b[H")[1:-1]:
            lines = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\r", "", picture).split("\n")
            check(len(lines) <= 8, f"{len(lines)} lines")
            check(max(map(len, lines)) < 40, f"a line of {max(map(len, lines))} columns")
        machine.prompt()


# --- Debian's own tools ---

def procps(*commands):
    """What each command of Debian's procps prints, all in one machine; each must succeed."""
    image = os.path.join(OUT, "debian", "debian.img")
    check(os.path.exists(image), f"no {image}: make debian.img")
    script = "; ".join(f"echo '@@ {command}'; TERM=dumb /usr/bin/{command} || exit 9"
                       for command in commands)
    text = run(script, image=image, status=0, timeout=240).text
    return [part.split("\n", 1)[1] for part in re.split(r"^@@ ", text, flags=re.M)[1:]]


@full_only
def test_procps_memory():
    """free, vmstat and slabtop of Debian find their numbers."""
    free, vmstat, active, slabs, slabtop, summary = procps(
        "free -k", "vmstat 1 2", "vmstat -a", "vmstat -m", "slabtop -o", "vmstat -s")
    total, used, available = rows_of(free, r"^Mem: +(\d+) +(\d+) +\d+ +\d+ +\d+ +(\d+)$")[0]
    check(120000 < int(total) < 131072 and int(used) < 40000 < int(available), free)
    check(len(rows_of(vmstat, r"^ *\d+ +\d+ +0 +(\d{5,6}) ")) == 2, vmstat)
    check(len(rows_of(active, r"^ *\d+ +\d+ +0 +(\d{5,6}) +\d+ +\d+ ")) == 1, active)
    check(re.search(r"^kmalloc-1024 +\d+ +\d+ +1024 +4$", slabs, re.M), slabs)
    check(re.search(r"^ *\d+ +\d+ +\d+% .* vma *$", slabtop, re.M), slabtop)
    check(re.search(rf"^ +{total} K total memory$", summary, re.M), summary)


@full_only
def test_procps_processes():
    """ps, pmap, top and pgrep of Debian find the processes, and what they are made of."""
    everyone, tree, init, extended, top, found = procps(
        "ps aux", "ps -e -o pid,ppid,rss,vsz,stat,comm", "pmap 1", "pmap -x 1", "top -b -n 1",
        "pgrep -x init")
    check(re.search(r"^root +1 .* /sbin/init$", everyone, re.M), everyone)
    rss, vsz = rows_of(tree, r"^ +1 +0 +(\d+) +(\d+) S\S* +init$")[0]
    equal(rows_of(init, r"^ total +(\d+)K$")[0][0], vsz, "size by pmap")
    areas = rows_of(extended, r"^[0-9a-f]{16} +(\d+) +(\d+) +(\d+) [-rwxsp]{5} ")
    check(len(areas) > 3, extended)
    equal(sum(int(area[0]) for area in areas), int(vsz), "size by pmap -x")
    equal(sum(int(area[1]) for area in areas), int(rss), "resident by pmap -x")
    check(re.search(r"^ +1 root .* S .* init *$", top, re.M), top)
    check(re.search(r"^MiB Mem : +12\d\.\d total", top, re.M), top)
    equal(found, "1\n", "pgrep")
