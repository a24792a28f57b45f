"""Starts a program that the kernel interrupts when its parent dies. A script of its own, standard library only.

    python -I -S starter.py PARENT PROGRAM [ARGUMENT]...

An interrupt, not a kill: the engine then saves its state, lets go of its lock and ends. What was under way may stay in
the state as pending, for the next update to find. The setting survives `exec`, so nothing of this script stays.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != int(sys.argv[1]):  # it died before the kernel was asked
        sys.exit(128 + signal.SIGINT)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what our own process asks for, without a shell
