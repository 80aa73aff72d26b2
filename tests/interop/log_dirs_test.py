#!/usr/bin/env python3
"""Apache Kafka's LogDirsCommand and ReassignPartitionsCommand print the same about Moldau and about Apache Kafka 4.3.1.

Each broker has two log directories; each command is given to both, with the same arguments; lines and exit codes are compared, but for
paths and sizes. With --apache a second Apache Kafka takes Moldau's part.
"""

import json
import pathlib
import re
import sys
import tempfile
import time

from harness import SETTINGS, arguments_of, check, equal, run_cases, tool

import kafka
from kafka.moldau import Moldau

TOOLS = "org.apache.kafka.tools"
PATIENCE = 120


class Side:
    """One of the brokers, and the tools as they see it."""

    def __init__(self, make, work: pathlib.Path):
        self.directories = [work / "data", work / "more"]
        for directory in self.directories:
            directory.mkdir(parents=True)
        self.broker = make(work, SETTINGS | {"log.dirs": ",".join(map(str, self.directories))})
        self.plan = work / "plan.json"
        self.topics = work / "topics.json"

    def run(self, name: str, *arguments) -> tuple[int, list[str]]:
        done = kafka.run_java(f"{TOOLS}.{name}", "--bootstrap-server", self.broker.bootstrap, *arguments)
        output = done.stdout.decode()
        for number, directory in enumerate(self.directories):
            output = output.replace(str(directory), f"DIRECTORY{number}")
        return done.returncode, [line for line in output.splitlines() if line and not line.lstrip().startswith("at ")]

    def write_plan(self, partitions: list[dict]) -> None:
        text = json.dumps({"partitions": partitions, "version": 1})
        for number, directory in enumerate(self.directories):
            text = text.replace(f"DIRECTORY{number}", str(directory))
        self.plan.write_text(text)


def partition(index: int, log_dir: str | None = None, replicas=(1,), topic: str = "moved") -> dict:
    found = {"topic": topic, "partition": index, "replicas": list(replicas)}
    return found if log_dir is None else found | {"log_dirs": [log_dir] * len(replicas)}


class Pair:
    def __init__(self, sides: list[Side]):
        self.sides = sides

    def same(self, name: str, *arguments, normal=lambda lines: lines) -> list[str]:
        """What both printed; `normal` takes out what may differ."""
        (code, lines), (other_code, other) = (side.run(name, *(given(side) if callable(given) else given for given in arguments))
                                              for side in self.sides)
        equal(normal(lines), normal(other), f"{name} {[given for given in arguments if not callable(given)]}")
        equal(code, other_code, f"the exit code of {name}, which printed {lines}")
        return lines

    def reassign(self, action: str, *more, normal=lambda lines: lines) -> list[str]:
        return self.same("reassign.ReassignPartitionsCommand", action, "--reassignment-json-file", lambda side: side.plan, *more,
                         normal=normal)

    def plan(self, *partitions: dict) -> None:
        for side in self.sides:
            side.write_plan(list(partitions))

    def wait_until_moved(self) -> None:
        for side in self.sides:
            deadline = time.monotonic() + PATIENCE
            while any("is still in progress" in line for line in
                      side.run("reassign.ReassignPartitionsCommand", "--verify", "--preserve-throttles", "--reassignment-json-file", side.plan)[1]):
                check(time.monotonic() < deadline, f"{type(side.broker).__name__} does not end a move")


def without_sizes(lines: list[str]) -> list:
    """Of LogDirsCommand: where each replica is; directories and partitions in any order."""
    described = json.loads(next(line for line in lines if line.startswith('{"')))
    shown = [line for line in lines if not line.startswith('{"')]
    for broker in described["brokers"]:
        broker["logDirs"].sort(key=lambda directory: directory["logDir"])
        for directory in broker["logDirs"]:
            directory["partitions"].sort(key=lambda found: found["partition"])
            for found in directory["partitions"]:
                found["size"] = found["size"] > 0
    return [shown, described]


def whereabouts(lines: list[str]) -> dict[str, str]:
    [broker] = without_sizes(lines)[1]["brokers"]
    return {found["partition"]: directory["logDir"] for directory in broker["logDirs"] for found in directory["partitions"]}


def where_are(pair: Pair) -> list[str]:
    return pair.same("LogDirsCommand", "--describe", "--topic-list", "moved", normal=without_sizes)


def case_both_begin_alike(pair):
    for side in pair.sides:
        tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", side.broker.bootstrap, "--create", "--topic", "moved", "--partitions", "2",
             "--replication-factor", "1", "--config", "segment.bytes=1048576")
        tool(f"{TOOLS}.ProducerPerformance", "--bootstrap-server", side.broker.bootstrap, "--topic", "moved", "--num-records", "30000",
             "--record-size", "200", "--throughput", "-1")


