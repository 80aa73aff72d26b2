"""Apache Kafka's tools, run one after the other in one JVM that stays (java/ToolHost.java)."""

import dataclasses
import json
import queue
import subprocess
import threading

from . import jars

JVM = (*jars.QUICK_JVM, "--add-opens=java.base/java.lang=ALL-UNNAMED")


@dataclasses.dataclass(frozen=True)
class Done:
    exit: int
    out: str
    err: str


class ToolHost:
    """Use as a context manager. What logs goes to this process's standard error. Not for several threads."""

    def __init__(self):
        self._process = subprocess.Popen(jars.java_command("ToolHost", jvm=JVM, log_level="ERROR"), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._answers: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")

    def run(self, main: str, *arguments, input: str = "", timeout: float = 120) -> Done:
        """Raises TimeoutError when the tool does not end, RuntimeError when the JVM did."""
        asked = {"main": main, "arguments": [str(argument) for argument in arguments], "input": input}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            self._process.kill()
            raise TimeoutError(f"{main} {' '.join(map(str, arguments))} did not end within {timeout} s") from None
        if not line:
            raise RuntimeError(f"{main} ended the JVM")
        return Done(**json.loads(line))

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "ToolHost":
        return self

    def __exit__(self, *_) -> None:
        self.close()
