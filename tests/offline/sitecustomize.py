"""No way out: sockets of this process reach this machine alone.

The suite imports this first, and puts its folder on PYTHONPATH, where every Python that
a test starts imports it as it starts: commands, pool workers, kernels of chapters.
"""

from __future__ import annotations

import ipaddress
import socket

__all__ = ["NetworkError"]


class NetworkError(RuntimeError):
    """Someone reached for another machine; no ``except OSError`` hides it."""


def _refuse_unless_own(host) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "0.0.0.0", "::", socket.gethostname()):
        return
    try:
        own = ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        own = False
    if not own:
        raise NetworkError(f"a test reached for {name!r}; tests may reach 127.0.0.1")


def _guarded(name: str):
    method = getattr(socket.socket, name)

    def reach(self, *arguments):
        # The address comes last: connect(address), sendto(bytes[, flags], address).
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_unless_own(arguments[-1][0])
        return method(self, *arguments)

    return reach


def _looking_up(name: str):
    function = getattr(socket, name)

    def look_up(host, *arguments, **options):
        _refuse_unless_own(host)
        return function(host, *arguments, **options)

    return look_up


for _name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, _name, _guarded(_name))
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, _name, _looking_up(_name))
