"""Small programs linked with glibc, as anybody would write them: tests/programs/."""
import os
import shutil

from lib import OUT, TOP, Skip, cases, check, equal, host, run, scratch, tree_of

FOLDER = os.path.join(TOP, "tests", "programs")
NAMES = sorted(name[:-2] for name in os.listdir(FOLDER) if name.endswith(".c"))
# What a program needs on the root besides itself; where the host has it is where it goes.
NEEDS = {"locales": "/usr/lib/locale/C.utf8"}
NOT_YET = 77


def extra_of(name):
    folder = os.path.join(scratch(), "extra")
    os.makedirs(os.path.join(folder, "test"))
    shutil.copy(os.path.join(OUT, "user", "programs", name), os.path.join(folder, "test", name))
    need = NEEDS.get(name)
    if need:
        if not os.path.isdir(need):
            raise Skip(f"the host has no {need}")
        shutil.copytree(need, folder + need)
    return folder


@cases(*({"name": name} for name in NAMES))
def test_program(name):
    with open(os.path.join(FOLDER, name + ".out"), encoding="utf-8") as file:
        wanted = file.read()
    result = run(f"mkdir /tmp/here; cd /tmp/here && /test/{name}",
                 extra=extra_of(name), smp=2, timeout=120)
    if result.status == NOT_YET:
        raise Skip(result.text.strip())
    check(result.status == 0, f"status {result.status}: {result.text[-500:]}")
    equal(result.text, wanted, "output")


@cases({"pie": True}, {"pie": False})
def test_dynamic(pie):
    """A program with an interpreter and a shared library, at any address and at its own."""
    tree = tree_of({"hello.c": "#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n"})
    os.makedirs(os.path.join(tree, "lib"))
    cross = os.environ.get("UCROSS", "riscv64-linux-gnu-") + "gcc"
    for name in ("ld-linux-riscv64-lp64d.so.1", "libc.so.6"):
        shutil.copy(host([cross, f"-print-file-name={name}"]).strip(), os.path.join(tree, "lib"))
    host([cross, "-pie" if pie else "-no-pie", "-fPIE" if pie else "-fno-pie", "-o",
          os.path.join(tree, "hello"), os.path.join(tree, "hello.c")])
    # Where things are is random: often enough to meet what depends on it.
    equal(run("for i in 1 2 3 4 5 6 7 8; do /hello; done", extra=tree, status=0).text,
          "hello\n" * 8, "output")


def test_unknown_calls():
    """A call that is not there: ENOSYS, and one line in the kernel's messages."""
    tree = tree_of({"asks.c": """
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        int main(int argc, char **argv)
        {
                for (int i = 1; i < argc; i++)
                        printf("%d", syscall(atoi(argv[i]), 0) == -1 && errno == ENOSYS);
                puts("");
        }
        """})
    cross = os.environ.get("UCROSS", "riscv64-linux-gnu-") + "gcc"
    host([cross, "-static", "-o", os.path.join(tree, "asks"), os.path.join(tree, "asks.c")])
    # Numbers that Linux has given to nothing on this architecture.
    lines = run("/asks 250 250 251 100000; /asks 251 252; dmesg", extra=tree,
                status=0).text.splitlines()
    equal(lines[:2], ["1111", "11"], "ENOSYS")
    said = [line.split("] ")[-1] for line in lines if "unknown system call" in line]
    equal(said, [f"asks: unknown system call {n}" for n in (250, 251, 252)], "dmesg")
