#!/usr/bin/env python3
"""One address may have so many connections, and make so many a second; a listener has limits of its own.

usage: tests/hostile/connection_rate_test.py (--moldau BINARY | --apache)

Clients of other addresses are clients that bind to 127.0.0.2, 127.0.0.3, ...: the whole of 127/8 is the loopback.
"""

import contextlib
import pathlib
import socket
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import harness  # noqa: E402
import wire  # noqa: E402
from harness import check, equal  # noqa: E402
from wire import Closed, Connection, framed, request  # noqa: E402

OF_ONE_ADDRESS = 3
FEW, NONE_AT_ALL, FAST = "127.0.0.2", "127.0.0.3", "127.0.0.4"


class From(Connection):
    """A connection of another address."""

    def __init__(self, address, source: str, timeout: float = 10):
        self.socket = socket.create_connection(address, timeout=timeout, source_address=(source, 0))


def address_of(broker) -> tuple[str, int]:
    host, _, port = broker.bootstrap.rpartition(":")
    return host, int(port)


def serves(connection: Connection) -> bool:
    """Whether a request is answered; False: the broker has closed."""
    try:
        answer = connection.ask(request("ApiVersions", 0))
    except (Closed, OSError):
        return False
    return wire.schema_codec.decode("response", 18, 0, answer)["body"]["errorCode"] == 0


def set_quota(broker, ip: str, rate: float | None) -> None:
    entry = {"entity": [{"entityType": "ip", "entityName": ip}],
             "ops": [{"key": "connection_creation_rate", "value": rate or 0, "remove": rate is None}]}
    with Connection(address_of(broker)) as connection:
        answer = connection.ask(request("AlterClientQuotas", 1, {"entries": [entry], "validateOnly": False}))
    equal(wire.schema_codec.decode("response", 49, 1, answer)["body"]["entries"][0]["errorCode"], 0, "setting the quota")
    time.sleep(0.5)  # the broker hears of it a little later


def case_an_address_has_as_many_connections_as_it_may(broker):
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(From(address_of(broker), FEW)) for _ in range(OF_ONE_ADDRESS)]
        check(all(serves(one) for one in first), "a connection within the limit was not served")
        for _ in range(5):
            with From(address_of(broker), FEW) as above:
                check(not serves(above), "a connection above the limit was served")
        check(all(serves(one) for one in first), "the first ones were not served on")
        with Connection(address_of(broker)) as other:
            check(serves(other), "another address was not served")
        first[0].socket.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with From(address_of(broker), FEW) as again:
                if serves(again):
                    return
            time.sleep(0.05)
        raise AssertionError("no connection was served in the place of one that has gone")


def case_an_address_that_may_have_none_has_none(broker):
    with From(address_of(broker), NONE_AT_ALL) as connection:
        check(not serves(connection), "it was served")


def case_an_address_that_connects_too_fast_is_closed_a_little_later(broker):
    set_quota(broker, FAST, 1)
    served = waited = 0
    for _ in range(30):
        begin = time.monotonic()
        with From(address_of(broker), FAST) as connection:
            if serves(connection):
                served += 1
            else:
                waited += time.monotonic() - begin
    check(10 <= served <= 20, f"{served} of 30 were served; the window of 10 s allows 10, and one a second since")
    check(waited > 3, f"those that were refused waited {waited:.1f} s in all: they would come again at once")
    with Connection(address_of(broker)) as other:
        check(serves(other), "another address was not served")
    set_quota(broker, FAST, None)
    with From(address_of(broker), FAST) as connection:
        check(serves(connection), "it was not served once the quota was gone")


def case_a_storm_of_one_address_leaves_others_served(broker):
    set_quota(broker, FAST, 1)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            with contextlib.suppress(OSError):
                stack.enter_context(From(address_of(broker), FAST, timeout=2))
        begin = time.monotonic()
        with Connection(address_of(broker)) as other:
            check(serves(other), "another address was not served amid the storm")
        check(time.monotonic() - begin < 5, "another address was served late")
    set_quota(broker, FAST, None)


def case_a_limit_that_is_changed_while_the_broker_runs_holds_from_then_on(broker):
    def set_overrides(value: str) -> None:
        config = {"name": "max.connections.per.ip.overrides", "configOperation": 0, "value": value}
        body = {"resources": [{"resourceType": 4, "resourceName": "", "configs": [config]}]}
        with Connection(address_of(broker)) as connection:
            answer = connection.ask(request("IncrementalAlterConfigs", 1, body))
        equal(wire.schema_codec.decode("response", 44, 1, answer)["body"]["responses"][0]["errorCode"], 0, f"setting {value}")
        time.sleep(0.5)

    changed = "127.0.0.5"
    with From(address_of(broker), changed) as first, From(address_of(broker), changed) as second:
        check(serves(first) and serves(second), "without a limit they were not served")
    set_overrides(f"{changed}:1")
    with From(address_of(broker), changed) as first, From(address_of(broker), changed) as second:
        equal((serves(first), serves(second)), (True, False), "who of two was served, under a limit of one")


def main() -> int:
    harness.SETTINGS.update({"max.connections.per.ip.overrides": f"{FEW}:{OF_ONE_ADDRESS},{NONE_AT_ALL}:0"})
    return harness.main(__doc__, harness.cases_of(globals()))


if __name__ == "__main__":
    sys.exit(main())
