#!/usr/bin/env python3
"""The same data directory is compacted by Apache Kafka 4.3.1 and by Moldau: the same records are left.

Apache Kafka writes it without compacting: four codecs, tombstones, records without a key, committed and aborted transactions, many
segments. Two copies are then compacted, one by each. DumpLogSegments reads both without complaint and finds the same records at the same
offsets; Apache Kafka serves the one that Moldau compacted as it serves its own. With --apache a second Apache Kafka takes Moldau's part.
"""

import functools
import pathlib
import shutil
import sys
import tempfile
import time

from directory_exchange_test import CODECS, DAY_MS, DUMP, FIRST, compare, dump_finds_nothing_wrong
from harness import arguments_of, check, equal, run_cases, tool

import kafka
from kafka.moldau import Moldau
from kafka.workload import Workload

IDLE = {"log.cleaner.backoff.ms": "86400000"}
BUSY = {"log.cleaner.backoff.ms": "200"}
COMMON = {"offsets.topic.num.partitions": "1", "transaction.state.log.num.partitions": "1", "log.retention.ms": "-1"}
COMPACT = "cleanup.policy=compact min.cleanable.dirty.ratio=0.001"


def fill(load: Workload) -> list[str]:
    """The topics. Keys repeat with each call; days make segments, the last is active and stays as it is."""
    for codec in ("none", *CODECS):
        load.run(f"topic {codec} 1 segment.ms={DAY_MS}")
        for day, count in enumerate((60, 40, 70, 25, 5)):
            load.run(f"produce {codec} 0 {count} 200 {FIRST + day * 2 * DAY_MS} 1000 compression.type={codec} batch.size=2000")
    load.run(f"topic transactional 1 segment.ms={DAY_MS}")
    load.run(f"produce transactional 0 30 100 {FIRST} 1")
    for turn, (transaction, count, end) in enumerate((("one", 5, "commit"), ("two", 8, "abort"), ("one", 3, "abort"), ("two", 2, "commit"))):
        load.run(f"txn {transaction} transactional 0 {count} {end}")
        # Transactions have a time of their own: these make the segments.
        load.run(f"produce transactional 0 4 50 {FIRST + (turn + 1) * 2 * DAY_MS} 1")
    load.run(f"produce transactional 0 1 50 {FIRST + 40 * DAY_MS} 1")
    topics = ["none", *CODECS, "transactional"]
    for topic in topics:
        load.run(f"config topic {topic} {COMPACT}")
    return topics


def cleaned(data: pathlib.Path, topics: list[str]) -> bool:
    """Every topic was compacted up to its active segment."""
    try:
        lines = (data / "cleaner-offset-checkpoint").read_text().splitlines()[2:]
    except FileNotFoundError:
        return False
    offsets = {line.split()[0]: int(line.split()[2]) for line in lines}
    return all(offsets.get(topic, -1) == max(int(path.stem) for path in (data / f"{topic}-0").glob("*.log")) for topic in topics)


def compact(broker, topics: list[str]) -> None:
    with broker:
        deadline = time.monotonic() + 120
        while not cleaned(broker.data, topics):
            check(time.monotonic() < deadline, f"not compacted: {broker.log_tail(20)}")
            time.sleep(0.2)
        broker.stop()


def records(data: pathlib.Path, topic: str) -> list[str]:
    """What DumpLogSegments prints of each record, markers included."""
    files = sorted((data / f"{topic}-0").glob("*.log"))
    output = tool(DUMP, "--print-data-log", "--files", ",".join(map(str, files)))
    return [line for line in output.splitlines() if line.startswith("| offset: ")]


def case(other) -> None:
    with tempfile.TemporaryDirectory(prefix="moldau-compaction-") as work:
        work = pathlib.Path(work)
        ports = {"port": kafka.free_port(), "controller_port": kafka.free_port()}
        with kafka.ApacheKafka(work / "writer", {**COMMON, **IDLE}, data=work / "data", **ports) as broker:
            with Workload(broker.bootstrap) as load:
                topics = fill(load)
            broker.stop()
        before = {topic: len(records(work / "data", topic)) for topic in topics}
        shutil.copytree(work / "data", work / "theirs")
        shutil.copytree(work / "data", work / "ours")
        compact(kafka.ApacheKafka(work / "apache", {**COMMON, **BUSY}, data=work / "theirs", **ports), topics)
        compact(other(work / "other", {**COMMON, **BUSY}, data=work / "ours", **ports), topics)
        dump_finds_nothing_wrong(work / "ours", "compaction")
        for topic in topics:
            theirs, ours = records(work / "theirs", topic), records(work / "ours", topic)
            check(len(theirs) < before[topic], f"{topic}: nothing was compacted")
            equal(ours, theirs, f"the records of {topic}")
        views = []
        for name in ("theirs", "ours"):
            broker = kafka.ApacheKafka(work / f"reader-{name}", {**COMMON, **IDLE}, data=work / name, **ports)
            with broker, Workload(broker.bootstrap) as load:
                views.append(load.view(internal=False))
                broker.stop()
        compare(views[1], views[0], "Apache Kafka")


def main() -> int:
    arguments = arguments_of(__doc__.splitlines()[0])
    other = kafka.ApacheKafka if arguments.apache else functools.partial(Moldau, arguments.moldau)

    def case_compacted_by_either_the_same_records_are_left(_):
        case(other)

    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP compaction: {reason}")
        return 77
    return 1 if run_cases([case_compacted_by_either_the_same_records_are_left], None) else 0


if __name__ == "__main__":
    sys.exit(main())
