"""End to end at a fixed rate, open loop (7), and one topic read by many (9)."""

import kafka

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

LINGER = "linger 0"

CASES = (
    Case("latency-p50", "7", "us", "median from due to received: 100 B, 1,000 a second (FixedRateLatency.java)", "1", LINGER, "1",
         goals=(Goal(0.4),)),
    Case("latency-p99", "7", "us", "the same, 99th of 100", "1", LINGER, "1", goals=(Goal(0.3),)),
    Case("latency-10k-p50", "7", "us", "10,000 a second", "1", LINGER, "1", goals=(Goal(0.4),)),
    Case("latency-10k-p99", "7", "us", "the same, 99th of 100", "1", LINGER, "1", goals=(Goal(0.3),)),
    *(Case(f"fan-out-{count}", "9", "cpu-s", f"franz-go: 1,000 records of 1 KB a second to {count} consumers, broker CPU a GB delivered",
           "1", LINGER, "1") for count in (1, 10, 50)),
    *(Case(f"fan-out-{count}-p99", "9", "us", f"the same with {count}: from due to received, 99th of 100", "1", LINGER, "1")
      for count in (1, 10, 50)),
)


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    with make(num_partitions=1) as broker:
        clients.create(broker, "latency-warm")
        _fixed_rate(broker, "latency-warm", sizes.latency_records, 1000)
        for name, rate in (("latency", 1000), ("latency-10k", 10_000)):
            clients.create(broker, name)
            figures[f"{name}-p50"], figures[f"{name}-p99"] = _fixed_rate(broker, name, sizes.latency_records * rate // 1000, rate)
        for consumers in (1, 10, 50):
            topic = f"fan-out-{consumers}"
            clients.create(broker, topic)
            before = brokers.cpu_seconds(broker.pid)
            said = clients.franz("fan-out", broker, topic, consumers=consumers, seconds=sizes.seconds, rate=1000, size=1024)
            used = brokers.cpu_seconds(broker.pid) - before
            figures[topic] = used / (said["delivered_bytes"] / 1e9)
            figures[f"{topic}-p99"] = said["p99_us"]
    return figures


def _fixed_rate(broker, topic: str, records: int, rate: int) -> tuple[float, float]:
    command = kafka.java_command("FixedRateLatency", broker.bootstrap, topic, max(10, records), rate, 100, 1, jvm=clients.JVM)
    p50, _, p99 = map(float, clients.run(command).split())
    return p50, p99


SCENARIO = Scenario(CASES, measure)
