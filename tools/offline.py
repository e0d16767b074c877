"""Run a command with the network off.

    python tools/offline.py jupyter-book build . -W -n --keep-going

Two locks. Every Python that the command starts loads `tools/no_network/sitecustomize.py`, which
refuses any connection but to this machine; that works everywhere and needs no rights. Where Linux
lets an ordinary user make a network namespace of their own (`unshare`), the command runs in one
too, with loopback only, so that programs other than Python are cut off as well.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

GUARD = Path(__file__).resolve().parent / "no_network"
UNSHARE = ["unshare", "--user", "--map-root-user", "--net"]
INSIDE = "--inside-namespace"


def environment(base: dict[str, str] | None = None) -> dict[str, str]:
    """A copy of the environment `base` (default: this process's) in which Python keeps away from
    the network.
    """
    variables = dict(os.environ if base is None else base)
    others = [p for p in variables.get("PYTHONPATH", "").split(os.pathsep) if p and p != str(GUARD)]
    variables["PYTHONPATH"] = os.pathsep.join([str(GUARD), *others])
    variables.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    return variables


def namespace_works() -> bool:
    """Whether this system lets us make a network namespace and bring its loopback up."""
    if shutil.which("unshare") is None:
        return False
    probe = [*UNSHARE, sys.executable, __file__, INSIDE, sys.executable, "-c", "pass"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def command(arguments: list[str], namespace: bool) -> list[str]:
    """The command line that runs `arguments` offline; start it with `environment()`."""
    return (
        [*UNSHARE, sys.executable, str(Path(__file__).resolve()), INSIDE, *arguments]
        if namespace
        else arguments
    )


def bring_loopback_up() -> None:
    """A new namespace's loopback is down, and kernels are reached over it: set IFF_UP | IFF_RUNNING
    (netdevice(7)).
    """
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, 0x8914, struct.pack("16sh14s", b"lo", 0x1 | 0x40, b""))


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == [INSIDE]:
        bring_loopback_up()
        os.execvp(arguments[1], arguments[1:])
    if not arguments:
        print(__doc__)
        return 2
    return subprocess.run(command(arguments, namespace_works()), env=environment()).returncode


if __name__ == "__main__":
    sys.exit(main())
