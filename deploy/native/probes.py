"""Readiness, asked in each server's own protocol: an open port alone does not mean that it answers."""

import socket
import struct

METADATA, VERSION, CORRELATION = 3, 1, 7
NO_TOPICS = struct.pack(">i", 0)


def kafka_answers(port: int, *, timeout: float = 1.0) -> bool:
    """True when the broker names itself as a member of its cluster: only then can topics be created on it."""
    request = struct.pack(">hhih", METADATA, VERSION, CORRELATION, -1) + NO_TOPICS
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            size, correlation, brokers = struct.unpack(">iii", _exactly(connection, 12))
            _exactly(connection, size - 8)
    except OSError:
        return False
    return bool(correlation == CORRELATION and brokers > 0)


def mongo_answers(port: int, *, timeout: float = 1.0) -> bool:
    """True when the server replies to `ping`."""
    body = b"\x10ping\0\x01\0\0\0" + b"\x02$db\0\x06\0\0\0admin\0"
    document = struct.pack("<i", len(body) + 5) + body + b"\0"
    message = struct.pack("<iii", CORRELATION, 0, 2013) + struct.pack("<ib", 0, 0) + document
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(struct.pack("<i", len(message) + 4) + message)
            size, _id, in_reply_to = struct.unpack("<iii", _exactly(connection, 12))
            _exactly(connection, size - 12)  # what is left unread would be a reset in the server's log
    except OSError:
        return False
    return bool(in_reply_to == CORRELATION)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data
