"""Many partitions: created (13), at rest (19), started with (18)."""

import concurrent.futures
import contextlib
import pathlib
import time

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

TOPICS = 10  # Kafka's controller takes fewer than 10,000 records at a time
SPREAD_SECONDS_SHARE = 0.5
STOP_SECONDS = 900  # with 10,000 partitions Apache Kafka needs more than a minute

CASES = (
    Case("create-partitions", "13", "cpu-s", "broker CPU until all partitions (number below) are there and the broker is idle",
         partitions="all, in 10 topics", goals=(Goal(0.1),)),
    Case("create-partitions-time", "13", "s", "the same, time until their directories are there", partitions="all, in 10 topics"),
    Case("spread-request-cpu", "13", "us", "franz-go: broker CPU a Produce request, 50 connections, each to a partition of its own", "1",
         "1 record of 100 B", "all"),
    Case("partitions-idle-cpu", "13", "% of a core", "broker CPU at rest with all partitions", partitions="all"),
    Case("partitions-start", "18", "s", "clean start with all partitions, to the first Metadata answer with a leader", partitions="all",
         goals=(Goal(0.05),)),
    Case("partitions-rss", "19", "MiB", "resident memory after that start, idle", partitions="all", goals=(Goal(60, None),)),
    Case("partitions-large-create", "13", "s", "Moldau alone: --partitions-large created, the time", partitions="large"),
    Case("partitions-large-start", "18", "s", "Moldau alone: clean start with them", partitions="large"),
    Case("partitions-large-rss", "19", "MiB", "Moldau alone: resident memory after that start", partitions="large",
         goals=(Goal(250, None),)),
)


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    broker = make()
    with _stopped_slowly(broker):
        brokers.settle(broker.pid)
        before = brokers.cpu_seconds(broker.pid)
        figures["create-partitions-time"] = _create(broker, sizes.partitions)
        figures["create-partitions"] = brokers.settle(broker.pid) - before
        figures["spread-request-cpu"] = _spread(broker, sizes)
        figures["partitions-idle-cpu"] = _idle(broker, sizes.idle_seconds)
    figures["partitions-start"] = _start(broker)
    try:
        time.sleep(sizes.idle_seconds)
        figures["partitions-rss"] = brokers.rss_mib(broker.pid)
    finally:
        broker.stop(STOP_SECONDS)
    if make.name == "moldau" and sizes.partitions_large:
        figures |= _large(make(), sizes)
    return figures


@contextlib.contextmanager
def _stopped_slowly(broker):
    broker.start()
    try:
        yield
    finally:
        broker.stop(STOP_SECONDS)


def _create(broker, partitions: int) -> float:
    began = time.monotonic()
    clients.franz("create", broker, "many", topics=TOPICS, partitions=partitions // TOPICS)
    wanted = partitions // TOPICS * TOPICS
    while _directories(broker) < wanted:
        if time.monotonic() - began > 1800:
            raise RuntimeError(f"{_directories(broker)} of {wanted} partitions after half an hour")
        time.sleep(0.05)
    return time.monotonic() - began


def _directories(broker) -> int:
    return sum(1 for path in pathlib.Path(broker.data).iterdir() if path.name.startswith("many-"))


def _spread(broker, sizes: Sizes) -> float:
    before = brokers.cpu_seconds(broker.pid)
    said = clients.franz("requests", broker, "many-0", connections=50, partitions=min(50, sizes.partitions // TOPICS),
                         seconds=sizes.seconds * SPREAD_SECONDS_SHARE)
    return (brokers.cpu_seconds(broker.pid) - before) * 1e6 / said["requests"]


def _idle(broker, seconds: float) -> float:
    before = brokers.settle(broker.pid)
    time.sleep(seconds)
    return 100 * (brokers.cpu_seconds(broker.pid) - before) / seconds


def _start(broker) -> float:
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        began = time.monotonic()
        started = pool.submit(broker.start, 600)
        try:
            return brokers.await_leader(broker.port, f"many-{TOPICS - 1}") - began
        finally:
            started.result()


def _large(broker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    with _stopped_slowly(broker):
        figures["partitions-large-create"] = _create(broker, sizes.partitions_large)
    figures["partitions-large-start"] = _start(broker)
    try:
        time.sleep(sizes.idle_seconds)
        figures["partitions-large-rss"] = brokers.rss_mib(broker.pid)
    finally:
        broker.stop(STOP_SECONDS)
    return figures


SCENARIO = Scenario(CASES, measure)
