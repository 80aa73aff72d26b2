#!/usr/bin/env python3
"""What is scarce is used up by bad clients, one thing at a time; memory stays within its bounds, others are served on.

usage: tests/hostile/exhaustion_test.py --moldau BINARY [--long]

Idle connections, frames that are never finished, requests that come byte by byte, answers that nobody reads, a storm of
connections, batches that inflate, metadata of many topics, a full cache of fetch sessions. Judged is the memory that the broker
takes, and that it serves afterwards. --long does each on the whole scale, and judges too what another client, in a process of its
own, notices: the 99th percentile of its round trips stays within LATENCY_FACTOR of what it was before. A shard does one piece of
work at a time, so where the bad clients' requests are large pieces, the factor is of a round that waits for one of them.
"""

import argparse
import contextlib
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import check, equal  # noqa: E402
from kafka.moldau import Moldau  # noqa: E402
from under_test import MIB, NONE, Broker, fetch_body, produce_body  # noqa: E402
from wire import Closed, Connection, batch, framed, request  # noqa: E402

KIB = 1 << 10
MEMORY = 64 * MIB  # moldau.request.memory.bytes
SHARDS = 2
LATENCY_FACTOR = 3
LATENCY_FLOOR_S = 0.010  # below that the machine's other work decides
SETTINGS = {"moldau.request.memory.bytes": str(MEMORY), "moldau.shards": str(SHARDS), "num.partitions": "1"}
PROBE_EVERY_S = 0.004


class Scale:
    """How much of each: a slice that takes seconds, or the whole."""

    def __init__(self, whole: bool):
        self.whole = whole
        # Half of the files that a broker may open are for its clients' connections; a few of these are not idle.
        self.idle_connections = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 20) if whole else 1_500
        self.half_frames = 500
        self.slow_connections = 500 if whole else 50
        self.slow_s = 20 if whole else 4
        self.unread_connections = 400 if whole else 100
        self.storm_connections = 20_000 if whole else 2_000
        self.bombs_each = 12 if whole else 1
        self.topics = 10_000 if whole else 1_000
        self.metadata_s = 15 if whole else 3
        self.sessions = 4_000 if whole else 1_500


class Probe:
    """Another client, in its own process: produces and reads back, and writes down how long each round took."""

    def __init__(self, broker: Broker, work: pathlib.Path):
        self.path = work / f"probe-{time.monotonic_ns()}"
        topic = broker.topic()
        self.process = subprocess.Popen([sys.executable, __file__, "--probe", str(broker.address[1]), topic, str(self.path)])
        deadline = time.monotonic() + 20
        while not self._rounds() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)

    def _rounds(self) -> list[tuple[float, float]]:
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()[:-1]  # the last may be half written
        return [tuple(float(word) for word in line.split()) for line in lines]

    def p99(self, begin: float, end: float) -> float:
        """Of the rounds that began in between."""
        times = sorted(took for began, took in self._rounds() if begin <= began < end)
        check(len(times) >= 30, f"the other client got {len(times)} rounds done")
        return times[int(len(times) * 0.99)]

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def probe(port: int, topic: str, path: str) -> None:
    """A round: one record with acks=all, and the fetch that brings it."""
    produce = framed(request("Produce", 9, produce_body(topic, batch("@ n=1 size=100"))))
    offset = 0
    with Connection(("127.0.0.1", port), timeout=120) as connection, open(path, "w", buffering=1) as out:
        while True:
            fetch = framed(request("Fetch", 12, fetch_body(topic, offset, maxWaitMs=1000, minBytes=1)))
            began = time.monotonic()
            for frame in (produce, fetch):
                connection.socket.sendall(frame)
                connection.read_frame()
            out.write(f"{began} {time.monotonic() - began}\n")
            offset += 1
            time.sleep(PROBE_EVERY_S)


