"""What is measured of one broker, each case against the same running process."""

import concurrent.futures
import dataclasses
import re
import subprocess
import time
from typing import Callable

import kafka

from . import brokers

TOOLS = "org.apache.kafka.tools"
CLIENT_JVM = ("-Xmx1G",)


@dataclasses.dataclass(frozen=True)
class Sizes:
    megabytes: float
    latency_records: int
    idle_seconds: float


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    unit: str
    goal: float  # as a fraction of Apache Kafka's figure
    what: str


CASES = (
    Case("produce-1k", "cpu-s", 0.25, "ProducerPerformance, 1 KB, acks=1, batch 256 KiB, 6 partitions"),
    Case("produce-1k-all", "cpu-s", 0.30, "the same with acks=all, no sync before the answer"),
    Case("produce-100", "cpu-s", 0.30, "the same with 100 B, acks=1"),
    Case("consume-1k", "cpu-s", 0.35, "kcat reads the 1 KB topic from the page cache"),
    Case("latency-p50", "us", 0.60, "median from due to received: 100 B, 1,000 a second whatever happens, acks=1"),
    Case("latency-p99", "us", 0.60, "the same, 99th of 100"),
    Case("start", "s", 0.03, "process start to the first Metadata answer with a leader of an existing topic"),
    Case("idle-rss", "MiB", 0.04, "resident memory after that start, idle"),
)


def _run(command, timeout: float = 1800) -> str:
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def _java(main: str, *arguments) -> list[str]:
    return kafka.java_command(f"{TOOLS}.{main}", *arguments, jvm=CLIENT_JVM)


def _produce(broker, topic: str, size: int, megabytes: float, acks: str) -> None:
    records = max(1, int(megabytes * 1e6 / size))
    output = _run(_java("ProducerPerformance", "--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", records,
                        "--record-size", size, "--throughput", "-1", "--command-property", f"acks={acks}", "batch.size=262144",
                        "linger.ms=5"))
    if not re.search(rf"{records} records sent, [\d.,]+ records/sec", output):
        raise RuntimeError(f"ProducerPerformance did not send {records} records: {output[-1000:]}")


def _consume(broker, topic: str) -> None:
    _run(["kcat", "-b", broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", ""])


def _cpu(broker, work: Callable[[], None]) -> float:
    before = brokers.cpu_seconds(broker.pid)
    work()
    return brokers.cpu_seconds(broker.pid) - before


def _latency(broker, records: int) -> dict[str, float]:
    """A first run warms the client and the broker; of the second the figures are taken."""
    for topic in ("latency-warm", "latency"):
        _run(_java("TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", topic, "--partitions", 1))
        command = kafka.java_command("FixedRateLatency", broker.bootstrap, topic, records, 1000, 100, 1, jvm=CLIENT_JVM)
        p50, _, p99 = map(float, _run(command).split())
    return {"latency-p50": p50, "latency-p99": p99}


def measure(broker, sizes: Sizes) -> dict[str, float]:
    """Starts the broker, measures every case, stops it."""
    figures = {}
    with broker:
        # What the first bytes cost (pages, JIT, files) belongs to no case.
        _produce(broker, "warm", 1024, sizes.megabytes / 4, "1")
        _consume(broker, "warm")
        figures["produce-1k"] = _cpu(broker, lambda: _produce(broker, "k1", 1024, sizes.megabytes, "1"))
        figures["produce-1k-all"] = _cpu(broker, lambda: _produce(broker, "k1all", 1024, sizes.megabytes, "all"))
        figures["produce-100"] = _cpu(broker, lambda: _produce(broker, "b100", 100, sizes.megabytes, "1"))
        figures["consume-1k"] = _cpu(broker, lambda: _consume(broker, "k1"))
        figures |= _latency(broker, sizes.latency_records)
    return figures | _start_and_idle(broker, sizes)


def _start_and_idle(broker, sizes: Sizes) -> dict[str, float]:
    """A start on the directory that the cases above filled. Metadata is asked for while start() waits for its ready line."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        began = time.monotonic()
        started = pool.submit(broker.start)
        try:
            seconds = brokers.await_leader(broker.port, "k1") - began
        finally:
            started.result()
    try:
        time.sleep(sizes.idle_seconds)
        return {"start": seconds, "idle-rss": brokers.rss_bytes(broker.pid) / 2**20}
    finally:
        broker.stop()