def case_a_plan_is_generated(pair):
    for side in pair.sides:
        side.topics.write_text(json.dumps({"topics": [{"topic": "moved"}], "version": 1}))
    # Where a new replica is, is each broker's own choice; "any" is what is proposed.
    lines = pair.same("reassign.ReassignPartitionsCommand", "--generate", "--topics-to-move-json-file", lambda side: side.topics,
                      "--broker-list", "1", normal=lambda lines: [re.sub(r"DIRECTORY\d", "DIRECTORY", line) for line in lines])
    check(any("Proposed partition reassignment configuration" in line for line in lines), f"{lines}")


def case_replicas_move_to_the_other_directory(pair):
    for target in ("DIRECTORY0", "DIRECTORY1"):
        pair.plan(partition(0, target), partition(1, target))
        lines = pair.reassign("--execute", normal=lambda lines: [re.sub(r'"log_dirs":\["[^"]*"\]', "", line) for line in lines])
        check(any("Successfully started partition reassignments for moved-0,moved-1" in line for line in lines), f"{lines}")
        pair.wait_until_moved()
        lines = pair.reassign("--verify")
        equal(sum("completed successfully" in line for line in lines), 2, f"replicas that were moved, of {lines}")
        equal(whereabouts(where_are(pair)), {"moved-0": target, "moved-1": target}, "where they are")


def case_every_record_is_still_there(pair):
    pair.same("GetOffsetShell", "--topic", "moved", "--time", "earliest")
    for side in pair.sides:
        _, lines = side.run("GetOffsetShell", "--topic", "moved", "--time", "latest")
        equal(sum(int(line.rpartition(":")[2]) for line in lines), 30000, f"records of {lines}")


def case_a_throttle_is_set_and_taken_away(pair):
    pair.plan(partition(0, "DIRECTORY0"), partition(1, "DIRECTORY1"))
    lines = pair.reassign("--execute", "--replica-alter-log-dirs-throttle", "100000000",
                          normal=lambda lines: [re.sub(r'"log_dirs":\["[^"]*"\]', "", line) for line in lines])
    check(any("100000000" in line for line in lines), f"{lines}")
    for side in pair.sides:
        _, lines = side.run("reassign.ReassignPartitionsCommand", "--list")
        check(lines == ["No partition reassignments found."], f"{lines}")
    pair.wait_until_moved()
    pair.reassign("--verify")
    equal(whereabouts(where_are(pair)), {"moved-0": "DIRECTORY0", "moved-1": "DIRECTORY1"}, "where they are")


def case_what_cannot_be_is_refused_alike(pair):
    def without_trace(lines):
        return [re.sub(r'"log_dirs":\["[^"]*"\]', "", line) for line in lines if not re.match(r"\s*(Caused by|\.\.\.)", line)]

    pair.plan(partition(0, "/nowhere"))
    pair.reassign("--execute", "--timeout", "3000", normal=without_trace)
    pair.plan(partition(0, "any"), partition(1, "any"))
    pair.reassign("--execute", normal=without_trace)
    pair.reassign("--verify")
    pair.plan(partition(0, replicas=(7,)))
    pair.reassign("--execute", normal=without_trace)
    pair.plan(partition(0, topic="unknown"))
    pair.reassign("--execute", normal=without_trace)
    pair.plan(partition(0, replicas=(1, 1)))
    pair.reassign("--execute", normal=without_trace)
    pair.plan(partition(0, "DIRECTORY0"))
    pair.reassign("--cancel", normal=without_trace)
    pair.same("LogDirsCommand", "--describe", "--broker-list", "1,7", normal=without_trace)
    pair.same("LogDirsCommand", "--describe", "--topic-list", "unknown", normal=without_sizes)


def main() -> int:
    arguments = arguments_of(__doc__.splitlines()[0])
    cases = sorted((value for name, value in globals().items() if name.startswith("case_")), key=lambda case: case.__code__.co_firstlineno)
    with tempfile.TemporaryDirectory(prefix="moldau-interop-") as work:
        root = pathlib.Path(work)
        ours = kafka.ApacheKafka if arguments.apache else lambda *given: Moldau(arguments.moldau, *given)
        sides = [Side(ours, root / "tested"), Side(kafka.ApacheKafka, root / "apache")]
        with sides[0].broker, sides[1].broker:
            return 1 if run_cases(cases, Pair(sides)) else 0


if __name__ == "__main__":
    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP log dirs: {reason}")
        sys.exit(77)
    sys.exit(main())
