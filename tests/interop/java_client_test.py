#!/usr/bin/env python3
"""Apache Kafka's Java client 4.3.1 produces and consumes.

The consumers assign partitions; no case needs a group or a transaction. What was produced is a function of its index (see
dev/oracle/java/Workload.java), so that every record that comes back is checked whole: offset, timestamp, key, value, headers.
"""

import functools
import re
import sys

from harness import cases_of, check, equal, main

import kafka
from kafka.workload import Workload, WorkloadError

FIRST = 1_700_000_000_000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def key(index: int) -> str:
    return "-" if index % 7 == 3 else f"key-{index}".encode().hex()


def value(index: int, size: int) -> str:
    if index % 11 == 5:
        return "-"
    text = f"record {index} of the workload, ".encode()
    return (text * (size // len(text) + 1))[:size].hex()


def headers(index: int) -> str:
    return f"index={str(index).encode().hex()},none=-,=" if index % 3 == 0 else ""


def lines(count: int, size: int, first: int = FIRST, step: int = 1, offset: int = 0) -> list[str]:
    return [f"{offset + index}|CreateTime {first + index * step}|{key(index)}|{value(index, size)}|{headers(index)}"
            for index in range(count)]


@functools.cache
def client(broker) -> Workload:
    """One JVM for all cases but those that are about a second one."""
    return Workload(broker.bootstrap)


def round_trip(broker, topic: str, count: int, size: int, *settings: str) -> None:
    load = client(broker)
    load.run(f"topic {topic} 1 retention.ms=-1")
    last = load.run(f"produce {topic} 0 {count} {size} {FIRST} 1 {' '.join(settings)}".strip())
    equal(int(last), count - 1, "last offset")
    equal(load.records(topic, 0), lines(count, size), "records")


def case_no_codec(broker):
    round_trip(broker, "j-none", 300, 100, "compression.type=none")


def case_gzip(broker):
    round_trip(broker, "j-gzip", 300, 100, "compression.type=gzip")


def case_snappy(broker):
    round_trip(broker, "j-snappy", 300, 100, "compression.type=snappy")


def case_lz4(broker):
    round_trip(broker, "j-lz4", 300, 100, "compression.type=lz4")


def case_zstd(broker):
    round_trip(broker, "j-zstd", 300, 100, "compression.type=zstd")


def case_idempotent_in_many_small_batches(broker):
    round_trip(broker, "j-idempotent", 2000, 50, "enable.idempotence=true", "batch.size=400", "linger.ms=0")


def case_without_idempotence_acks_1_and_0(broker):
    round_trip(broker, "j-acks1", 100, 50, "enable.idempotence=false", "acks=1")
    load = client(broker)
    load.run("topic j-acks0 1 retention.ms=-1")
    load.run(f"produce j-acks0 0 100 50 {FIRST} 1 enable.idempotence=false acks=0")
    load.run(f"produce j-acks0 0 1 50 {FIRST} 1 enable.idempotence=false acks=1")  # comes after them
    equal(load.records("j-acks0", 0)[:100], lines(100, 50), "records")


def case_large_records(broker):
    round_trip(broker, "j-large", 5, 900_000, "max.request.size=1048576")


def case_timestamps_that_run_backwards(broker):
    load = client(broker)
    load.run("topic j-back 1 retention.ms=-1")
    load.run(f"produce j-back 0 50 20 {FIRST} -1000")
    equal(load.records("j-back", 0), lines(50, 20, step=-1000), "records")


def case_log_append_time(broker):
    load = client(broker)
    load.run("topic j-append 1 message.timestamp.type=LogAppendTime")
    load.run(f"produce j-append 0 20 20 {FIRST} 1")
    times = [int(re.match(r"\d+\|LogAppendTime (\d+)\|", line)[1]) for line in load.records("j-append", 0)]
    check(len(times) == 20 and all(time > FIRST for time in times), f"times {times}")


def case_several_partitions(broker):
    load = client(broker)
    load.run("topic j-parts 3 retention.ms=-1")
    for partition, codec in enumerate(CODECS[:3]):
        load.run(f"produce j-parts {partition} 40 30 {FIRST} 1 compression.type={codec}")
    for partition in range(3):
        equal(load.records("j-parts", partition), lines(40, 30), f"records of partition {partition}")


def case_a_later_session_goes_on(broker):
    with Workload(broker.bootstrap) as load:
        load.run("topic j-more 1 retention.ms=-1")
        load.run(f"produce j-more 0 10 30 {FIRST} 1")
    with Workload(broker.bootstrap) as load:
        equal(load.run(f"produce j-more 0 10 30 {FIRST} 1"), "19", "last offset")
        equal(load.records("j-more", 0), lines(10, 30) + lines(10, 30, offset=10), "records")


def case_delete_records(broker):
    load = client(broker)
    load.run("topic j-deleted 1 retention.ms=-1")
    load.run(f"produce j-deleted 0 30 30 {FIRST} 1")
    load.run("delete-records j-deleted 0 12")
    equal(load.records("j-deleted", 0), lines(30, 30)[12:], "records")


def case_topics_and_their_configs(broker):
    load = client(broker)
    load.run("topic j-config 1 retention.ms=-1 max.message.bytes=1000")
    try:
        load.run(f"produce j-config 0 1 5000 {FIRST} 1")
    except WorkloadError as refused:
        check("RecordTooLarge" in str(refused), str(refused))
    else:
        raise AssertionError("a record above max.message.bytes was taken")
    load.run("config topic j-config max.message.bytes=10000")
    load.run(f"produce j-config 0 1 5000 {FIRST} 1")
    load.run("delete-topic j-config")
    load.run("topic j-config 1 retention.ms=-1")
    equal(load.records("j-config", 0), [], "records of the topic made again")


if __name__ == "__main__":
    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP java client: {reason}")
        sys.exit(77)
    sys.exit(main(__doc__, cases_of(globals())))
