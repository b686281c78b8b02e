"""Ports of this machine: a free one, whether one is taken, and by whom."""

import contextlib
import random
import socket
from pathlib import Path

from .errors import StackError

# Below the range the kernel gives to outgoing connections: a client that keeps knocking on a killed server's
# port must never get that port for its own end, or it connects to itself and the server cannot come back.
FREE_PORTS = range(20_000, 32_000)
LISTENING = "0A"


def is_free(port: int) -> bool:
    """True where a server can listen on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody listens on now."""
    for port in random.sample(FREE_PORTS, 200):
        if is_free(port):
            return port
    raise StackError("No free port was found between 20000 and 32000; stop some of the servers that listen there.")


def holder(port: int) -> str | None:
    """Who listens on the port, as `name (process 123)`; None where the system does not say."""
    inodes = _listening_sockets(port)
    for fd in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        with contextlib.suppress(OSError):
            if str(fd.readlink()) in inodes:
                process = fd.parents[1]
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return None


def _listening_sockets(port: int) -> set[str]:
    """The sockets listening on the port, named as /proc/<pid>/fd names them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found
