"""The two brokers of a comparison, and what is read of their processes."""

import os
import pathlib
import socket
import struct
import time

import kafka
from kafka.moldau import Moldau

# What bin/kafka-server-start.sh gives a broker.
KAFKA_JVM = ("-Xms1G", "-Xmx1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
             "-XX:+ExplicitGCInvokesConcurrent")
SETTINGS = {"num.partitions": "6", "log.retention.ms": "-1"}
TICKS = os.sysconf("SC_CLK_TCK")


class BenchKafka(kafka.ApacheKafka):
    jvm = KAFKA_JVM


def make(name: str, moldau: pathlib.Path, directory: pathlib.Path):
    if name == "kafka":
        return BenchKafka(directory, SETTINGS)
    # Apache Kafka syncs nothing before it answers: compared is the same promise.
    return Moldau(moldau, directory, SETTINGS | {"moldau.acks.all.sync": "false"})


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime, stime of all threads


def rss_bytes(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no VmRSS of process {pid}")


def await_leader(port: int, topic: str, timeout: float = 120) -> float:
    """Asks for metadata until an answer names a leader of the topic's first partition; the monotonic time of that answer."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if _leader(port, topic) >= 0:
                return time.monotonic()
        except OSError:
            pass  # not listening yet
        time.sleep(0.001)
    raise RuntimeError(f"no leader of {topic} after {timeout} s")


def _leader(port: int, topic: str) -> int:
    """Metadata v1 by hand: a client library would add its own start."""
    name = topic.encode()
    body = struct.pack(">hhihih", 3, 1, 1, -1, 1, len(name)) + name
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = _Reader(_exactly(connection, struct.unpack(">i", _exactly(connection, 4))[0]))
    answer.take(">i")  # correlation id
    for _ in range(answer.take(">i")):
        answer.take(">i")
        answer.text()
        answer.take(">i")
        answer.text()
    answer.take(">i")  # controller
    answer.take(">i")  # one topic
    if answer.take(">h") != 0:
        return -1
    answer.text()
    answer.take(">b")
    if answer.take(">i") == 0:
        return -1
    answer.take(">h")
    answer.take(">i")
    return answer.take(">i")


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, form: str) -> int:
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self) -> None:
        self.at += max(0, self.take(">h"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("closed")
        data += piece
    return data
