#!/usr/bin/env python3
"""Compares kernel/uapi/*.h and kernel/syscalls.def with Linux's own headers for riscv64.

Every constant and every structure (its size, the place and size of each member) that both sides
know under one name must be equal.  Linux's side is what riscv64-linux-gnu-gcc includes.  Output is
in cmocka's form, one test for each of our headers; HOST_VERBOSE=1 lists what Linux does not know.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

LINUX_CC = os.environ.get("LINUX_CC", "riscv64-linux-gnu-gcc")
OUR_CC = os.environ.get("OUR_CC", "riscv64-unknown-elf-gcc")
LINUX_HEADERS = """
    linux/types.h asm/errno.h linux/mman.h asm/signal.h asm/siginfo.h asm/sigcontext.h
    asm/ucontext.h linux/time.h linux/time_types.h linux/resource.h linux/sched.h
    linux/sched/types.h linux/wait.h asm/ioctls.h asm/termbits.h asm/termios.h linux/fcntl.h
    linux/stat.h asm/stat.h asm/statfs.h linux/fs.h linux/uio.h linux/poll.h linux/eventpoll.h
    linux/mount.h linux/magic.h linux/utsname.h linux/sysinfo.h linux/futex.h linux/auxvec.h
    linux/elf.h linux/reboot.h linux/personality.h linux/times.h linux/random.h linux/memfd.h
    linux/close_range.h linux/limits.h linux/rseq.h linux/capability.h linux/membarrier.h
    linux/prctl.h linux/ipc.h linux/msg.h linux/sem.h linux/shm.h linux/falloc.h linux/utime.h
    linux/hdreg.h linux/kdev_t.h linux/loop.h linux/userfaultfd.h linux/timerfd.h
    linux/eventfd.h linux/signalfd.h linux/seccomp.h asm/hwcap.h asm/socket.h
    linux/sockios.h linux/un.h
    linux/pidfd.h linux/ptrace.h linux/inotify.h linux/xattr.h linux/openat2.h linux/ioprio.h
    asm/hwprobe.h linux/in.h linux/tcp.h linux/mqueue.h linux/kcmp.h linux/timex.h linux/acct.h
    linux/fiemap.h linux/aio_abi.h linux/fanotify.h linux/keyctl.h linux/netlink.h
    linux/nsfs.h linux/rtnetlink.h linux/if.h linux/if_arp.h linux/mempolicy.h
    linux/posix_acl.h linux/posix_acl_xattr.h
""".split()
# What glibc's headers say, where the kernel's own say nothing under that name.
LIBC_HEADERS = """
    dirent.h sys/stat.h sys/mman.h sys/wait.h sys/mount.h sys/resource.h sched.h poll.h fcntl.h
    termios.h sys/ioctl.h sys/reboot.h sys/statvfs.h sys/times.h sys/time.h time.h unistd.h limits.h
    sys/auxv.h sys/epoll.h sys/random.h sys/file.h sys/uio.h sys/klog.h signal.h errno.h
    sys/socket.h sys/swap.h sys/un.h sys/procfs.h netinet/in.h netinet/tcp.h
