#!/usr/bin/env python3
"""One data directory goes to and fro between Apache Kafka 4.3.1 and Moldau.

Apache Kafka writes it (several segments, four codecs, idempotent and transactional data with one transaction left open, a deleted prefix)
and ends cleanly or by kill -9. Moldau opens it, serves all of it, appends, stops; Apache Kafka opens it again, serves all, and
DumpLogSegments finds nothing wrong; once more round. With --apache a second Apache Kafka takes Moldau's part.
"""

import functools
import pathlib
import re
import sys
import tempfile

from harness import arguments_of, check, run_cases, tool

import kafka
from kafka.moldau import Moldau
from kafka.workload import Workload

FIRST = 1_700_000_000_000
DAY_MS = 86_400_000
KEEP = "retention.ms=-1"
SETTINGS = {
    "offsets.topic.num.partitions": "2",
    "transaction.state.log.num.partitions": "1",
    "log.index.size.max.bytes": "65536",
    "metadata.log.max.record.bytes.between.snapshots": "4000",
}
CODECS = ("gzip", "snappy", "lz4", "zstd")
WRONG = re.compile(r"isvalid: false|Mismatches in|Non-consecutive|Found timestamp mismatch|Found out of order|Index mismatch|"
                   r"Couldn't|Could not|\.log is invalid|failed the sanity check|Exception")
DUMP = "org.apache.kafka.tools.DumpLogSegments"


def fill(load: Workload) -> None:
    load.run(f"topic plain 1 {KEEP} segment.bytes=1048576")
    load.run(f"produce plain 0 160 16000 {FIRST} 1000")
    for codec in CODECS:
        load.run(f"topic {codec} 1 {KEEP} segment.ms={DAY_MS}")
        for day in range(3):
            load.run(f"produce {codec} 0 30 200 {FIRST + day * 2 * DAY_MS} 1000 compression.type={codec} batch.size=2000")
    load.run(f"topic mixed 3 {KEEP}")
    load.run(f"produce mixed 1 40 100 {FIRST} 5 enable.idempotence=false")
    load.run(f"topic transactional 1 {KEEP}")
    load.run("txn one transactional 0 5 commit")
    load.run("txn two transactional 0 4 abort")
    load.run("txn one transactional 0 2 commit")
    load.run(f"topic deleted 1 {KEEP} segment.ms={DAY_MS}")
    for day in range(3):
        load.run(f"produce deleted 0 10 100 {FIRST + day * 2 * DAY_MS} 1000")
    load.run("delete-records deleted 0 14")
    load.run(f"topic gone 1 {KEEP}")
    load.run("delete-topic gone")
    load.run("offset analysts plain 0 42")
    load.run("txn open transactional 0 3 open")


def append(load: Workload, turn: int) -> None:
    """Something in every kind of partition; the open transaction stays open."""
    now = FIRST + (10 + turn) * DAY_MS
    load.run(f"produce plain 0 70 16000 {now} 1000")
    for codec in CODECS:
        load.run(f"produce {codec} 0 20 200 {now} 1000 compression.type={codec}")
    for partition in range(3):
        load.run(f"produce mixed {partition} 10 100 {now} 5 batch.size=300")
    load.run(f"produce transactional 0 3 50 {now} 1")
    load.run(f"produce deleted 0 5 50 {now} 1")
    load.run(f"delete-records deleted 0 {14 + turn}")
    load.run(f"topic turn-{turn} 2 {KEEP}")
    load.run(f"produce turn-{turn} 1 10 50 {now} 1")


def compare(view: dict, wanted: dict, who: str) -> None:
    """Without internal topics: their coordinators may add to them at any time."""
    check(set(view) == set(wanted), f"{who}: partitions {sorted(set(view) ^ set(wanted))}")
    wrong = [f"{name}: {view[name]}, wanted {wanted[name]}" for name in sorted(wanted) if view[name] != wanted[name]]
    check(not wrong, f"{who} serves otherwise: {'; '.join(wrong)[:2000]}")


def dump_finds_nothing_wrong(data: pathlib.Path, who: str) -> None:
    kinds = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
    files = [path for path in data.glob("*/*") if path.suffix in kinds and not path.parent.name.startswith("__cluster_metadata")
             and "-delete" not in path.parent.name]
    metadata = [path for path in data.glob("__cluster_metadata-0/*") if path.suffix in (*kinds, ".checkpoint")]
    for what, group, options in (("logs", files, ()), ("metadata", metadata, ("--cluster-metadata-decoder",))):
        output = tool(DUMP, "--files", ",".join(map(str, group)), *options, timeout=300)
        found = [line for line in output.splitlines() if WRONG.search(line)]
        check(not found, f"after {who} DumpLogSegments on {what}: {found[:5]}")


def log_is_quiet(broker) -> None:
    # A slow machine is no fault of the directory.
    loud = [line for line in broker.log_lines("ERROR", "FATAL") if not re.search("SocketServer|EventPerformanceMonitor", line)]
    loud += [line for line in broker.log_lines("WARN") if re.search(r"corrupt|truncat|recover|rebuild", line, re.I)]
    check(not loud, f"Apache Kafka's log: {loud[:5]}")


def exchange(other, killed: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="moldau-exchange-") as work:
        work = pathlib.Path(work)
        ports = {"port": kafka.free_port(), "controller_port": kafka.free_port()}

        def apache(name: str):
            return kafka.ApacheKafka(work / name, SETTINGS, data=work / "data", **ports)

        with apache("writer") as broker, Workload(broker.bootstrap) as load:
            fill(load)
            view = load.view(internal=False)
            (broker.kill if killed else broker.stop)()
        for turn in (1, 2):
            with other(work / f"other-{turn}", SETTINGS, data=work / "data", **ports) as broker, Workload(broker.bootstrap) as load:
                compare(load.view(internal=False), view, f"turn {turn}: the other broker")
                append(load, turn)
                view = load.view(internal=False)
                (broker.kill if killed and turn == 1 else broker.stop)()
            if not killed or turn == 2:
                dump_finds_nothing_wrong(work / "data", f"turn {turn}")
            with apache(f"reader-{turn}") as broker, Workload(broker.bootstrap) as load:
                compare(load.view(internal=False), view, f"turn {turn}: Apache Kafka")
                load.run(f"produce plain 0 5 1000 {FIRST + (20 + turn) * DAY_MS} 1")
                load.run(f"produce transactional 0 2 50 {FIRST + (20 + turn) * DAY_MS} 1")
                view = load.view(internal=False)
                broker.stop()
            if not killed:
                log_is_quiet(broker)


def main() -> int:
    arguments = arguments_of(__doc__.splitlines()[0])
    other = kafka.ApacheKafka if arguments.apache else functools.partial(Moldau, arguments.moldau)

    def case_after_a_clean_stop(_):
        exchange(other, killed=False)

    def case_after_kill_9(_):
        exchange(other, killed=True)

    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP directory exchange: {reason}")
        return 77
    return 1 if run_cases([case_after_a_clean_stop, case_after_kill_9], None) else 0


if __name__ == "__main__":
    sys.exit(main())
