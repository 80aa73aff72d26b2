"""A driver of tests/interop/clients as a process."""

import contextlib
import json
import os
import select
import subprocess
import time


class DriverError(Exception):
    """The client failed, or its driver fell silent."""


class Driver:
    """Use as a context manager. One thread at a time."""

    def __init__(self, command: list, environment: dict, bootstrap: str, log):
        self._process = subprocess.Popen([*map(str, command), bootstrap], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                         env=os.environ | environment)
        self._data = b""
        self._reading = False  # start() without finish()
        self.client = self._answer(60)["client"]

    def produce(self, topic: str, partition: int, codec: str, records) -> list[int]:
        """The offsets that the client was told, if it tells them."""
        self._ask(do="produce", topic=topic, partition=partition, codec=codec, records=str(records))
        return self._answer(150)["offsets"]

    def start(self, topic: str, partition: int, begin: str, at: int, count: int, out, seconds: int = 60) -> int:
        """Begins to read; the position. finish() is due next."""
        self._seconds = seconds
        self._ask(do="consume", topic=topic, partition=partition, **{"from": begin}, at=at, count=count, out=str(out), seconds=seconds)
        position = self._answer(60)["position"]
        self._reading = True
        return position

    def finish(self) -> int:
        self._reading = False
        return self._answer(self._seconds + 30)["read"]

    def read(self, topic: str, partition: int, count: int, out) -> None:
        self.start(topic, partition, "beginning", 0, count, out)
        self.finish()

    def _ask(self, **command) -> None:
        if self._reading:  # who asked for it gave up
            with contextlib.suppress(DriverError):
                self.finish()
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self, seconds: float) -> dict:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._data:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                self._process.kill()
                raise DriverError(f"no answer in {seconds} s")
            piece = os.read(self._process.stdout.fileno(), 1 << 16)
            if not piece:
                raise DriverError("the driver ended")
            self._data += piece
        line, _, self._data = self._data.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
