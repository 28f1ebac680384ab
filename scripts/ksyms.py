#!/usr/bin/env python3
"""Turns `nm -n kernel.elf` into the kernel's own symbol table, for backtraces.

ksyms.py empty            an empty table, for the first link
ksyms.py table < nm       assembly of the table of all functions
ksyms.py check FILE < nm  fails unless the table in FILE still matches the kernel

The table holds text symbols only: they lie before the table in the image, so the second link
cannot move them.  Layout (see kernel/ksyms.h): ksyms_count, then ksyms_addr[] (offsets from
_kernel_start, ascending), ksyms_name[] (offsets into ksyms_text), ksyms_text (NUL-terminated).
"""
import re
import sys

LINE = re.compile(r"^([0-9a-f]+) ([A-Za-z]) (\S+)$")


def read_symbols(stream):
    """Returns [(offset, name)] of the functions, one name for each address, ascending."""
    base, found = None, {}
    for line in stream:
        match = LINE.match(line.strip())
        if not match:
            continue
        addr, kind, name = int(match[1], 16), match[2], match[3]
        if name == "_kernel_start":
            base = addr
        if kind in "tTwW" and not name.startswith((".L", "$", "_kernel_")):
            # Of several names for one address, the first global one is the most telling.
            if addr not in found or (kind in "TW" and found[addr][0] in "tw"):
                found[addr] = (kind, name)
    if base is None:
        sys.exit("ksyms.py: the kernel has no symbol _kernel_start")
    return [(addr - base, name) for addr, (_, name) in sorted(found.items())
            if 0 <= addr - base < 1 << 32]


def emit(symbols):
    out = ['\t.section .rodata.ksyms, "a"', "\t.balign 4"]

    def label(name):
        out.extend([f"\t.globl {name}", f"{name}:"])

    label("ksyms_count")
    out.append(f"\t.word {len(symbols)}")
    label("ksyms_addr")
    out.extend(f"\t.word {addr:#x}" for addr, _ in symbols)
    label("ksyms_name")
    offset = 0
    for _, name in symbols:
        out.append(f"\t.word {offset}")
        offset += len(name) + 1
    label("ksyms_text")
    out.extend(f'\t.asciz "{name}"' for _, name in symbols)
    return "\n".join(out) + "\n"


def main():
    if sys.argv[1:] == ["empty"]:
        sys.stdout.write(emit([]))
    elif sys.argv[1:] == ["table"]:
        sys.stdout.write(emit(read_symbols(sys.stdin)))
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        with open(sys.argv[2], encoding="ascii") as table:
            if table.read() != emit(read_symbols(sys.stdin)):
                sys.exit("ksyms.py: the second link moved the kernel's text; "
                         ".rodata.ksyms must come after .text and last in the read-only data")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
