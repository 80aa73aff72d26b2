#!/usr/bin/env python3
"""At max.connections new connections wait, over all shards, until one has gone.

usage: tests/hostile/connection_limit_test.py (--moldau BINARY | --apache)
"""

import contextlib
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import Skip, check, equal  # noqa: E402
from kafka.moldau import Moldau  # noqa: E402
from wire import Connection, framed, request  # noqa: E402

LIMIT = 6
SILENCE_S = 0.7
FILES = 256  # that the broker of the last case may open


def address_of(endpoint: str) -> tuple[str, int]:
    host, _, port = endpoint.rpartition(":")
    return host, int(port)


def is_served(connection: Connection, timeout: float = 10) -> bool:
    connection.socket.settimeout(timeout)
    try:
        answer = connection.read_frame()
    except TimeoutError:
        return False
    return wire.schema_codec.decode("response", 18, 0, answer)["body"]["errorCode"] == 0


def opened(stack: contextlib.ExitStack, endpoint: str) -> Connection:
    connection = stack.enter_context(Connection(address_of(endpoint)))
    connection.send(framed(request("ApiVersions", 0)))
    return connection


def case_connections_above_the_limit_wait_until_one_has_gone(broker):
    with contextlib.ExitStack() as stack:
        first = [opened(stack, broker.bootstrap) for _ in range(LIMIT)]
        for index, connection in enumerate(first):
            check(is_served(connection), f"connection {index} is within the limit, but was not served")
        later = [opened(stack, broker.bootstrap) for _ in range(3)]
        for connection in later:
            check(not is_served(connection, SILENCE_S), "a connection above the limit was served")
        for index, connection in enumerate(later):
            first[index].socket.close()
            check(is_served(connection), f"connection {index} of those that waited was not served when another had gone")
        equal([is_served_again(connection) for connection in first[len(later):] + later], [True] * LIMIT, "the others")


def is_served_again(connection: Connection) -> bool:
    connection.send(framed(request("ApiVersions", 0)))
    return is_served(connection)


def case_the_controller_listener_has_a_limit_of_its_own(broker):
    with contextlib.ExitStack() as stack:
        for connection in [opened(stack, broker.bootstrap) for _ in range(LIMIT)]:
            check(is_served(connection), "a connection within the limit was not served")
        check(is_served(opened(stack, broker.controller)), "clients of the broker lock the controller out")


def case_a_crowd_that_would_take_every_descriptor_leaves_those_for_files(broker):
    """More connections arrive than the broker may open files; it still creates topics, which need some."""
    if not isinstance(broker, Moldau):
        raise Skip("a broker of Moldau's is needed")
    with tempfile.TemporaryDirectory(prefix="moldau-crowd-") as work:
        limited = pathlib.Path(work) / "moldau"
        limited.write_text(f'#!/bin/sh\nulimit -n {FILES}\nexec "{broker._binary}" "$@"\n')
        limited.chmod(0o755)
        with Moldau(limited, work) as small:
            crowd_and_create(small)


def crowd_and_create(broker) -> None:
    topic = {"name": "crowded", "numPartitions": 10, "replicationFactor": 1, "assignments": [], "configs": []}
    body = {"topics": [topic], "timeoutMs": 10000, "validateOnly": False}
    with contextlib.ExitStack() as stack:
        first = opened(stack, broker.bootstrap)
        check(is_served(first), "the first connection was not served")
        for _ in range(2 * FILES):
            with contextlib.suppress(OSError):
                stack.enter_context(Connection(address_of(broker.bootstrap), timeout=2))
        answer = wire.schema_codec.decode("response", 19, 7, first.ask(request("CreateTopics", 7, body)))["body"]
        equal(answer["topics"][0]["errorCode"], 0, "a topic created amid the crowd")
    check(is_served_in_time(broker.bootstrap, 10), "a new connection after the crowd was not served")


def is_served_in_time(endpoint: str, seconds: float) -> bool:
    """What comes while the crowd's last connections still wait for a place is closed at once: a client tries again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.ExitStack() as stack, contextlib.suppress(wire.Closed):
            return is_served(opened(stack, endpoint))
        time.sleep(0.05)
    return False


def main() -> int:
    harness.SETTINGS.update({"max.connections": str(LIMIT), "moldau.shards": "3"})
    return harness.main(__doc__, harness.cases_of(globals()))


if __name__ == "__main__":
    sys.exit(main())
