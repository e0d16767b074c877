"""A Python that refuses to leave this machine. `tools/offline.py` puts this folder on PYTHONPATH,
and every Python that starts from there on, notebook kernels included, loads this file first.

It is an audit hook (PEP 578): it cannot be taken out again, and it sees every connection that
Python code makes, however deep in a library. Loopback stays open, because a notebook's kernel is
reached over it.
"""

import ipaddress
import socket
import sys


class NetworkIsOff(ConnectionError):
    """Something tried to reach another machine while the network was switched off on purpose."""


def _is_here(host) -> bool:
    """Whether `host` (a name or an address, or nothing at all) is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost", "ip6-localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple) -> None:
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # a Unix socket's path, or a connected socket's next datagram
        if not isinstance(address, tuple):
            return
        host = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        raise NetworkIsOff(
            f"the network is off here, and something tried to reach {host!r} ({event})"
        )


sys.addaudithook(_refuse)
