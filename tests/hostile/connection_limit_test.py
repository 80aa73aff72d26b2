#!/usr/bin/env python3
"""At max.connections new connections wait, over all shards, until one has gone.

usage: tests/hostile/connection_limit_test.py (--moldau BINARY | --apache)
"""

import contextlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import check, equal  # noqa: E402
from wire import Connection, framed, request  # noqa: E402

LIMIT = 6
SILENCE_S = 0.7


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


def main() -> int:
    harness.SETTINGS.update({"max.connections": str(LIMIT), "moldau.shards": "3"})
    return harness.main(__doc__, harness.cases_of(globals()))


if __name__ == "__main__":
    sys.exit(main())
