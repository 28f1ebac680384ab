"""What the suites of tests/kselftest and tests/libc make of two kernels' consoles, on the host."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys

from lib import SCRIPTS, TOP, check, equal, scratch

sys.path.insert(0, SCRIPTS)
import judged  # noqa: E402 pylint: disable=wrong-import-position,wrong-import-order

LINUX = """== /d/a x
one\r
two
== exit 0
== /d/b

== exit 1
== /d/c
== not a mark
== exit 0
== /d/e
== exit 0
== /d/f
"""


def suite():
    loader = importlib.machinery.SourceFileLoader("suite", os.path.join(SCRIPTS, "libc-suite"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("suite", loader))
    loader.exec_module(module)
    return module


def compared(wanted, found, *left_out):
    """(counts, what was printed) of the program p whose only test is itself."""
    count, out = [0, 0, 0], io.StringIO()
    with contextlib.redirect_stdout(out):
        judged.compare("p", wanted, found, lambda _, status: {"exit": status == 0},
                       [judged.LeftOut(line) for line in left_out], count)
    return count, out.getvalue()


def test_results_of_a_console():
    """Each program's output and status; none for the one in which the machine stopped."""
    equal(list(judged.results(LINUX).items()),
          [("/d/a x", ("one\ntwo\n", 0)), ("/d/b", ("\n", 1)),
           ("/d/c", ("== not a mark\n", 0)), ("/d/e", ("", 0)), ("/d/f", ("", None))],
          "results")


def test_what_linux_passes_must_pass():
    """Passed, failed, skipped: also where a kernel stopped, or a program does not start."""
    good, bad = ("", 0), ("why\n", 1)
    equal(compared(good, good), ([1, 0, 0], ""), "both pass")
    equal(compared(bad, good)[0], [0, 0, 1], "Linux fails")
    equal(compared(("", 77), ("", 77))[0], [0, 0, 1], "neither supports it")
    for found in (bad, ("", 77), ("", 124), ("", 127), ("", None), None):
        equal(compared(good, found)[0], [0, 1, 0], f"xv39: {found}")
    for wanted in (("", 127), ("", None), None):
        equal(compared(wanted, good)[0], [0, 1, 0], f"Linux: {wanted}")
    check("status 1\n    why" in compared(good, bad)[1], "the reason is not shown")


def test_left_out_is_skipped_or_named():
    """A failure that is left out is skipped; an entry without a failure is named."""
    equal(compared(("", 0), ("", 1), "p | exit | why"), ([0, 0, 1], ""), "left out")
    equal(compared(("", 0), ("", None), "p | exit | why"), ([0, 0, 1], ""), "stops")
    equal(compared(("", 0), ("", 1), "q | exit | why")[0], [0, 1, 0], "another program's")
    equal(compared(("", 0), ("", 0), "p | exit | why"),
          ([1, 0, 0], "p: nothing fails that left-out says: exit\n"), "passes")


def test_slices_go_on_behind_a_stop():
    """A machine that stops in a test is started again behind it; one that does nothing is not."""
    names, started, libc = ["/d/a", "/d/b", "/d/c"], [], suite()

    class Args:
        dir, timeout, end = "/d", 9, float("inf")

    def machine(_args, _image, _seconds, words):
        first, count = map(int, words.split("echo ")[1].split()[:2])
        started.append((first, count))
        return {name: ("", None if name == "/d/b" else 0)
                for name in names[first:first + count][:2 - first % 2]}

    found = libc.run_slice(Args, machine, "", 0, 3)
    equal([found[name][1] for name in names], [0, None, 0], "statuses")
    equal(started, [(0, 3), (2, 1)], "boots")
    equal(libc.run_slice(Args, lambda *_: {}, "", 0, 3), {}, "a machine that does nothing")


def test_limits_of_libc_tests():
    """A test may take what it says itself, stretched; else glibc's own limit."""
    path, libc = os.path.join(scratch(), "tst-x.c"), suite()
    with open(path, "w", encoding="ascii") as file:
        file.write("#define TEST 1\n# define TIMEOUT (300)\n")
    check(libc.seconds_for([]) > 100, "too short")
    check(libc.seconds_for([path]) > 300 * libc.FACTOR, "shorter than its own limit")


def test_how_a_libc_test_runs_is_noted():
    """The wrapper of glibc's makefiles leaves a script that runs the test as they would."""
    folder = scratch()
    out = os.path.join(folder, "tst-x.out")
    with open(out, "w", encoding="ascii") as file:
        done = subprocess.run([os.path.join(TOP, "tests", "libc", "note"), "env", "A=it's",
                               "sh", "-c", "echo $A; pwd; exit 3"], cwd=folder, stdout=file,
                              stdin=subprocess.DEVNULL, check=False)
    equal(done.returncode, 77, "the wrapper's status")
    done = subprocess.run([os.path.join(folder, "tst-x.cmd")], stdout=subprocess.PIPE,
                          text=True, check=False)
    equal((done.returncode, done.stdout), (3, f"it's\n{folder}\n"), "status and output")