class Attack:
    """Around one case: what memory grew by, and what the other client noticed meanwhile."""

    def __init__(self, broker: Broker, scale: Scale, work: pathlib.Path, allowed: int):
        self.broker, self.scale, self.work, self.allowed = broker, scale, work, allowed
        self.piece_s = 0.0  # one request of the bad clients, alone

    def __enter__(self) -> "Attack":
        self.probe = Probe(self.broker, self.work)
        quiet_from = time.monotonic()
        time.sleep(4 if self.scale.whole else 0.5)
        self.undisturbed = self.probe.p99(quiet_from, time.monotonic()) if self.scale.whole else 0.0
        self.before = self.broker.reset_peak_memory()
        self.began = time.monotonic()
        return self

    def lasts(self, seconds: float) -> None:
        """Goes on for as long, if the whole scale is tried."""
        if self.scale.whole:
            time.sleep(max(0.0, self.began + seconds - time.monotonic()))

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None:
                self._judge()
        finally:
            self.probe.stop()

    def _judge(self) -> None:
        grown = self.broker.peak_memory() - self.before
        check(self.probe.is_alive(), "the other client was cut off")
        noticed = ""
        disturbed = 0.0
        if self.scale.whole:
            disturbed = self.probe.p99(self.began, time.monotonic())
            noticed = f", p99 of another client {disturbed * 1000:.1f} ms, undisturbed {self.undisturbed * 1000:.1f} ms"
            if self.piece_s > 0:
                noticed += f", one request alone {self.piece_s * 1000:.1f} ms"
        print(f"  memory +{grown / MIB:.1f} MiB of {self.allowed / MIB:.0f} MiB{noticed}", flush=True)
        self.broker.check_growth(self.before, self.allowed, "it")
        limit = max(LATENCY_FACTOR * (self.undisturbed + self.piece_s), LATENCY_FLOOR_S)
        check(disturbed <= limit, f"p99 of another client was {disturbed * 1000:.1f} ms, undisturbed {self.undisturbed * 1000:.1f}")


@contextlib.contextmanager
def crowd(broker: Broker, count: int):
    """So many connections, from several addresses: one has ports for some 28,000."""
    connections: list[socket.socket] = []
    try:
        for index in range(count):
            connections.append(socket.create_connection(broker.address, timeout=30, source_address=(f"127.0.1.{index % 8 + 1}", 0)))
        yield connections
    finally:
        for connection in connections:
            connection.close()


def time_of(broker: Broker, ask: bytes) -> float:
    with broker.connect() as connection:
        began = time.monotonic()
        connection.ask(ask)
        return time.monotonic() - began


def push(connections: list[socket.socket], payload: bytes, quiet_s: float = 0.5) -> None:
    """As much of the payload on each as the broker takes."""
    left = {connection: memoryview(payload) for connection in connections}
    for connection in connections:
        connection.setblocking(False)
    last = time.monotonic()
    while left and time.monotonic() - last < quiet_s:
        for connection, rest in list(left.items()):
            with contextlib.suppress(BlockingIOError, ConnectionError):
                left[connection] = rest[connection.send(rest):]
                last = time.monotonic()
            if not left[connection]:
                del left[connection]


def case_idle_connections(broker, scale, work):
    with Attack(broker, scale, work, 16 * MIB + scale.idle_connections * 8 * KIB) as attack, crowd(broker, scale.idle_connections) as idle:
        hello = framed(request("ApiVersions", 0))
        for connection in idle:
            connection.sendall(hello)
        for connection in idle:
            check(connection.recv(64 * KIB), "an idle connection was closed")
        print(f"  {len(idle)} connections", flush=True)
        attack.lasts(15)


def case_half_sent_frames(broker, scale, work):
    # The request memory, one frame of each shard beyond it, and what the allocator keeps.
    with Attack(broker, scale, work, MEMORY + SHARDS * 16 * MIB + 32 * MIB) as attack, crowd(broker, scale.half_frames) as senders:
        push(senders, struct.pack(">i", 100 * MIB) + bytes(MIB))
        while time.monotonic() < attack.began + (14 if scale.whole else 2):
            for connection in senders:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    connection.send(bytes(2000))
            time.sleep(0.2)


