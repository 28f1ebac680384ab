"""Small programs linked with glibc, as anybody would write them: tests/programs/."""
import os
import shutil

from lib import OUT, TOP, Skip, cases, check, equal, run, scratch

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
