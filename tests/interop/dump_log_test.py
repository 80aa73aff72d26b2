#!/usr/bin/env python3
"""moldau dump-log beside Apache Kafka's DumpLogSegments: the same flags over the same files, line for line.

usage: dump_log_test.py [--moldau BINARY]      MOLDAU in the environment is the default
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dev" / "oracle"))
sys.path.insert(0, str(ROOT / "tests" / "cli"))

import kafka  # noqa: E402
from dump_log_test import ZEROS, first_difference, sorted_producers  # noqa: E402
from kafka import jars  # noqa: E402
from offline_tool import Report, moldau_of_command_line, unpacked  # noqa: E402

TOOL = "org.apache.kafka.tools.DumpLogSegments"
DATA = ("*-[0-9]/*.log", "*-[0-9]/*.index", "*-[0-9]/*.timeindex", "*-[0-9]/*.txnindex", "*-[0-9]/*.snapshot")
LOGS = ("*-[0-9]/*.log",)
CASES = (
    ("batches", [], DATA),
    ("deep iteration", ["--deep-iteration"], LOGS),
    ("records", ["--print-data-log"], LOGS),
    ("records alone", ["--print-data-log", "--skip-record-metadata"], LOGS),
    ("string decoders", ["--key-decoder-class", "org.apache.kafka.tools.api.StringDecoder"], LOGS),
    ("some bytes", ["--max-bytes", "400"], LOGS),
    ("some bytes of records", ["--max-bytes", "1000", "--print-data-log"], LOGS),
    ("indexes verified", ["--verify-index-only"], ("*-[0-9]/*.index", "*-[0-9]/*.timeindex")),
    ("indexes checked", ["--index-sanity-check"], ("*-[0-9]/*.index", "*-[0-9]/*.timeindex")),
    ("message size", ["--max-message-size", "1000000", "--verify-index-only"], ("*-[0-9]/*.index",)),
    ("metadata", ["--cluster-metadata-decoder"], ("__cluster_metadata-0/*.log", "__cluster_metadata-0/*.checkpoint")),
    ("metadata alone", ["--cluster-metadata-decoder", "--skip-record-metadata"], ("__cluster_metadata-0/*.log",)),
    ("offsets", ["--offsets-decoder"], ("__consumer_offsets-*/*.log",)),
    ("transactions", ["--transaction-log-decoder"], ("__transaction_state-*/*.log",)),
    ("transactions alone", ["--transaction-log-decoder", "--skip-record-metadata"], ("__transaction_state-*/*.log",)),
    ("records of another kind", ["--share-group-state-decoder"], ("__transaction_state-*/*.log",)),
)


def without_words_of_errors(text):
    """What is wrong with a record that does not decode is told in each program's own words."""
    return "\n".join(line.split("skipping. ")[0] if "Error at offset" in line else line for line in text.split("\n"))


def comparable(text):
    """Kafka prints what is no UTF-8 as replacement characters, Moldau as it is: how many stand for it is the decoder's affair."""
    return sorted_producers(without_words_of_errors(ZEROS.sub("", re.sub("\ufffd+", "\ufffd", text))))


def compare(moldau, data, options, patterns):
    files = sorted(str(path.relative_to(data)) for pattern in patterns for path in data.glob(pattern))
    if not files:
        return "no such files"
    theirs = subprocess.run(jars.java_command(TOOL, *options, "--files", ",".join(files)), cwd=data, capture_output=True, timeout=300)
    ours = subprocess.run([moldau, "dump-log", *options, "--files", ",".join(files)], cwd=data, capture_output=True, timeout=60)
    wanted = comparable(theirs.stdout.decode(errors="replace"))
    got = comparable(ours.stdout.decode(errors="replace"))
    if theirs.returncode != 0:
        return f"Kafka's tool failed: {theirs.stderr.decode(errors='replace')[-400:]}"
    return None if got == wanted else first_difference(got, wanted)


def main():
    moldau = moldau_of_command_line(__doc__.splitlines()[0])
    report = Report()
    for name in ("rich-clean", "rich-killed"):
        with unpacked(name) as data:
            for case, options, patterns in CASES:
                if name == "rich-killed":  # Kafka's tool ends at the first index that a kill left as it was allocated
                    patterns = [pattern for pattern in patterns if not pattern.endswith("index")]
                if patterns:
                    report(f"{name} {case}", compare(moldau, data, options, patterns))
    return report.exit_code


if __name__ == "__main__":
    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP dump-log: {reason}")
        sys.exit(77)
    sys.exit(main())