def case_one_byte_a_second(broker, scale, work):
    frame = framed(request("Metadata", 12, {"topics": []}))
    with Attack(broker, scale, work, 16 * MIB + scale.slow_connections * 8 * KIB), crowd(broker, scale.slow_connections) as senders:
        for second in range(scale.slow_s):
            for connection in senders:
                connection.send(frame[second:second + 1])
            time.sleep(1)
        for connection in senders:
            connection.sendall(frame[scale.slow_s:])
        for connection in senders:
            check(connection.recv(KIB), "a slow request was not answered")


def case_a_storm_of_connections_with_few_descriptors(broker, scale, work):
    del broker  # which may open more
    with tempfile.TemporaryDirectory(prefix="moldau-storm-") as directory:
        limited = pathlib.Path(directory) / "moldau"
        limited.write_text(f'#!/bin/sh\nulimit -n 256\nexec "{os.environ["MOLDAU_UNDER_TEST"]}" "$@"\n')
        limited.chmod(0o755)
        with Moldau(limited, directory, harness.SETTINGS | SETTINGS) as running:
            small = Broker(running)
            with Attack(small, scale, work, 16 * MIB) as attack, contextlib.ExitStack() as stack:
                storm(stack, small, scale.storm_connections)
                attack.lasts(5)
            serves_again(small)


def storm(stack: contextlib.ExitStack, broker: Broker, count: int) -> None:
    """Connections as fast as they can be made, of which the last 200 stay."""
    kept: list[socket.socket] = []
    stack.callback(lambda: [one.close() for one in kept])
    for index in range(count):
        one = socket.socket()
        one.setblocking(False)
        one.bind((f"127.0.1.{index % 8 + 1}", 0))
        with contextlib.suppress(BlockingIOError, OSError):
            one.connect(broker.address)
        kept.append(one)
        if len(kept) > 200:
            oldest = kept.pop(0)
            with contextlib.suppress(OSError):
                oldest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            oldest.close()
        if index % 64 == 0:
            time.sleep(0.002)


