#!/usr/bin/env python3
"""Many connections announce frames of 100 MiB and trickle; memory stays bounded, an ordinary client goes on, a stop ends.

usage: tests/hostile/request_memory_test.py (--moldau BINARY | --bootstrap HOST:PORT)
"""

import base64
import contextlib
import pathlib
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import check, equal  # noqa: E402
from wire import Connection, batch, framed, request  # noqa: E402

MIB = 1 << 20
MEMORY = 64 * MIB
SHARDS = 2
ANNOUNCED = 100 * MIB
HOSTILE = 200
FIRST_BYTES = 1 * MIB  # of each: five times the memory in all
TRICKLE_S = 14
TRICKLE_BYTES = 2000
LARGE_MAX_S = 45.0  # the oldest slow frame is given up after ten seconds of reading behind its first burst
ANSWER_MAX_S = 5.0  # an ordinary request, on a machine that does other things too


class OrdinaryClient:
    """Creates a topic, produces to it and reads it back over connections of its own."""

    def __init__(self, address):
        self.address = address
        self.topic = "ordinary"
        self.records = 0
        body = {"topics": [{"name": self.topic, "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": []}],
                "timeoutMs": 10000, "validateOnly": False}
        equal(self._ask("CreateTopics", 7, body)["topics"][0]["errorCode"], 0, "creating the topic")

    def _ask(self, name: str, version: int, body: dict) -> dict:
        with Connection(self.address, timeout=60) as connection:
            answer = connection.ask(request(name, version, body))
        return wire.schema_codec.decode("response", wire.api(name), version, answer)["body"]

    def produce(self, value_bytes: int) -> None:
        records = base64.b64encode(batch(f"@ n=1 size={value_bytes}")).decode()
        body = {"transactionalId": None, "acks": -1, "timeoutMs": 5000,
                "topicData": [{"name": self.topic, "partitionData": [{"index": 0, "records": records}]}]}
        deadline = time.monotonic() + 10
        while True:
            code = self._ask("Produce", 9, body)["responses"][0]["partitionResponses"][0]["errorCode"]
            if code == 0:
                self.records += 1
                return
            check(code in (3, 6) and time.monotonic() < deadline, f"Produce answered {code}")  # the leader is not known yet
            time.sleep(0.05)

    def end_offset(self) -> int:
        body = {"replicaId": -1, "topics": [{"name": self.topic, "partitions": [{"partitionIndex": 0, "timestamp": -1}]}]}
        return self._ask("ListOffsets", 7, body)["topics"][0]["partitions"][0]["offset"]

    def timed_round(self) -> float:
        begin = time.monotonic()
        self.produce(100)
        equal(self.end_offset(), self.records, "the end offset")
        return time.monotonic() - begin


def resident(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has gone")


def announce(stack: contextlib.ExitStack, address) -> list[Connection]:
    """Each sends its first bytes; those that the broker does not read any more keep what is left."""
    hostile = []
    for _ in range(HOSTILE):
        connection = stack.enter_context(Connection(address))
        connection.socket.setblocking(False)
        hostile.append(connection)
    left = {connection: memoryview(struct.pack(">i", ANNOUNCED) + bytes(FIRST_BYTES)) for connection in hostile}
    quiet_since = time.monotonic()
    while left and time.monotonic() - quiet_since < 0.5:
        for connection, payload in list(left.items()):
            with contextlib.suppress(BlockingIOError, ConnectionError):
                left[connection] = payload[connection.socket.send(payload):]
                quiet_since = time.monotonic()
            if not left[connection]:
                del left[connection]
    return hostile


def trickle(hostile: list[Connection]) -> int:
    """A few bytes more on each; how many the broker has closed."""
    closed = 0
    for connection in hostile:
        try:
            connection.socket.send(bytes(TRICKLE_BYTES))
        except BlockingIOError:
            pass
        except ConnectionError:
            closed += 1
    return closed


def case_memory_stays_bounded_while_an_ordinary_client_goes_on(broker):
    host, _, port = broker.bootstrap.rpartition(":")
    address = (host, int(port))
    client = OrdinaryClient(address)
    for _ in range(20):
        client.timed_round()
    with contextlib.ExitStack() as stack:
        before = resident(broker.pid)
        hostile = announce(stack, address)
        most, slowest, closed, rounds = 0, 0.0, 0, 0
        end = time.monotonic() + TRICKLE_S
        while time.monotonic() < end:
            closed = trickle(hostile)
            slowest = max(slowest, client.timed_round())
            most = max(most, resident(broker.pid) - before)
            rounds += 1
            time.sleep(0.2)
        # A frame that is not small waits for room, which the slow ones must make.
        begin = time.monotonic()
        client.produce(900_000)
        large = time.monotonic() - begin
        for _ in range(5):
            slowest = max(slowest, client.timed_round())
            most = max(most, resident(broker.pid) - before)
        closed = max(closed, trickle(hostile))
    # The request memory, one frame of each shard beyond it (which trickles too), and room for the allocator.
    check(most < MEMORY + SHARDS * 16 * MIB + 32 * MIB, f"resident memory grew by {most / MIB:.0f} MiB")
    check(slowest < ANSWER_MAX_S, f"an ordinary round took {slowest:.2f} s")
    check(large < LARGE_MAX_S, f"a produce of 900 KB took {large:.1f} s")
    check(closed > 0, "no slow connection was closed, although a large frame waited for room")
    print(f"resident +{most / MIB:.0f} MiB of {MEMORY // MIB} MiB, {rounds} rounds, the slowest {slowest * 1000:.0f} ms, "
          f"900 KB in {large * 1000:.0f} ms, {closed} of {HOSTILE} slow connections closed", flush=True)


def case_a_clean_stop_takes_less_than_five_seconds_whatever_is_connected(broker):
    if not hasattr(broker, "stop"):
        raise harness.Skip("the broker is somebody else's")
    host, _, port = broker.bootstrap.rpartition(":")
    address = (host, int(port))
    most = 2**31 - 1
    poll = {"maxWaitMs": most, "minBytes": most, "maxBytes": most, "replicaId": -1, "sessionId": 0, "sessionEpoch": -1,
            "topics": [{"topic": "ordinary", "partitions": [{"partition": 0, "fetchOffset": 0, "partitionMaxBytes": most}]}],
            "forgottenTopicsData": []}
    with contextlib.ExitStack() as stack:
        announce(stack, address)
        for _ in range(100):
            stack.enter_context(Connection(address)).send(framed(request("Fetch", 12, poll)))
        with Connection(address) as connection:
            connection.ask(request("Metadata", 12, {"topics": []}))
        begin = time.monotonic()
        broker.stop()
        took = time.monotonic() - begin
    check(took < 5, f"the stop took {took:.1f} s")


def main() -> int:
    harness.SETTINGS.update({"moldau.request.memory.bytes": str(MEMORY), "moldau.shards": str(SHARDS)})
    return harness.main(__doc__, harness.cases_of(globals()))


if __name__ == "__main__":
    sys.exit(main())
