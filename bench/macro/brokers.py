"""The brokers of a comparison, and what is read of their processes."""

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


class Maker:
    """Makes brokers of one kind, each in a fresh directory below `work`."""

    def __init__(self, name: str, moldau: pathlib.Path, work: pathlib.Path):
        self.name = name
        self._moldau = moldau
        self._work = work
        self._made = 0

    def __call__(self, synced: bool = False, **settings):
        """`synced`: what acks=all means is on the disk, for both; otherwise for neither."""
        self._made += 1
        directory = self._work / str(self._made)
        # In a key of Kafka every underline of the keyword is a dot.
        given = SETTINGS | {key.replace("_", "."): value for key, value in settings.items()}
        if synced:
            given["log.flush.interval.messages"] = "1"
        if self.name == "kafka":
            return BenchKafka(directory, given)
        return Moldau(self._moldau, directory, given | {"moldau.acks.all.sync": "true" if synced else "false"})


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime, stime of all threads


def _status_mib(pid: int, name: str) -> float:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} of process {pid}")


def rss_mib(pid: int) -> float:
    return _status_mib(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float:
    """The greatest resident memory since forget_peak()."""
    return _status_mib(pid, "VmHWM")


def settle(pid: int, timeout: float = 600) -> float:
    """Waits until the process is idle (under 5 % of a core for a second); the CPU seconds it has used by then."""
    deadline = time.monotonic() + timeout
    before = cpu_seconds(pid)
    while time.monotonic() < deadline:
        time.sleep(1)
        now = cpu_seconds(pid)
        if now - before < 0.05:
            return now
        before = now
    raise RuntimeError(f"process {pid} is not idle after {timeout} s")


def await_leader(port: int, topic: str, timeout: float = 300) -> float:
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
