"""Become another program that dies with its parent. Run as a script: nothing of the stack is imported here.

    python -I -S launcher.py --parent PID --death-signal N [--account UID:GID [--search]] -- PROGRAM ARGUMENT…

The order matters: Linux forgets the death signal when the effective user changes, so the account comes first.
A parent that died before the request reached the kernel would never be noticed, hence the look at getppid().

`--search` keeps one capability, the one to pass through directories: a PostgreSQL that must not be root
can then live below a folder that only root may enter (a checkout in root's home), without opening that folder to all.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    """Take the options up to `--`, then replace this process with what follows."""
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    parent = int(options[options.index("--parent") + 1])
    death_signal = int(options[options.index("--death-signal") + 1])
    if "--account" in options:
        uid, gid = options[options.index("--account") + 1].split(":")
        _become(int(uid), int(gid), keep_search="--search" in options)
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("launcher: the parent is gone")
    os.execvp(command[0], command)  # noqa: S606 - running the given program is the purpose


def _become(uid: int, gid: int, *, keep_search: bool) -> None:
    if keep_search:
        _libc().prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Without it access(2) leaves the capability out for who is not root, and initdb asks that of its programs.
        _libc().prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep_search:
        # Containers often lack the narrow capability and have the wide one.
        for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
            if _keep_only(capability):
                return
        if not _set_capabilities(0):
            sys.exit("launcher: root's capabilities cannot be given up")


def _keep_only(capability: int) -> bool:
    """Leave exactly this capability to the program to come; False when this machine does not grant it."""
    if not _set_capabilities(1 << capability):
        return False
    return _libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0


def _set_capabilities(bits: int) -> bool:
    """These and no others; False when one of them is not granted."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Two 32-bit halves of (effective, permitted, inheritable).
    sets = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)
    return _libc().capset(ctypes.byref(header), ctypes.byref(sets)) == 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
