"""Hardware that leaves more to the kernel than QEMU usually does (see also usertests-hardware)."""
import os
import re

from lib import OUT, SCRIPTS, Machine, building, cases, check, equal, full_only, host, run


@building()
def svade_qemu():
    """A QEMU that can leave A and D bits to software."""
    folder = os.path.join(OUT, "qemu")
    host([os.path.join(SCRIPTS, "qemu-fetch"), folder])
    return os.path.join(folder, "qemu-system-riscv64")


@full_only
@cases(*({"smp": n} for n in (1, 4)))
def test_selftest_svade(smp):
    """The tests inside the debug kernel where A and D bits fault, and there is no Sstc."""
    with Machine(debug=True, append="selftest", smp=smp, limit=300, qemu=svade_qemu(),
                 qemuflags="-cpu rv64,svade=on,svadu=off,sstc=off") as machine:
        status = machine.wait_stop(300)
        check(re.search(r"ISA Extensions.*svade", machine.text), "the machine has no Svade")
        match = re.search(r"selftest: (\d+) passed, (\d+) failed", machine.text)
        check(match and int(match[1]) > 0, "no self test ran")
        equal((int(match[2]), status), (0, 0), "failed self tests, and the status")


@full_only
@cases(*({"smp": n} for n in (1, 4)))
def test_whole_fences(smp):
    """Cores that can only fence page tables as a whole (CIP-1200)."""
    result = run("usertests cow_hammered_by_threads cow_three_generations mmap", smp=smp,
                 debug=True, append="errata=fence", timeout=240, status=0)
    check("(CIP-1200)" in result.log, "the erratum is not in force")
    check(re.search(r"^[1-9]\d* passed, 0 failed", result.text, re.M), result.text)
