#!/usr/bin/env python3
"""The data directories in tests/golden/directories, which Apache Kafka 4.3.1 wrote, are opened and served whole.

Start, high watermark, last stable offset and every record of every partition are compared with what Apache Kafka served from them.
"""

import functools
import json
import pathlib
import socket
import sys
import tarfile
import tempfile

from harness import ROOT, Skip, arguments_of, check, run_cases

import kafka
from kafka.moldau import Moldau
from kafka.workload import Workload

GOLDEN = ROOT / "tests" / "golden" / "directories"
SETTINGS = {"offsets.topic.num.partitions": "2", "transaction.state.log.num.partitions": "1", "log.index.size.max.bytes": "65536"}


def port_of(address: str) -> int:
    """The ports are written in the directory's metadata."""
    port = int(address.rsplit(":", 1)[1])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Skip(f"port {port} of the golden directory is taken") from None
    return port


def same(got: dict, wanted: dict, coordinated: bool) -> bool:
    """Where a coordinator runs, it has aborted by now what was open (after 15 minutes); then only the records remain as they were."""
    if coordinated and wanted["lso"] < wanted["end"]:
        return got["start"] == wanted["start"] and got["read_uncommitted"] == wanted["read_uncommitted"]
    return got == wanted


def serve(make, name: str, coordinated: bool) -> None:
    manifest = json.loads((GOLDEN / f"{name}.json").read_text())
    ports = {"port": port_of(manifest["listener"]), "controller_port": port_of(manifest["controller"])}
    with tempfile.TemporaryDirectory(prefix="moldau-golden-") as work:
        work = pathlib.Path(work)
        with tarfile.open(GOLDEN / f"{name}.tar.gz") as archive:
            archive.extractall(work / "data")
        with make(work / "broker", SETTINGS, data=work / "data", **ports) as broker, Workload(broker.bootstrap) as load:
            view = load.view(internal=False)
    wanted = {partition: one for partition, one in manifest["partitions"].items() if not partition.startswith("__")}
    check(set(view) == set(wanted), f"partitions {sorted(set(view) ^ set(wanted))}")
    wrong = [f"{partition}: {view[partition]}, wanted {wanted[partition]}" for partition in wanted
             if not same(view[partition], wanted[partition], coordinated)]
    check(not wrong, "; ".join(wrong)[:2000])


def main() -> int:
    arguments = arguments_of(__doc__.splitlines()[0])
    make = kafka.ApacheKafka if arguments.apache else functools.partial(Moldau, arguments.moldau)

    def case_rich_clean(_):
        serve(make, "rich-clean", arguments.apache)

    def case_rich_killed(_):
        serve(make, "rich-killed", arguments.apache)

    def case_first_start(_):
        serve(make, "first-start", arguments.apache)

    def case_fresh_format(_):
        serve(make, "fresh-format", arguments.apache)

    try:
        kafka.jar_directory()
    except kafka.Skipped as reason:
        print(f"SKIP golden directories: {reason}")
        return 77
    return 1 if run_cases([case_rich_clean, case_rich_killed, case_first_start, case_fresh_format], None) else 0


if __name__ == "__main__":
    sys.exit(main())
