#!/usr/bin/env python3
"""subreaper.py FILE COMMAND...: runs a command, then writes into FILE what has outlived it.

As the subreaper of whatever it starts, it inherits every process that the command's own processes
left without a parent, wherever those went: into another session, group, namespace or name. One line
each: "PID NAME COMMAND". Those that have ended are reaped, as init would, and do not count. The exit
status is the command's.
"""
import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def reap():
    """Ended children; as often as there are any."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def children():
    """Lines about the processes whose parent is this one."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf8', errors='replace') as file:
                stat = file.read()
            with open(f'/proc/{pid}/cmdline', encoding='utf8', errors='replace') as file:
                words = file.read().replace('\0', ' ').strip()
        except OSError:
            continue
        name = stat[stat.index('(') + 1:stat.rindex(')')]
        state, parent = stat[stat.rindex(')') + 2:].split()[:2]
        if int(parent) == os.getpid() and state != 'Z':
            found.append(f'{pid} {name} {words}')
    return found


def main():
    """Runs, reaps, tells."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    status = subprocess.run(sys.argv[2:], check=False).returncode
    reap()
    with open(sys.argv[1], 'w', encoding='utf8') as file:
        file.write(''.join(line + '\n' for line in children()))
    sys.exit(status if status >= 0 else 128 - status)


main()
