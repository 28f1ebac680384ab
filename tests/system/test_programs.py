"""Small programs linked with glibc, as anybody would write them, and the tools, by their output.

A program of tests/programs/ passes when it exits with 0 and prints what tests/programs/NAME.out
holds (where there is such a file).
"""
import os

from lib import OUT, TOP, cases, equal, run, scratch

FOLDER = os.path.join(TOP, "tests", "programs")
NAMES = sorted(name[:-2] for name in os.listdir(FOLDER) if name.endswith(".c")) \
    if os.path.isdir(FOLDER) else []


def extra_of(name):
    folder = os.path.join(scratch(), "extra", "test")
    os.makedirs(folder)
    target = os.path.join(folder, name)
    with open(os.path.join(OUT, "user", "programs", name), "rb") as old, open(target, "wb") as new:
        new.write(old.read())
    os.chmod(target, 0o755)
    return os.path.dirname(folder)


@cases(*({"name": name} for name in NAMES))
def test_program(name):
    result = run(f"cd /tmp; /test/{name}", extra=extra_of(name), smp=2)
    equal((result.status, result.text if result.status else ""), (0, ""), "status and output")
    expected = os.path.join(FOLDER, name + ".out")
    if os.path.exists(expected):
        with open(expected, encoding="utf-8") as file:
            equal(result.text, file.read(), "output")