""".split()

# Headers of ours that only a toolchain newer than Linux 6.4 can judge.
NEWER = {"hwprobe", "procmap", "statmount"}

# Names that mean something else in the C library.
EXCEPT = {"NSIG"}

DEFINE = re.compile(r"^\s*#\s*define\s+([A-Za-z]\w*)[ \t]+(?=\S)", re.M)
STRUCT = re.compile(r"^struct\s+(\w+)\s*\{(.*?)^\}", re.M | re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
MEMBER = re.compile(r"(\w+)\s*(?:\[[^\]]*\])*\s*(?:[,;])")


def compile_asm(compiler, source, *flags):
    """Returns (assembly or None, error messages)."""
    with tempfile.TemporaryDirectory(prefix="xv39-uapi-") as work:
        path = os.path.join(work, "probe.c")
        with open(path, "w", encoding="ascii") as file:
            file.write(source)
        done = subprocess.run([compiler, "-std=gnu11", "-S", "-O1", "-w", *flags, "-o", "-", path],
                              check=False, text=True, capture_output=True)
    return (None if done.returncode else done.stdout), done.stderr


def members_of(body):
    """Names of the members at the outermost level of a structure."""
    depth, flat = 0, []
    for char in COMMENT.sub(" ", body):
        depth += char == "{"
        if depth == 0:
            flat.append(char)
        depth -= char == "}"
    return [name for name in MEMBER.findall("".join(flat)) if not name.isdigit()]


def facts_of(header):
    """Expressions about one of our headers: {label: expression}."""
    with open(header, encoding="ascii") as file:
        text = file.read()
    facts = {}
    for name in DEFINE.findall(text):
        if name not in EXCEPT:
            facts[name] = name
    for name, body in STRUCT.findall(text):
        facts[f"sizeof(struct {name})"] = f"sizeof(struct {name})"
        for member in members_of(body):
            access = f"((struct {name} *)0)->{member}"
            facts[f"struct {name}.{member}"] = (
                f"(__builtin_offsetof(struct {name}, {member}) * 65536ull + sizeof({access}))")
    return facts


def evaluate(includes, facts, compiler, *flags):
    """Values of the expressions; the ones that do not compile or are no numbers are left out."""
    left = dict(facts)
    while left:
        labels = list(left)
        lines = [f'#include "{name}"' if "kernel/" in name else f"#include <{name}>"
                 for name in includes]
        first = len(lines) + 1
        lines += [f"const unsigned long long fact_{i} = (unsigned long long)({left[label]});"
                  for i, label in enumerate(labels)]
        asm, errors = compile_asm(compiler, "\n".join(lines) + "\n", *flags)
        if asm is not None:
            values = re.findall(r"^fact_(\d+):\s*\n\s*\.(dword|quad|zero)\s+(-?\d+)", asm, re.M)
            return {labels[int(i)]: 0 if kind == "zero" else int(value) % 2**64
                    for i, kind, value in values}
        bad = {int(n) - first for n in re.findall(r"probe\.c:(\d+):\d+: error", errors)}
        bad = {i for i in bad if 0 <= i < len(labels)}
        if not bad:
            sys.exit(f"cannot compile the probe:\n{errors}")
        for i in bad:
            del left[labels[i]]
    return {}


def usable_headers(headers):
    """Those that exist and can be included together, the first ones winning."""
    chosen = []
    for header in headers:
        source = "".join(f"#include <{name}>\n" for name in chosen + [header])
        if compile_asm(LINUX_CC, source, "-D_GNU_SOURCE")[0] is not None:
            chosen.append(header)
    return chosen


def check_header(header, linux, libc):
    """Returns (number of facts compared, list of differences, list of unknown names)."""
    facts = facts_of(header)
    ours = evaluate([header], facts, OUR_CC, "-I.", "-ffreestanding")
    facts = {label: facts[label] for label in ours}
    theirs = evaluate(linux, facts, LINUX_CC)
    # The C library's structures may be longer than the kernel's.
    rest = {label: text for label, text in facts.items()
            if label not in theirs and not label.startswith("sizeof")}
    theirs.update(evaluate(libc, rest, LINUX_CC, "-D_GNU_SOURCE"))
    wrong = [f"{label} is {ours[label]:#x}, Linux says {theirs[label]:#x}"
             for label in ours if label in theirs and ours[label] != theirs[label]]
    return len(theirs), wrong, [label for label in ours if label not in theirs]


def check_syscalls(path):
    with open(path, encoding="ascii") as file:
        pairs = re.findall(r"^SYSCALL\w*\((\d+),\s*(\w+)", file.read(), re.M)
    facts = {name: f"__NR_{name}" for _, name in pairs}
    theirs = evaluate(["asm/unistd.h"], facts, LINUX_CC)
    wrong = [f"{name} is {number}, Linux says {theirs[name]}"
             for number, name in pairs if name in theirs and theirs[name] != int(number)]
    return len(theirs), wrong, [name for _, name in pairs if name not in theirs]


def main():
    linux, libc = usable_headers(LINUX_HEADERS), usable_headers(LIBC_HEADERS)
    jobs = [(os.path.basename(h)[:-2], lambda h=h: check_header(h, linux, libc))
            for h in sorted(glob.glob("kernel/uapi/*.h"))]
    jobs.append(("syscall_numbers", lambda: check_syscalls("kernel/syscalls.def")))
    failed = False
    for name, job in jobs:
        count, wrong, unknown = job()
        for line in wrong:
            print(f"[  ERROR   ] --- {line}")
        if os.environ.get("HOST_VERBOSE"):
            print(f"{name}: {count} compared; unknown to Linux: {' '.join(unknown)}")
        bad = bool(wrong) or not (count or name in NEWER)
        print(f"[  FAILED  ] uapi_{name}" if bad else f"[       OK ] uapi_{name}")
        failed |= bad
    return failed


if __name__ == "__main__":
    sys.exit(main())
