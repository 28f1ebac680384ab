#!/usr/bin/env python3
"""Runs the system tests: all functions test_* of the files test_*.py in this folder.

runner.py [--full] [--list] [--results FILE] [NAME...]

A NAME is a part of a test's name.  One line for each test; the console of a failing one is
printed.  The last line is the count.  Several tests run at a time, each in a process of its own.
"""
import argparse
import collections
import functools
import importlib
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lib  # noqa: E402  pylint: disable=wrong-import-position

sys.path.append(lib.SCRIPTS)

import inorder  # noqa: E402  pylint: disable=wrong-import-position

CONSOLE_LINES = 150

Test = collections.namedtuple("Test", "name function arguments full")


def case_name(name, arguments):
    if not arguments:
        return name
    return name + "[" + ",".join(f"{key}={value}" for key, value in arguments.items()) + "]"


def cases_of(module):
    """The tests of a file, in its order."""
    found = []
    for name, function in vars(module).items():
        if not name.startswith("test_") or not callable(function):
            continue
        full_only = getattr(function, "full_only", False)
        for arguments, full in getattr(function, "cases", [({}, False)]):
            label = module.__name__[len("test_"):] + "." + name[len("test_"):]
            found.append(Test(case_name(label, arguments), function, arguments,
                              full or full_only))
    return found


def collect(args):
    tests = []
    for file in sorted(os.listdir(HERE)):
        if file.startswith("test_") and file.endswith(".py"):
            tests += cases_of(importlib.import_module(file[:-3]))
    if args.names:
        tests = [test for test in tests if any(part in test.name for part in args.names)]
    if args.level == "full":
        return [test for test in tests if test.full]
    return [test for test in tests if not test.full or args.level == "all"]


def run_one(function, arguments):
    """Returns (verdict, text)."""
    lib.begin_test()
    try:
        function(**arguments)
        return "ok", ""
    except lib.Skip as skip:
        return "skipped", str(skip)
    except Exception:  # pylint: disable=broad-exception-caught
        # What the test tripped over, and the console it saw.
        report = traceback.format_exc(limit=-4)
        for text in lib.consoles():
            lines = text.replace("\r", "").split("\n")[-CONSOLE_LINES:]
            report += "--- console\n" + "\n".join(lines) + "\n---\n"
        return "FAILED", report
    finally:
        lib.end_test()


def run_told(title, test):
    """Runs a test and prints what there is to say of it; returns the verdict."""
    # Whoever ends the tests ends their machines, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    print(f"{title} ... ", end="", flush=True)
    start = time.monotonic()
    verdict, text = run_one(test.function, test.arguments)
    reason = f": {text}" if verdict == "skipped" else ""
    print(f"{verdict}{reason} ({time.monotonic() - start:.1f} s)", flush=True)
    if verdict == "FAILED":
        print(text, flush=True)
    return verdict


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", choices=["test", "full", "all"], default="test",
                        help="test: those of `make test`; full: only the rest; all: both")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--results", help="a file for the counts")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    tests = collect(args)
    if args.list:
        print("\n".join(test.name for test in tests))
        return 0
    told = [functools.partial(run_told, f"[{number}/{len(tests)}] {test.name}", test)
            for number, test in enumerate(tests, 1)]
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    failures = []
    for test, verdict in zip(tests, inorder.run_in_order(told)):
        counts[verdict or "FAILED"] += 1
        if verdict in ("FAILED", None):
            failures.append(test.name)
    for name in failures:
        print("FAILED", name)
    if args.results:
        os.makedirs(os.path.dirname(args.results) or ".", exist_ok=True)
        with open(args.results, "w", encoding="ascii") as results:
            print(counts["ok"], counts["FAILED"], counts["skipped"], file=results)
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['ok']} passed, {counts['FAILED']} failed{skipped}")
    return 1 if counts["FAILED"] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
