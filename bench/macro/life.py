"""How a broker starts, empty (18) and after kill -9 (17), and what it holds when idle (19)."""

import concurrent.futures
import time

from . import brokers, clients
from .cases import Case, Goal, Scenario, Sizes

RECOVERY_PARTITIONS = 8
RECOVERY_SEGMENT_BYTES = 2**31 - 1  # nothing is rolled, hence nothing synced

CASES = (
    Case("start", "18", "s", "clean start, next to no data: process start to the first Metadata answer with a leader", goals=(Goal(0.02),)),
    Case("idle-rss", "19", "MiB", "resident memory after that start, idle", goals=(Goal(10, None),)),
    Case("recovery-first", "17", "s", "kill -9, records not checkpointed (megabytes below): process start to the first acknowledged record",
         "1", "1 record", str(RECOVERY_PARTITIONS), goals=(Goal(0.1),)),
    Case("recovery-all", "17", "s", "the same: until every partition acknowledged one", "1", "1 record", str(RECOVERY_PARTITIONS),
         goals=(Goal(0.1),)),
)


def measure(make: brokers.Maker, sizes: Sizes) -> dict[str, float]:
    figures = {}
    broker = make()
    with broker:
        clients.create(broker, "small")
        clients.producer_performance(broker, "small", 1024, 1)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:  # Metadata is asked for while start() waits for its ready line
        began = time.monotonic()
        started = pool.submit(broker.start)
        try:
            figures["start"] = brokers.await_leader(broker.port, "small") - began
        finally:
            started.result()
    try:
        time.sleep(sizes.idle_seconds)
        figures["idle-rss"] = brokers.rss_mib(broker.pid)
    finally:
        broker.stop()
    return figures | _recover(make(log_segment_bytes=RECOVERY_SEGMENT_BYTES), sizes)


def _recover(broker, sizes: Sizes) -> dict[str, float]:
    broker.start()
    clients.create(broker, "many", RECOVERY_PARTITIONS)
    clients.rdkafka_produce(broker, "many", 1024, sizes.recovery_megabytes)
    broker.kill()
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        since = time.time_ns()
        started = pool.submit(broker.start, 600)
        try:
            said = clients.franz("await", broker, "many", partitions=RECOVERY_PARTITIONS, since=since)
        finally:
            started.result()
    broker.stop()
    return {"recovery-first": said["first_s"], "recovery-all": said["all_s"]}


SCENARIO = Scenario(CASES, measure)
