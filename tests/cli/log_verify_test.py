#!/usr/bin/env python3
"""moldau log verify over directories that Apache Kafka 4.3.1 wrote: nothing is wrong with them, and what is bent is named.

usage: log_verify_test.py [--moldau BINARY]      MOLDAU in the environment is the default
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from offline_tool import DIRECTORIES, Report, moldau_of_command_line, unpacked


def verify(moldau, *arguments):
    done = subprocess.run([moldau, "log", "verify", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def sound(moldau, data):
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    code, output, errors = verify(moldau, data)
    if code != 0 or ": 0 faults" not in output or errors:
        return f"exit code {code}: {output[:600]} {errors[:300]}"
    return None if before == {path: path.stat().st_mtime_ns for path in data.rglob("*")} else "it wrote into the directory"


def bend(path, position, mask=1):
    content = bytearray(path.read_bytes())
    content[position] ^= mask
    path.write_bytes(content)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def first(data, pattern, at_least=1):
    return next(path for path in sorted(data.glob(pattern)) if path.stat().st_size >= at_least)


# What is done to a sound directory; the file that must be named, and words of the line.
DAMAGES = {
    "a bit of a batch": lambda data: (first(data, "plain-0/*.log", 200), lambda path: bend(path, 150), "checksum"),
    "a log that is cut": lambda data: (first(data, "plain-0/*.log", 200), lambda path: cut(path, path.stat().st_size - 5), "no whole batch"),
    "an index": lambda data: (first(data, "*/*.index", 8), lambda path: bend(path, 3), "no batch ends with it"),
    "a time index": lambda data: (first(data, "*/*.timeindex", 12), lambda path: bend(path, 7), "time"),
    "a producer snapshot": lambda data: (first(data, "idempotent-0/*.snapshot", 20), lambda path: bend(path, 12), ""),
    "a transaction index": lambda data: (first(data, "*/*.txnindex", 34), lambda path: bend(path, 9), ""),
    "epochs": lambda data: (first(data, "plain-0/leader-epoch-checkpoint"), lambda path: path.write_text("0\n1\nx 0\n"), ""),
    "the topic id": lambda data: (first(data, "plain-0/partition.metadata"), lambda path: path.write_text("version: 0\n"), ""),
    "meta.properties": lambda data: (data / "meta.properties", lambda path: path.write_text("version=1\n"), ""),
    "a checkpoint": lambda data: (data / "replication-offset-checkpoint", lambda path: path.write_text("0\n1\nplain 0 999999\n"), "behind the log's end"),
    "a metadata snapshot": lambda data: (first(data, "__cluster_metadata-0/*.checkpoint", 100), lambda path: bend(path, 80), "checksum"),
    "the quorum's state": lambda data: (first(data, "__cluster_metadata-0/quorum-state"), lambda path: path.write_text("{"), ""),
}


def damaged(moldau, data, name):
    with tempfile.TemporaryDirectory(prefix="moldau-verify-") as work:
        copy = pathlib.Path(work) / "bent"
        shutil.copytree(data, copy)
        path, do, words = DAMAGES[name](copy)
        do(path)
        code, output, errors = verify(moldau, copy)
        lines = [line for line in output.splitlines() if line.startswith(f"fault: {path}")]
        if code != 1 or not any(words in line for line in lines):
            return f"exit code {code}, wanted '{path.name}' with '{words}': {output[:600]} {errors[:300]}"
        code, output, errors = verify(moldau, "--json", copy)
        faults = [row for row in map(json.loads, output.splitlines()) if row["kind"] == "fault"]
        return None if code == 1 and any(row["file"] == str(path) for row in faults) else f"as JSON: exit code {code}: {output[:600]}"


def nothing_there(moldau):
    with tempfile.TemporaryDirectory(prefix="moldau-verify-") as empty:
        for directory in (empty, f"{empty}/no-such"):
            code, output, errors = verify(moldau, directory)
            if code != 2 or directory not in errors:
                return f"exit code {code}: {output} {errors}"
    return None


def main():
    moldau = moldau_of_command_line(__doc__.splitlines()[0])
    report = Report()
    for name in DIRECTORIES:
        with unpacked(name) as data:
            report(f"{name} is sound", sound(moldau, data))
            if name == "rich-clean":
                for damage in DAMAGES:
                    report(f"found: {damage}", damaged(moldau, data, damage))
    report("a directory that is none", nothing_there(moldau))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
