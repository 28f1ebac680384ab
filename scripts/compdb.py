#!/usr/bin/env python3
"""Writes compile_commands.json for the source files named on standard input.

compdb.py 'COMPILER FLAGS' < files > compile_commands.json
"""
import json
import os
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    entries = [{"directory": os.getcwd(), "file": name, "command": f"{sys.argv[1]} -c {name}"}
               for name in sys.stdin.read().split()]
    json.dump(entries, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
