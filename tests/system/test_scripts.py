"""What runs on the host beside the machine: the report of what failed, tests side by side."""
import os
import sys

from lib import SCRIPTS, check, equal, host, scratch

LOG = """=== usertests
--- usertests on 2 harts with 128M
test a_good ... ok
test a_bad ... [   12.5] vda: a message in between
FAIL: a.c:7: x is 1, not 2 (2)
1 passed, 1 failed, 0 skipped
make: *** [test.mk:35: usertests] Error 1
=== system-tests
[1/2] boot.prompt ... FAILED (30.1 s)
Failure: no 'prompt' within 30 s
--- console
""" + "".join(f"line {n}\n" for n in range(500)) + """---
[2/2] boot.other ... ok (1.0 s)
FAILED boot.prompt
1 passed, 1 failed
=== host-tests
cc: error: it does not build
make: *** [host.mk:9: test_x] Error 1
=== lint
[1/1] lint style ... ok (0.1 s)
=== sum
FAILED usertests          1 passed, 1 failed, 0 skipped (9 s)
FAILED system-tests       1 passed, 1 failed, 0 skipped (9 s)
FAILED host-tests         0 passed, 1 failed, 0 skipped (9 s)
ok     lint               1 passed, 0 failed, 0 skipped (9 s)
3 passed, 3 failed
"""


def failures(text, *options):
    path = os.path.join(scratch(), "log")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return host([os.path.join(SCRIPTS, "failures"), *options, path]).splitlines()


def test_failures_are_told():
    """Each failed test with its reason, whatever suite it is of; none that passed."""
    lines = failures(LOG)
    for wanted in ("FAIL: a.c:7: x is 1, not 2 (2)", "Failure: no 'prompt' within 30 s",
                   "line 499", "make: *** [host.mk:9: test_x] Error 1"):
        check(wanted in lines, f"{wanted!r} is not in {lines}")
    check(not any("ok" in line.split() for line in lines), f"a test that passed is in {lines}")
    check(len(lines) <= 200, f"{len(lines)} lines")


def test_failures_are_named():
    """One line for each, as it stands under a suite's counts."""
    equal(failures(LOG, "--names"), ["test a_bad ... [   12.5] vda: a message in between",
                                     "[1/2] boot.prompt ... FAILED (30.1 s)",
                                     "make: *** [host.mk:9: test_x] Error 1"], "lines")


def test_failures_are_few_lines():
    """Many failures share the lines there are; a run that was cut short shows its end."""
    many = "".join(f"test t_{n} ... FAIL: t.c:{n}: no\n" for n in range(300))
    equal(len(failures("=== usertests\n" + many, "--lines", "50")), 50, "lines")
    cut = failures("=== lint\n[1/1] lint x ... ok\n=== usertests\ntest t_hangs ... ")
    equal(cut[-1], "test t_hangs ... ", "the last line")


INORDER = """
import os, time, inorder
def hear():
    with open("fifo") as file:
        print("heard", file.read(), flush=True)
    return 1
def say():
    print("said", flush=True)
    with open("fifo", "w") as file:
        file.write("x" * 100000)
    return "r" * 100000
def end():
    os._exit(3)
os.mkfifo("fifo")
results = list(inorder.run_in_order([hear, say, end, lambda: len("abc")], 2))
print([len(r) if isinstance(r, str) else r for r in results])
"""


def test_side_by_side():
    """Two that wait for each other both come to an end; results and output keep the order."""
    lines = host(["env", "-C", scratch(), "PYTHONPATH=" + SCRIPTS, sys.executable, "-c",
                  INORDER]).splitlines()
    equal(lines, ["heard " + "x" * 100000, "said", "[1, 100000, None, 3]"], "output")


# An apt whose mirror has lists that fit their Release under the names in $GOOD only.
APT = r"""#!/bin/sh
for option; do
	case $option in
	Dir::State::lists=*) lists=${option#*=} ;;
	Dir::Etc::sourcelist=*) sources=${option#*=} ;;
	update) update=yes ;;
	esac
done
[ -n "$update" ] || exit 1
rm -f "$lists"/*Release
sed 's/.* \([a-z-]*\) main$/\1/' "$sources" | while read -r suite; do
	codename=$(echo " $GOOD " | sed -n "s/.* $suite=\([a-z-]*\) .*/\1/p")
	[ -n "$codename" ] || exit 100
	echo "Codename: $codename" > "$lists/m_dists_${suite}_InRelease"
done
"""

LISTS = """
log=log
. "$SCRIPTS/apt-private.sh"
apt_private . riscv64 "$@"
apt_lists && sed 's/.* m //' apt/sources.list | tr '\\n' '+' || echo none
"""


def lists(good, *suites):
    folder = scratch()
    with open(os.path.join(folder, "apt-get"), "w", encoding="ascii") as file:
        file.write(APT)
    os.chmod(os.path.join(folder, "apt-get"), 0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "MIRROR": "m", "KEYRING": "k",
           "GOOD": good, "SCRIPTS": SCRIPTS}
    return host(["env", "-C", folder, *(f"{k}={v}" for k, v in env.items()),
                 "sh", "-eu", "-c", LISTS, "sh", *suites]).strip()


def test_lists_of_a_mirror_in_between():
    """Where a suite's lists do not fit under its own name they may under another."""
    equal(lists("trixie=trixie", "trixie"), "trixie main+", "its own name")
    equal(lists("stable=trixie", "trixie"), "stable main+", "its other name")
    equal(lists("stable=forky oldstable=trixie", "trixie"), "oldstable main+", "an older suite")
    equal(lists("stable=forky testing=duke", "trixie"), "none", "other suites")
    equal(lists("bookworm=bookworm oldstable=bookworm oldstable-backports=bookworm-backports",
                "bookworm", "bookworm-backports"),
          "oldstable main+oldstable-backports main+", "two suites")
