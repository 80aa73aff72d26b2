#!/usr/bin/env python3
"""Apache Kafka's tools 4.3.1 print the same rows and end with the same code as against Apache Kafka.

usage: tool_rows_test.py (--moldau BINARY | --apache) [FILE ...]      the cases of tools/*.txt, or of those files
       tool_rows_test.py --record [FILE ...]                          ask Apache Kafka, write the rows (review the diff)

tools/README.md says what stands in the files.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import sys
import tempfile

from harness import SETTINGS

import kafka
from kafka.moldau import Moldau
from kafka.tool_host import Done, ToolHost

DIRECTORY = pathlib.Path(__file__).with_name("tools")
CLASSES = {"ConfigCommand": "kafka.admin.ConfigCommand", "MetadataShell": "org.apache.kafka.shell.MetadataShell"}
ALONE = {"VerifiableProducer"}  # it prints its last rows while its process ends
FLAGS = {"sorted", "numbers", "among", "root", "retry"}
RETRIES_MAX = 20


@dataclasses.dataclass
class Step:
    line: str  # as it stands in the file
    rows: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Case:
    name: str
    steps: list[Step] = dataclasses.field(default_factory=list)


def read(path: pathlib.Path) -> tuple[list[str], list[Case]]:
    """The head of comments, and the cases."""
    head, cases = [], []
    for line in path.read_text().splitlines():
        if line.startswith("case "):
            cases.append(Case(line[5:]))
        elif not cases:
            head.append(line)
        elif line.startswith("  "):
            cases[-1].steps[-1].rows.append(line[2:])
        elif line:
            cases[-1].steps.append(Step(line))
    return head, cases


def write(path: pathlib.Path, head: list[str], cases: list[Case]) -> None:
    lines = head[:]
    for case in cases:
        lines += [f"case {case.name}"]
        for step in case.steps:
            lines += [step.line, *(f"  {row}" for row in step.rows)]
        lines.append("")
    path.write_text("\n".join(lines))


class Stage:
    """One broker with the tools that are run against it, and the files that the steps make."""

    def __init__(self, broker, host: ToolHost, work: pathlib.Path):
        self._broker, self._host, self._work = broker, host, work
        self._names = {"$bootstrap": broker.bootstrap, "$controller": broker.controller, "$data": str(broker.data), "$work": str(work),
                       "$id": "1"}

    def hold(self, step: Step) -> list[str]:
        """The rows of a step; none of one that only prepares."""
        verb, _, rest = step.line.partition(" ")
        if verb == "file":
            name, _, text = rest.partition(" ")
            (self._work / name).write_text(json.loads(text) if text.startswith('"') else self._filled(text))
            return []
        if verb == "copy":
            source, name = rest.split()
            shutil.copy(self._filled(source), self._work / name)
            return []
        if verb in ("stop", "start"):
            getattr(self._broker, verb)()
            return []
        if verb != "$":
            raise AssertionError(f"no step: {step.line}")
        match = re.match(r"\(([\w, ]+)\) ", rest)
        flags = set(match[1].split(", ")) if match else set()
        if not flags <= FLAGS:
            raise AssertionError(f"no flags: {flags - FLAGS}")
        words = [self._filled(word) for word in shlex.split(rest[match.end():] if match else rest)]
        for _ in range(RETRIES_MAX if "retry" in flags else 1):
            rows = self._run(words, flags)
            if "retry" not in flags or rows == step.rows:
                break
        return rows

    def _run(self, words: list[str], flags: set[str]) -> list[str]:
        text = ""
        if "<" in words:
            at = words.index("<")
            text = (self._work / words[at + 1]).read_text()
            words = words[:at]
        main = CLASSES.get(words[0], f"org.apache.kafka.tools.{words[0]}")
        if words[0] in ALONE:
            ended = kafka.run_java(main, *words[1:], input=text.encode())
            done = Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        else:
            done = self._host.run(main, *words[1:], input=text)
        if "TimeoutException" in done.out + done.err:
            raise AssertionError(f"{' '.join(words)}: the machine is too busy: {(done.out + done.err)[:300]}")
        rows = [*self._rows(done.out, flags), *(f"! {row}" for row in self._rows(done.err, flags))]
        if "sorted" in flags:
            rows.sort()
        return [f"exit {done.exit}", *rows]

    def _filled(self, text: str) -> str:
        for name, value in self._names.items():
            if name != "$id":
                text = text.replace(name, value)
        return text

    def _rows(self, output: str, flags: set[str]) -> list[str]:
        output = output.replace(str(self._broker.data), "$data").replace(str(self._work), "$work")
        for port, name in ((self._broker.port, "$port"), (self._broker.controller_port, "$controllerPort")):
            output = re.sub(rf"(?<![\d.]){port}(?!\d)", name, output)
        rows = (row_of(line, flags) for line in output.splitlines())
        return [row for row in rows if row is not None]


def row_of(line: str, flags: set[str]) -> str | None:
    """What of a printed line is compared: ids and times have names, of an error its class counts and not its words."""
    if not line.strip() or re.match(r"\s+at |\s*\.\.\. \d+ more|\s+moldau\.|\s+log\.dir=|.*: UNSUPPORTED,?$", line):
        return None  # stacks; keys of our own, our own default; APIs that are not here yet
    if "root" in flags and line.startswith("  ") and not line.startswith("  root="):
        return None  # loggers have other names
    if error := re.match(r"((?:Caused by: )?)(?:Error: )?([\w.$]+(?:Exception|Error))\b", line):
        return error[1] + error[2]
    line = re.sub(r"^(Error while executing [\w ]+?)( with args| :|:).*", r"\1", line)
    line = re.sub(r"^((?:Could|Can) not \w+ [\w.]+(?: to \d+)?\.) .*", r"\1", line)
    line = re.sub(r"(\S+Exception): .*", r"\1", line)
    line = re.sub(r"(?<=\tConfigs: )\S+", lambda match: ",".join(sorted(match[0].split(","))), line)  # a hash map's order
    line = re.sub(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[A-Za-z0-9_-]{22}(?![\w-])", "$uuid", line)
    line = re.sub(r"(?<!\d)1[6-9]\d{11}(?!\d)", "$time", line)
    line = re.sub(r"(\bcrc: |\"avg_throughput\":)[\d.]+", r"\1N", line)
    if "sorted" in flags:
        line = re.sub(r"(?<= are )\S+=.*", lambda match: ", ".join(sorted(match[0].split(", "))), line)
    if "numbers" in flags:
        line = re.sub(r"(?<![\w.])-?\d+(?:\.\d+)?(?:E\d+)?(?![\w.]*\w\()", "N", line)
    return re.sub(r"[ \t]{2,}", "  ", line.rstrip().removesuffix(","))


def verdict(step: Step, rows: list[str]) -> str:
    """What is wrong with the rows; nothing if they are right."""
    wanted = step.rows
    if "among" in step.line.split(")")[0]:
        wanted = [row for row in wanted if row in rows or row.startswith("exit")]
    if rows == wanted:
        return ""
    missing, more = [row for row in wanted if row not in rows], [row for row in rows if row not in wanted]
    return f"{step.line}: missing {missing[:12]}, beyond {more[:12]}" if missing or more else f"{step.line}: in another order: {rows}"


def run_case(stage: Stage, case: Case) -> list[str]:
    """Its faults. The steps go on behind a fault: later rows say more of it."""
    faults = []
    for step in case.steps:
        try:
            if wrong := verdict(step, stage.hold(step)):
                faults.append(wrong)
        except (AssertionError, OSError) as error:
            faults.append(f"{step.line}: {error}")
    return faults


def arguments_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moldau", metavar="BINARY", default=os.environ.get("MOLDAU"))
    parser.add_argument("--apache", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("files", nargs="*", metavar="FILE")
    return parser.parse_args()


def run_file(arguments: argparse.Namespace, path: pathlib.Path, host: ToolHost) -> tuple[int, int]:
    """Its steps, and how many of its cases failed; with a broker of its own."""
    head, cases = read(path)
    failed = 0
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moldau-tools-")))
        ours = not (arguments.apache or arguments.record)
        broker = stack.enter_context(Moldau(arguments.moldau, work / "broker", SETTINGS) if ours
                                     else kafka.ApacheKafka(work / "broker", SETTINGS))
        stage = Stage(broker, host, work)
        for case in cases:
            if arguments.record:
                for step in case.steps:
                    step.rows = stage.hold(step)
            faults = [] if arguments.record else run_case(stage, case)
            failed += bool(faults)
            word = "FAIL" if faults else "RECORDED" if arguments.record else "PASS"
            print(f"{word} {path.stem}/{case.name}{': ' if faults else ''}{' | '.join(faults)[:3000]}", flush=True)
    if arguments.record:
        write(path, head, cases)
    return sum(len(case.steps) for case in cases), failed


def main() -> int:
    arguments = arguments_of()
    paths = [DIRECTORY / f"{name.removesuffix('.txt')}.txt" for name in arguments.files] or sorted(DIRECTORY.glob("*.txt"))
    with ToolHost() as host:
        steps, failed = map(sum, zip(*(run_file(arguments, path, host) for path in paths)))
    print(f"{steps} steps")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kafka.Skipped as reason:
        print(f"SKIP tools' rows: {reason}")
        sys.exit(77)
    except RuntimeError as error:  # a broker that does not start
        print(f"FAIL start: {error}".replace("\n", " | "))
        sys.exit(1)
