#!/usr/bin/env python3
"""Compares our tools with the ones of GNU that the host has, case by case.

run.py --toolbox FILE [--emulator qemu-riscv64] [--results FILE] [TEXT ...]

Each line of cases.txt is run twice by the host's sh in folders with the same files: once with the
names of the toolbox in front of the path, once without.  TEXT runs only the cases that hold it.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 120
FILES = {
    "words": "banana\napple\ncherry\napp le\na.b\ndate\nApple\n",
    "nums": "10\n9\n-3\n2.5\n100\n0\n",
    "table": "x\t3 one\ny\t1 two\nz\t2 two\n a b  c\n",
    "dup": "a\na\nA\n\n\n\nb\nb\na\ndate\n",
    "nonl": "banana\nend",
    "empty": "",
    "sub/a": "alpha\n",
    "sub/b.c": "int x;\n",
    "sub/deep/x": "x marks\n" * 300,
}


def folder_make(path):
    for name, text in FILES.items():
        whole = os.path.join(path, name)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="ascii") as f:
            f.write(text)
        os.utime(whole, (1700000000, 1700000000))
    os.symlink("words", os.path.join(path, "link"))


def names_make(args, folder):
    """A folder with every name of the toolbox."""
    prefix = [args.emulator] if args.emulator else []
    listed = subprocess.run(prefix + [args.toolbox], stdout=subprocess.PIPE, check=True, text=True,
                            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    toolbox = os.path.abspath(args.toolbox)
    for name in listed.stdout.split():
        place = os.path.join(folder, name)
        if not args.emulator:
            os.symlink(toolbox, place)
            continue
        with open(place, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\nexec {args.emulator} -0 {name} {toolbox} "$@"\n')
        os.chmod(place, 0o755)


def case_run(line, path, work):
    folder = os.path.join(work, "t")
    shutil.rmtree(folder, ignore_errors=True)
    folder_make(folder)
    env = {"PATH": path, "LC_ALL": "C", "HOME": "/", "TZ": "UTC0",
           "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
    try:
        done = subprocess.run(["/bin/sh", "-c", "umask 022; " + line], cwd=folder, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return b"", "timeout", b""
    return done.stdout, done.returncode, done.stderr


def report(line, ours, theirs):
    print(f"FAIL  {line}")
    for who, (out, status, errors) in (("ours", ours), ("GNU", theirs)):
        print(f"  {who}: status {status}")
        for text in (out, errors):
            for row in text.decode(errors="replace").splitlines()[:12]:
                print(f"    {row}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--toolbox", required=True)
    parser.add_argument("--emulator")
    parser.add_argument("--results", help="file for the counts")
    parser.add_argument("only", nargs="*", metavar="TEXT")
    args = parser.parse_args()
    with open(os.path.join(HERE, "cases.txt"), encoding="ascii") as f:
        cases = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
    if args.only:
        cases = [line for line in cases if any(text in line for text in args.only)]
    system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    failed = 0
    with tempfile.TemporaryDirectory(prefix="xv39-tools-") as work:
        names = os.path.join(work, "bin")
        os.mkdir(names)
        names_make(args, names)
        for line in cases:
            theirs = case_run(line, system, work)
            ours = case_run(line, names + ":" + system, work)
            if ours[:2] != theirs[:2]:
                failed += 1
                report(line, ours, theirs)
    summary = f"{len(cases) - failed} passed, {failed} failed"
    if args.results:
        os.makedirs(os.path.dirname(args.results) or ".", exist_ok=True)
        with open(args.results, "w", encoding="ascii") as f:
            f.write(f"{len(cases) - failed} {failed} 0\n")
    print(summary)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