def gzip_bomb(inflated: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    varint = wire.batch_text._varint
    head = b"\0\0\0\1" + varint(inflated)
    out = squeeze.compress(varint(len(head) + inflated + 1) + head)
    for _ in range(inflated // MIB):
        out += squeeze.compress(bytes(MIB))
    return out + squeeze.compress(b"\0") + squeeze.flush()


def case_batches_that_inflate(broker, scale, work):
    bombs = [batch(f"@ codec=gzip body={gzip_bomb(size * MIB).hex()} count=1 lastdelta=0") for size in (90, 400)]
    topic = broker.topic()
    with Attack(broker, scale, work, MEMORY + 32 * MIB) as attack:
        attack.piece_s = time_of(broker, request("Produce", 9, produce_body(topic, bombs[0])))
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(broker.connect(timeout=120)) for _ in range(scale.bombs_each)]
            for _ in range(3):
                for bomb in bombs:
                    for connection in connections:
                        connection.send(framed(request("Produce", 9, produce_body(topic, bomb))))
                    for connection in connections:
                        connection.read_frame()


def case_metadata_of_many_topics(broker, scale, work):
    names = [f"many-{index}" for index in range(scale.topics)]
    for begin in range(0, len(names), 500):
        rows = [{"name": name, "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": []}
                for name in names[begin:begin + 500]]
        with broker.connect(timeout=120) as connection:
            connection.ask(request("CreateTopics", 7, {"topics": rows, "timeoutMs": 60000, "validateOnly": False}))
    broker.wait_for_leader(names[-1])
    every_topic = framed(request("Metadata", 12, {"topics": None}))
    with Attack(broker, scale, work, MEMORY) as attack, contextlib.ExitStack() as stack:
        attack.piece_s = time_of(broker, every_topic[4:])
        askers = [stack.enter_context(broker.connect(timeout=60)) for _ in range(4)]
        end = time.monotonic() + scale.metadata_s
        answers = 0
        while time.monotonic() < end:
            for connection in askers:
                connection.socket.sendall(every_topic)
            for connection in askers:
                answers += len(connection.read_frame()) > scale.topics * 20
        check(answers > 0, "no answer names the topics")


def case_answers_that_nobody_reads(broker, scale, work):
    topic = broker.topic()
    for _ in range(8):
        equal(broker.produce(topic, batch("@ n=1 size=1000000"))["errorCode"], NONE, "filling the topic")
    every_topic = framed(request("Metadata", 12, {"topics": None}))  # of which there are many by now
    fetch = framed(request("Fetch", 12, fetch_body(topic, maxBytes=50 * MIB)))
    # Answers may hold as much as requests; each shard finishes what it was at.
    with Attack(broker, scale, work, 2 * MEMORY + 32 * MIB) as attack, crowd(broker, scale.unread_connections) as deaf:
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        push(deaf[::2], every_topic * 2000)
        push(deaf[1::2], fetch * 2000)
        attack.lasts(10)


def case_a_full_cache_of_fetch_sessions(broker, scale, work):
    # What the sessions of the node may hold (kFetchSessionsBytesMax), and the requests.
    partitions = [{"partition": index, "fetchOffset": 0, "partitionMaxBytes": MIB} for index in range(300)]
    number = b"0" * 8
    body = fetch_body("x") | {"sessionEpoch": 0, "topics": [{"topic": "x" * 200 + number.decode(), "partitions": partitions}]}
    opening = framed(request("Fetch", 12, body))
    with Attack(broker, scale, work, 128 * MIB + MEMORY), broker.connect() as connection:
        for index in range(scale.sessions):
            connection.send(opening.replace(number, b"%08d" % index))
            connection.read_frame()
        kept = connection.ask(opening[4:])
        check(len(kept) > 300 * 10, "the last answer names no partitions")
    answer = broker.ask("Fetch", 12, fetch_body(broker.topic()) | {"sessionEpoch": 0})
    equal(answer["errorCode"], NONE, "a fetch, with the cache full")


def serves_again(broker: Broker) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            broker.still_serves()
            topic = broker.topic()
            equal(broker.produce(topic, batch("@ (k,v)"))["errorCode"], NONE, "a produce afterwards")
            equal(broker.ask("Fetch", 12, fetch_body(topic))["responses"][0]["partitions"][0]["errorCode"], NONE, "a fetch afterwards")
            return
        except (Closed, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def main() -> int:
    if sys.argv[1:2] == ["--probe"]:
        probe(int(sys.argv[2]), sys.argv[3], sys.argv[4])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moldau", metavar="BINARY", default=os.environ.get("MOLDAU"), required="MOLDAU" not in os.environ)
    parser.add_argument("--long", action="store_true", help="the whole scale, and what another client notices")
    parser.add_argument("--only", default="", help="cases with this in their name")
    arguments = parser.parse_args()
    scale = Scale(arguments.long)
    os.environ["MOLDAU_UNDER_TEST"] = str(pathlib.Path(arguments.moldau).resolve())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="moldau-exhaustion-") as directory:
        work = pathlib.Path(directory)
        with Moldau(arguments.moldau, work / "node", harness.SETTINGS | SETTINGS) as running:
            broker = Broker(running, timeout=120)

            def and_serves_again(case):
                def run(_):
                    case(broker, scale, work)
                    serves_again(broker)

                run.__name__ = case.__name__
                return run

            cases = [case for case in harness.cases_of(globals()) if arguments.only in case.__name__]
            return 1 if harness.run_cases([and_serves_again(case) for case in cases], running) else 0


if __name__ == "__main__":
    sys.exit(main())
