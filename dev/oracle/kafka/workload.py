"""Drives a broker with Apache Kafka's clients (java/Workload.java), through one JVM that stays."""

import json
import subprocess

from . import jars


class WorkloadError(Exception):
    """The client's own words for what went wrong."""


class Workload:
    """Use as a context manager. Leaving it ends the JVM at once: open transactions stay open."""

    def __init__(self, bootstrap: str):
        self._process = subprocess.Popen(
            jars.java_command("Workload", bootstrap), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def run(self, command: str) -> str:
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()
        kind, _, rest = self._process.stdout.readline().decode().rstrip("\n").partition(" ")
        if kind == "ok":
            return rest
        raise WorkloadError(f"{command}: {rest or 'the JVM ended'}")

    def view(self, internal: bool = True) -> dict:
        """What a client sees of every partition: offsets, and digests of the records of both isolation levels."""
        return {
            f"{item['topic']}-{item['partition']}": json.loads(self.run(f"view {item['topic']} {item['partition']}"))
            for item in json.loads(self.run("partitions")) if internal or not item["topic"].startswith("__")
        }

    def records(self, topic: str, partition: int) -> list[str]:
        return json.loads(self.run(f"records {topic} {partition}"))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
