"""Suites that were written for Linux: run on the judge and on xv39 by tests/kselftest/run.c.

What passes on Linux must pass here.  A result is (output, status): what stood between run's two
marks of a program, and its exit status, None where the machine stopped in it.
"""
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CROSS = "riscv64-linux-gnu-"
NOT_FOUND = 127  # the status of a program that cannot be started
RUN = re.compile(r"^== (/\S[^\n]*)\n((?:(?!== /|== exit )[^\n]*\n)*)(?:== exit (\d+)$)?", re.M)


def lines_of(path):
    """The lines of a list, without comments."""
    with open(path, encoding="ascii") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def run_compile(target):
    subprocess.run([CROSS + "gcc", "-O2", "-Wall", "-Wextra", "-static", "-s", "-o", target,
                    os.path.join(HERE, "..", "tests", "kselftest", "run.c")], check=True)


def results(text):
    """{"/FOLDER/PROGRAM ARGUMENT...": result} in the order of a console's text."""
    return {name: (output, int(status) if status else None)
            for name, output, status in RUN.findall(text.replace("\r", ""))}


def results_of(line):
    """The results that a command prints."""
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    return results(done.stdout)


class LeftOut:
    """A line of a file left-out: PROGRAM | TEST (a pattern) | why."""

    def __init__(self, line):
        self.program, pattern, _ = line.split(" | ", 2)
        self.pattern, self.needed = re.compile(pattern), False

    def covers(self, program, test):
        return self.program == program and self.pattern.fullmatch(test)


def excused(left_out, name, test):
    """Whether this failure is one that is left out."""
    entries = [entry for entry in left_out if entry.covers(name, test)]
    for entry in entries:
        entry.needed = True
    return bool(entries)


def not_run(wanted, found):
    """Why there is nothing to compare, or None."""
    for kernel, result in (("Linux", wanted), ("xv39", found)):
        if result is None:
            return f"{kernel} did not get there"
        if result[1] is None:
            return f"{kernel} stopped in it"
        if result[1] == NOT_FOUND:
            return f"{kernel} cannot start it"
    return None


def why_not(result):
    """How a program ended, and the end of what it printed, as lines below its name."""
    lines = [f"status {result[1]}"] + result[0].strip().splitlines()[-12:]
    return "\n".join("    " + line for line in lines)


def compare(name, wanted, found, tests_of, left_out, count):
    """Says of each test of a program what became of it; adds to count: passed, failed, skipped.

    tests_of: {test: whether it passed} of an output and a status; "exit" is the whole program.
    """
    why = not_run(wanted, found)
    if why and excused(left_out, name, "exit"):
        count[2] += 1
    elif why:
        count[1] += 1
        print(f"{name} ... FAIL: {why}")
        print(why_not(found or wanted or ("", None)))
    if why:
        return
    here, there = tests_of(*found), tests_of(*wanted)
    for test, passed in there.items():
        if passed and here.get(test):
            count[0] += 1
        elif not passed or excused(left_out, name, test):
            count[2] += 1
        else:
            count[1] += 1
            print(f"{name}: {test} ... FAIL: on Linux it passes")
            if test == "exit":
                print(why_not(found))
    for entry in left_out:
        if entry.program == name and not entry.needed:
            print(f"{name}: nothing fails that left-out says: {entry.pattern.pattern}")


def close(path, count):
    """Leaves the counts in a file, if there is one, and prints them; the exit status."""
    if path:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            print(*count, file=file)
    print(f"{count[0]} passed, {count[1]} failed, {count[2]} skipped")
    return 1 if count[1] else 0
