#!/usr/bin/env python3
"""Checks that no source file includes upwards.

Between folders: a table of what each may include.  Inside mm/: every file has a layer, and may
include its own layer and those below.  Needs that point upwards are met by hooks (function
pointers set at boot) and ops tables.  Also: no circle of includes.

layering.py            checks the tree, one line for each offence
layering.py --table    prints the layers of mm/
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

# What a folder may include: folders, or single headers.
FOLDERS = {
    "lib": ["lib", "kernel/types.h", "kernel/uapi/errno.h"],
    "mm": ["lib", "mm", "kernel"],
    "fs": ["lib", "mm", "kernel", "fs", "drivers/block.h", "drivers/tty/pty.h",
           "drivers/tty/tty.h"],
    "drivers": ["lib", "mm", "kernel", "drivers"],
    # The kernel's own memory: of mm/ it knows RAM alone.
    "kernel/mem": ["lib", "kernel", *(f"mm/{noun}.h" for noun in
                                      ("frame", "init", "inject", "percpu", "pte"))],
    # Where pages go. Of mm/ it knows who is there, and how they come back.
    "kernel/swap": ["lib", "kernel", "fs", "mm", "drivers/block.h"],
    "kernel/uapi": ["kernel/uapi", "kernel/types.h"],
    "kernel": ["lib", "mm", "kernel", "fs", "drivers"],
}

# mm/ from the ground up.  A file's name without its ending is its noun.
MM_LAYERS = [
    ["pte", "page", "frame", "policy", "stat", "inject"],
    ["tlb", "areas"],
    ["pagetable", "share", "rmap", "thp"],
    ["object", "pagecache", "writeback", "shm"],
    ["vma"],
    ["reclaim"],
    ["aspace", "commit", "fork", "fault", "evict", "swap"],
    ["usercopy", "mmap", "mremap", "madvise", "mlock", "userfault", "init"],
]
# Headers that stand on nothing: constants, and what the start-up calls.
MM_GROUND = {"mm/init.h", "mm/percpu.h", "mm/event.h", "mm/types.h", "mm/pte.h"}
MM_LAYER = {noun: level for level, nouns in enumerate(MM_LAYERS) for noun in nouns}

# What mm/ below the address space may not know: processes, programs, system calls.
UPPER_KERNEL = {"kernel/process.h", "kernel/exec.h", "kernel/syscall.h", "kernel/signal.h"}

# Address spaces and the system calls above them keep references to open files; the page cache and
# what lies below it know a file system only as an ops table.
FILES = "fs/file.h"


def above_pagecache(path):
    return MM_LAYER.get(noun_of(path), 0) >= MM_LAYER["aspace"]


def sources():
    for top in ("kernel", "mm", "fs", "drivers", "lib"):
        for folder, subs, files in os.walk(top):
            subs.sort()
            for name in sorted(files):
                if name.endswith((".c", ".h", ".S")):
                    yield os.path.join(folder, name)


def includes_of(path):
    with open(path, encoding="utf-8") as file:
        return INCLUDE.findall(file.read())


def folder_of(path):
    """The entry of FOLDERS for a path: the longest one that it lies in."""
    return max((name for name in FOLDERS if path.startswith(name + "/")), key=len, default=None)


def noun_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def allowed(folder, header):
    return any(header == entry or header.startswith(entry + "/") for entry in FOLDERS[folder])


def check_mm(path, header):
    level = 0 if path in MM_GROUND else MM_LAYER.get(noun_of(path))
    if level is None:
        return "has no layer: give it one in scripts/layering.py"
    if header.startswith("mm/") and header not in MM_GROUND:
        target = MM_LAYER.get(noun_of(header))
        if target is None:
            return f"includes {header}, which has no layer"
        if target > level:
            return f"includes {header}, which lies above it"
    if header in UPPER_KERNEL and level < MM_LAYER["aspace"]:
        return f"includes {header}, which lies above it"
    return None


def offences(graph):
    for path, headers in graph.items():
        folder = folder_of(path)
        for header in headers:
            if not os.path.exists(header):
                yield f"{path}: includes {header}, which is not a path from the top of the tree"
            elif folder == "mm" and header == FILES and above_pagecache(path):
                pass
            elif not allowed(folder, header):
                yield f"{path}: {folder}/ may not include {header}"
            elif folder == "mm":
                problem = check_mm(path, header)
                if problem:
                    yield f"{path}: {problem}"


def circles(graph):
    """Include circles, each found once."""
    done, trail = set(), []

    def visit(path):
        if path in trail:
            yield " -> ".join([*trail[trail.index(path):], path])
            return
        if path in done:
            return
        trail.append(path)
        for header in graph.get(path, []):
            yield from visit(header)
        trail.pop()
        done.add(path)

    for path in sorted(graph):
        yield from (f"circle of includes: {circle}" for circle in visit(path))


def main():
    if sys.argv[1:] == ["--table"]:
        for nouns in reversed(MM_LAYERS):
            print("  " + ", ".join(nouns))
        return 0
    graph = {path: includes_of(path) for path in sources()}
    found = [*offences(graph), *circles(graph)]
    for line in dict.fromkeys(found):
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
