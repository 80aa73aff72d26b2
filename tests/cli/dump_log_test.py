#!/usr/bin/env python3
"""moldau dump-log over directories that Apache Kafka 4.3.1 wrote: line for line what its DumpLogSegments printed of them.

usage: dump_log_test.py [--moldau BINARY]      MOLDAU in the environment is the default
"""

import json
import os
import re
import subprocess
import sys

from offline_tool import DIRECTORIES, GOLDEN, Report, moldau_of_command_line, unpacked

# Kafka takes the first zeros of an index that it preallocated and a kill left for an entry; Moldau does not.
ZEROS = re.compile(r"^(offset: \d+ position: 0|timestamp: 0 offset: \d+)\n", re.M)


def dump(moldau, data, *arguments):
    done = subprocess.run([moldau, "dump-log", *map(str, arguments)], cwd=data, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def files_of(golden):
    """The files in the order in which the golden output names them."""
    return [line.removeprefix("Dumping ") for line in golden.splitlines() if line.startswith("Dumping ")]


def first_difference(got, wanted):
    for number, (a, b) in enumerate(zip(got.splitlines(), wanted.splitlines()), 1):
        if a != b:
            return f"line {number}: got '{a[:300]}', wanted '{b[:300]}'"
    return f"{len(got.splitlines())} lines, wanted {len(wanted.splitlines())}"


def compare(moldau, data, golden_file):
    golden = golden_file.read_text()
    files = files_of(golden)
    golden = ZEROS.sub("", golden)
    options = ["--cluster-metadata-decoder"] if golden_file.stem.startswith("__cluster_metadata") else []
    code, got, errors = dump(moldau, data, *options, *files)
    if sorted_producers(got) != sorted_producers(golden):
        return first_difference(sorted_producers(got), sorted_producers(golden)) + errors[:300]
    if code != 0 and "rich-killed" not in str(golden_file):
        return f"exit code {code}: {errors[:300]}"
    return None


def sorted_producers(text):
    """Kafka prints the producers of a snapshot in the order of the file, which is that of its hash map."""
    out, run = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("producerId: "):
            run.append(line)
        else:
            out += [*sorted(run), line]
            run = []
    return "\n".join(out)


def as_json(moldau, data):
    """Each line an object; the offsets are those of the plain output."""
    path = next(data.glob("plain-0/*.log")).relative_to(data)
    code, got, errors = dump(moldau, data, "--json", "--print-data-log", path)
    rows = [json.loads(line) for line in got.splitlines()]
    batches = [row for row in rows if row["kind"] == "batch"]
    records = [row for row in rows if row["kind"] == "record"]
    if code != 0 or not batches or not records:
        return f"exit code {code}, {len(batches)} batches, {len(records)} records: {errors}"
    if [row["offset"] for row in records] != list(range(batches[0]["baseOffset"], batches[-1]["lastOffset"] + 1)):
        return "offsets of records do not fit their batches"
    return None


def damaged(moldau, data):
    """A flipped byte and a cut tail are found, and the rest is printed all the same."""
    source = next(data.glob("plain-0/*.log"))
    broken = data / "broken-0"
    broken.mkdir()
    target = broken / source.name
    content = bytearray(source.read_bytes())
    content[200] ^= 1
    target.write_bytes(content[:-7])
    code, got, errors = dump(moldau, data, target.relative_to(data))
    if code != 1 or "isvalid: false" not in got or "invalid bytes at the end of" not in got or "checksum" not in errors:
        return f"exit code {code}: {got[:200]} {errors[:200]}"
    return None


def unreadable(moldau, data):
    code, _, errors = dump(moldau, data, "no-such/00000000000000000000.log", "meta.properties")
    if code != 1 or "no-such/00000000000000000000.log" not in errors or "meta.properties" not in errors:
        return f"exit code {code}: {errors}"
    return None


def no_files(moldau, data):
    """What is no file is said to be none: a directory with a segment's name, a pipe that nobody writes to."""
    directory, pipe = data / "00000000000000000011.log", data / "00000000000000000012.log"
    directory.mkdir()
    os.mkfifo(pipe)
    good = "recovery-point-offset-checkpoint"
    try:
        code, got, errors = dump(moldau, data, directory.name, pipe.name, good)
    finally:
        directory.rmdir()
        pipe.unlink()
    if code != 1 or f"{directory.name}: is a directory" not in errors or f"{pipe.name}: is no regular file" not in errors:
        return f"exit code {code}: {got} {errors}"
    return None if f"Dumping {good}" in got and "invalid bytes" not in got else got


def marks(moldau, data):
    """Files of a log directory that hold little or nothing are no fault."""
    (data / ".lock").touch()
    (data / ".kafka_cleanshutdown").write_text('{"version":0,"brokerEpoch":7}')
    code, got, errors = dump(moldau, data, ".lock", ".kafka_cleanshutdown")
    if code != 0 or "brokerEpoch: 7" not in got or ".lock: holds nothing" not in errors:
        return f"exit code {code}: {got} {errors}"
    return None


def checkpoints(moldau, data):
    names = ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", "plain-0/leader-epoch-checkpoint",
             "plain-0/partition.metadata"]
    code, got, errors = dump(moldau, data, *names)
    if code != 0 or "topic: plain partition: 0 offset: " not in got or "epoch: 0 startOffset: " not in got or "topicId: " not in got:
        return f"exit code {code}: {got[:300]} {errors[:300]}"
    return None


def main():
    moldau = moldau_of_command_line(__doc__.splitlines()[0])
    report = Report()
    for name in DIRECTORIES:
        with unpacked(name) as data:
            for golden_file in sorted((GOLDEN / f"{name}.dump").glob("*.txt")):
                report(f"{name} {golden_file.stem}", compare(moldau, data, golden_file))
            if name == "rich-clean":
                for case in (as_json, damaged, unreadable, no_files, marks, checkpoints):
                    report(case.__name__.replace("_", " "), case(moldau, data))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
