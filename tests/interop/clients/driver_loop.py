"""The loop of a driver that is written in Python; README.md says what a driver reads and prints."""

import json
import sys
import time


def read_records(path: str) -> list[dict]:
    """The records of a file, keys, values and header values as bytes or None."""
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    for record in records:
        record["key"], record["value"] = _bytes(record["key"]), _bytes(record["value"])
        record["headers"] = [(name, _bytes(value)) for name, value in record["headers"]]
    return records


def line(offset: int, timestamp: int, key: bytes | None, value: bytes | None, headers) -> str:
    """A record that was read."""
    return json.dumps({"offset": offset, "timestamp": timestamp, "key": _hex(key), "value": _hex(value),
                       "headers": [[name, _hex(content)] for name, content in headers or ()]}, separators=(",", ":")) + "\n"


class Consumption:
    """Counts what is read for one `consume` and ends it in time."""

    def __init__(self, command: dict):
        self.left = command["count"]
        self.why = "nothing came"
        self._wanted = command["count"]
        self._out = open(command["out"], "w", encoding="utf-8")
        self._deadline = time.monotonic() + command["seconds"]

    def add(self, text: str) -> None:
        self._out.write(text)
        self.left -= 1

    def goes_on(self) -> bool:
        """Before each wait for more; who waits for a first part of the records sees it."""
        self._out.flush()
        if self.left > 0 and time.monotonic() > self._deadline:
            raise TimeoutError(f"{self._wanted - self.left} of {self._wanted} records came; {self.why}")
        return self.left > 0

    def close(self) -> None:
        self._out.close()


def say(**answer) -> None:
    print(json.dumps(answer, separators=(",", ":")), flush=True)


def serve(client: str, produce, consume) -> None:
    """produce(command, records) -> offsets; consume(command, consumption) says the position and reads."""
    say(client=client)
    for text in sys.stdin:
        command = json.loads(text)
        try:
            if command["do"] == "produce":
                say(offsets=produce(command, read_records(command["records"])))
                continue
            consumption = Consumption(command)
            try:
                consume(command, consumption)
            finally:
                consumption.close()
            say(read=command["count"] - consumption.left)
        except Exception as error:  # the judge is told; the driver goes on
            say(error=f"{type(error).__name__}: {error}")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _hex(data: bytes | None) -> str | None:
    return None if data is None else bytes(data).hex()
