"""Frames as JSON by Apache Kafka's own classes (java/Frames.java), through one JVM that stays."""

import json
import subprocess

from . import jars


class FramesError(Exception):
    """Apache Kafka's classes refuse these bytes or this JSON."""


class Frames:
    """Use as a context manager. Not for several threads."""

    def __init__(self):
        self._process = subprocess.Popen(jars.java_command("Frames"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _ask(self, line: str) -> str:
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().decode().rstrip("\n")
        kind, _, rest = answer.partition(" ")
        if kind == "ok":
            return rest
        raise FramesError(rest or "the JVM ended")

    def decode(self, kind: str, api: int, version: int, frame: bytes) -> dict:
        """{"header", "body", "rest"} of a request or response frame without its size field."""
        return json.loads(self._ask(f"decode {kind} {api} {version} {frame.hex()}"))

    def encode(self, kind: str, api: int, version: int, header: dict, body: dict) -> bytes:
        message = json.dumps({"header": header, "body": body})
        return bytes.fromhex(self._ask(f"encode {kind} {api} {version} {message}"))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
