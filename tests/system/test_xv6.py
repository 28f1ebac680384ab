"""Programs in xv6's style: `make xv6` builds those of tests/xv6 and puts them on a disk."""
import os
import re

from lib import OUT, TOP, building, cases, check, copy_of_root, equal, fsck, make, run, tree_of

FOLDER = os.path.join(TOP, "tests", "xv6")
NAMES = sorted(name[:-2] for name in os.listdir(FOLDER) if name.endswith(".c"))
PROTOTYPE = re.compile(r"^[a-z].*?\b(\w+)\(.*\)(?: __attribute__.*)?;", re.M)


def build(source, image):
    done = make("xv6", f"SRC={source}", f"ROOT={image}")
    equal(done.returncode, 0, "make xv6: " + done.stderr.decode())


@cases({"smp": 1}, {"smp": 4})
def test_calls(smp):
    """Every call does what an xv6 program expects of it."""
    image = copy_of_root()
    build(FOLDER, image)
    for name in NAMES:
        with open(os.path.join(FOLDER, name + ".out"), encoding="ascii") as file:
            equal(run(f"cd /tmp; /xv6/bin/{name}", root=image, smp=smp, timeout=120,
                      status=0).text, file.read(), name)
    fsck(image)


def test_all_prototypes():
    """What user.h declares, a program of ours calls."""
    with open(os.path.join(TOP, "user/xv6/user/user.h"), encoding="ascii") as file:
        declared = set(PROTOTYPE.findall(file.read()))
    called = set()
    for name in NAMES:
        with open(os.path.join(FOLDER, name + ".c"), encoding="ascii") as file:
            called |= set(re.findall(r"\b(\w+)\(", file.read()))
    check(len(declared) > 40, f"only {len(declared)} prototypes found")
    equal(sorted(declared - called), [], "declared, and called by no test")


def test_source_tree():
    """A tree with user/*.c; its own library is left out, and so is what was built before."""
    program = '#include "kernel/types.h"\n#include "user/user.h"\n' \
              'int main(int argc, char *argv[])\n' \
              '{\n\tprintf("%s\\n", argc > 1 ? argv[1] : "alone");\n\texit(0);\n}\n'
    image = copy_of_root()
    with building():
        build(FOLDER, image)
        build(tree_of({"user/hello.c": program, "user/ulib.c": "#error",
                       "user/printf.c": "#error", "user/umalloc.c": "#error"}), image)
        equal(os.listdir(os.path.join(OUT, "xv6/xv6/bin")), ["hello"], "programs built")
    equal(run("/xv6/bin/hello; /xv6/bin/hello xv6", root=image, status=0).text, "alone\nxv6\n",
          "output")
    check(make("xv6", f"SRC={tree_of({'a.txt': ''}, 'empty')}").returncode != 0,
          "a folder without programs")
