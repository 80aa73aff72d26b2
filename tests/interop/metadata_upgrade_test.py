#!/usr/bin/env python3
"""A directory that Apache Kafka formatted for an older release: Moldau serves it, and what a newer metadata.version brings comes with it."""

import json
import pathlib
import sys
import tempfile

from harness import SETTINGS, arguments_of, check, equal, run_cases, tool

import kafka
from kafka.moldau import Moldau

TOOLS = "org.apache.kafka.tools"
OLD, NEW = "3.6-IV2", "4.3-IV0"  # the former knows no log directories


def registrations(broker) -> list[dict]:
    """Those that the metadata log holds, in order."""
    log = broker.data / "__cluster_metadata-0" / "00000000000000000000.log"
    output = tool(f"{TOOLS}.DumpLogSegments", "--files", log, "--cluster-metadata-decoder", "--skip-record-metadata")
    rows = (json.loads(line[line.index("{"):]) for line in output.splitlines() if "{" in line)
    return [row["data"] for row in rows if row["type"] == "REGISTER_BROKER_RECORD"]


def case_the_registration_names_its_directories_once_the_metadata_knows_them(binary):
    with tempfile.TemporaryDirectory(prefix="moldau-upgrade-") as work:
        apache = kafka.ApacheKafka(pathlib.Path(work), SETTINGS)
        apache.format("", "--release-version", OLD)
        ports = {"port": apache.port, "controller_port": apache.controller_port}
        one = Moldau(binary, work, SETTINGS, **ports) if binary else apache
        with one as broker:
            before = registrations(broker)
            check(before and not any(one.get("logDirs") for one in before), f"{before}")
            tool(f"{TOOLS}.FeatureCommand", "--bootstrap-server", broker.bootstrap, "upgrade", "--metadata", NEW)
            output = tool(f"{TOOLS}.TopicCommand", "--bootstrap-server", broker.bootstrap, "--create", "--topic", "u-one", "--partitions", "1")
            check("Created topic u-one." in output, output)
            after = registrations(broker)[len(before):]
            equal((len(after), after[0]["brokerEpoch"], after[0]["incarnationId"], len(after[0]["logDirs"]), after[0]["fenced"]),
                  (1, before[-1]["brokerEpoch"], before[-1]["incarnationId"], 1, False), "the registration that was sent again")


def main() -> int:
    arguments = arguments_of(__doc__.splitlines()[0])
    return 1 if run_cases([case_the_registration_names_its_directories_once_the_metadata_knows_them],
                          None if arguments.apache else arguments.moldau) else 0


if __name__ == "__main__":
    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP metadata upgrade: {reason}")
        sys.exit(77)
    sys.exit(main())
