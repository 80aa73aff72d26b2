"""Many small requests: one record each on 50 connections (8); each on the disk before it is acknowledged (6)."""

import pathlib

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

CASES = (
    Case("request-cpu", "8", "us", "franz-go: broker CPU a Produce request; 50 connections, 5 in flight on each", "1", "1 record of 100 B",
         "1", goals=(Goal(0.12),)),
    Case("request-rate", "8", "1/s", "the same, requests a second", "1", "1 record of 100 B", "1"),
    Case("request-p99", "8", "us", "the same, 99th of 100 round trips", "1", "1 record of 100 B", "1"),
    Case("synced-1", "6", "1/s", "franz-go: acknowledgements a second, one producer", "all", "1 record of 100 B", "64",
         "before the answer"),
    Case("synced-64", "6", "1/s", "64 producers, one request in flight each", "all", "1 record of 100 B", "64", "before the answer",
         goals=(Goal(10, "floor", at_least=True),)),
    Case("synced-64-p99", "6", "us", "the same, 99th of 100 round trips", "all", "1 record of 100 B", "64", "before the answer"),
)


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    with make() as broker:
        clients.create(broker, "requests", 1)
        clients.franz("requests", broker, "requests", connections=50, seconds=sizes.seconds / 2)
        before = brokers.cpu_seconds(broker.pid)
        said = clients.franz("requests", broker, "requests", connections=50, seconds=sizes.seconds)
        figures["request-cpu"] = (brokers.cpu_seconds(broker.pid) - before) * 1e6 / said["requests"]
        figures["request-rate"] = said["requests"] / said["seconds"]
        figures["request-p99"] = said["p99_us"]
    with make(synced=True) as broker:
        clients.create(broker, "synced", 64)
        flags = {"acks": -1, "partitions": 64, "in_flight": 1}
        clients.franz("requests", broker, "synced", connections=64, seconds=sizes.seconds / 2, **flags)
        for connections in (1, 64):
            said = clients.franz("requests", broker, "synced", connections=connections, seconds=sizes.seconds, **flags)
            figures[f"synced-{connections}"] = said["requests"] / said["seconds"]
        figures["synced-64-p99"] = said["p99_us"]
    return figures


def floor(directory: pathlib.Path, sizes: Sizes) -> dict[str, float]:
    rate, p99 = clients.floor("floor_sync", r"thread: (\d+) a second.* p99 (\d+) us", "--syncs", sizes.syncs, "--dir", directory)
    echo = clients.floor("floor_echo", r"epoll ([\d.]+) us", "--rounds", 1, "--inflight", 5, "--requests", 40 * sizes.syncs)[0]
    return {"request-cpu": echo, "synced-1": rate, "synced-64": rate, "synced-64-p99": p99}


SCENARIO = Scenario(CASES, measure, floor)
