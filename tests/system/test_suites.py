"""What the suites that were written for Linux make of two kernels' consoles, on the host."""
import contextlib
import io
import sys

from lib import SCRIPTS, check, equal

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
