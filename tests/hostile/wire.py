"""Raw connections to a broker, for tests that send what no client would. Standard library only."""

import pathlib
import socket
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dev" / "oracle"))

from kafka import batch_text, schema_codec  # noqa: E402

TIMEOUT_S = 10
CORRELATION = 7


def api(name: str) -> int:
    return schema_codec.api_key(name)


def framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def header(key: int, version: int, client_id: str | None = "hostile", correlation: int = CORRELATION, tags: bytes = b"") -> bytes:
    """A request header as it is written; `tags` of a flexible one, b"\\0" for none."""
    name = b"\xff\xff" if client_id is None else struct.pack(">h", len(client_id)) + client_id.encode()
    return struct.pack(">hhi", key, version, correlation) + name + tags


def request(name: str, version: int, body: dict | None = None, client_id: str | None = "hostile",
            correlation: int = CORRELATION) -> bytes:
    """A well-formed request frame without its size field; the body's missing fields have their defaults."""
    head = {"requestApiKey": api(name), "requestApiVersion": version, "correlationId": correlation, "clientId": client_id}
    return schema_codec.encode("request", api(name), version, head, schema_codec.fill("request", api(name), version, body or {}))


def batch(text: str) -> bytes:
    return batch_text.build(text)


class Closed(Exception):
    """The broker closed the connection."""


class Connection:
    def __init__(self, address: tuple[str, int], timeout: float = TIMEOUT_S):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, content: bytes) -> None:
        """Bytes as they are. A broker that closes meanwhile shows in what is read."""
        try:
            self.socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ask(self, content: bytes) -> bytes:
        """Sends a frame; the answer's content."""
        self.send(framed(content))
        return self.read_frame()

    def read_frame(self) -> bytes:
        size = struct.unpack(">i", self._read(4))[0]
        return self._read(size)

    def _read(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            try:
                piece = self.socket.recv(min(count - len(out), 1 << 20))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed
            out += piece
        return out

    def is_closed_unanswered(self) -> bool:
        """Waits for the broker's close; False if it answers or stays silent."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
