"""Records by every client through a broker and back to every client; what each of them saw."""

import concurrent.futures
import contextlib
import json
import pathlib
import threading
import time

from . import records
from .driver import Driver, DriverError
from .roster import Client
from .topics import Topics

TOPIC = {"retention_ms": -1, "max_message_bytes": 8 << 20, "message_timestamp_after_max_ms": (1 << 63) - 1}
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
STEPS = 100
WORKERS = 2


class Fault(Exception):
    """What came is not what was sent."""


class Matrix:
    """`outcomes` is {(part, ...): (number, fault)}; parts are sent, cell, start and again."""

    def __init__(self, bootstrap: str, clients: dict[Client, Driver], work: pathlib.Path, codecs=CODECS, sets=tuple(records.SETS)):
        self._bootstrap, self._clients, self._work, self._codecs, self._sets = bootstrap, clients, work, codecs, sets
        self._sent: dict[tuple, list[dict]] = {}
        self._lock = threading.Lock()
        self.outcomes: dict[tuple, tuple[int, str]] = {}

    def run(self) -> None:
        self._each(self._send_all, self._clients)
        self._settle_times()
        readers = [client for client in self._clients if client.consumes]
        self._each(self._read_all, readers)
        for client in readers:
            self._starts(client)
        for client in self._clients:
            self._topic_again(client)

    def _other(self, client: Client) -> Driver:
        """Who sends or reads where it does not matter who does."""
        return next(driver for other, driver in self._clients.items() if other is not client and other.chooses_times and other.consumes)

    @staticmethod
    def _each(what, clients) -> None:
        with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS) as pool:
            for done in [pool.submit(what, client) for client in clients]:
                done.result()

    @contextlib.contextmanager
    def _judged(self, *key, number: int = 0):
        """Whatever ends the block is the outcome of `key`."""
        fault = ""
        try:
            yield
        except (DriverError, Fault, RuntimeError) as error:
            fault = f"{error}"
        with self._lock:
            self.outcomes[key] = (number, fault)

    def _create(self, topic: str, partitions: int) -> None:
        with self._lock, Topics(self._bootstrap) as topics:
            topics.create(topic, partitions, **TOPIC)

    def _file(self, *names: str) -> pathlib.Path:
        return self._work / f"{'-'.join(names)}.jsonl"

    # -- sent by each, read by each --------------------------------------------------------------------------------

    def _send_all(self, client: Client) -> None:
        for codec in self._codecs:
            number = sum(len(self._sendable(client, name)) for name in self._sets)
            with self._judged("sent", client.name, codec, number=number):
                self._create(f"{client.name}-{codec}", len(records.SETS))
                for name in self._sets:
                    self._send(client, codec, name)

    @staticmethod
    def _sendable(client: Client, name: str) -> list[dict]:
        if not client.chooses_times and name in ("times", "bounds"):
            return []
        return [record for record in records.SETS[name] if not records.needs(record) & {*client.cannot_send}]

    def _send(self, client: Client, codec: str, name: str) -> None:
        sent = self._sendable(client, name)
        if not sent:
            return
        path = self._file("to", client.name, codec, name)
        records.write(path, sent)
        offsets = self._clients[client].produce(f"{client.name}-{codec}", list(records.SETS).index(name), codec, path)
        if offsets and offsets != list(range(len(sent))):
            raise Fault(f"{name}: offsets {str(offsets)[:200]}")
        with self._lock:
            self._sent[client.name, codec, name] = sent

    def _settle_times(self) -> None:
        """Where the client stamped the records itself: the times that one reader finds, which must be those of this hour."""
        own = {client.name: self._other(client) for client in self._clients if not client.chooses_times}
        now = time.time() * 1000
        for (sender, codec, name), sent in self._sent.items():
            number, fault = self.outcomes["sent", sender, codec]
            if sender not in own or fault:
                continue
            with self._judged("sent", sender, codec, number=number):
                path = self._file("times", sender, codec, name)
                own[sender].read(f"{sender}-{codec}", list(records.SETS).index(name), len(sent), path)
                times = [json.loads(line)["timestamp"] for line in path.read_text(encoding="utf-8").splitlines()]
                if any(abs(now - one) > 3_600_000 for one in times):
                    raise Fault(f"{name}: times {times[:10]}")
                self._sent[sender, codec, name] = [record | {"timestamp": one} for record, one in zip(sent, times)]

    def _read_all(self, client: Client) -> None:
        for sender in self._clients:
            for codec in self._codecs:
                mine = {name: sent for name in self._sets if (sent := self._sent.get((sender.name, codec, name)))
                        and not any(records.needs(record) & {*client.cannot_read} for record in sent)}
                number = sum(len(sent) for sent in mine.values())
                with self._judged("cell", sender.name, codec, client.name, number=number):
                    for name, sent in mine.items():
                        self._read(client, f"{sender.name}-{codec}", name, sent)

    def _read(self, client: Client, topic: str, name: str, sent: list[dict]) -> None:
        path = self._file("by", client.name, topic, name)
        self._clients[client].read(topic, list(records.SETS).index(name), len(sent), path)
        if fault := records.difference(sent, path):
            raise Fault(f"{name}: {fault}")
        path.unlink()  # large ones are many

    # -- where reading begins --------------------------------------------------------------------------------------

    def _starts(self, client: Client) -> None:
        topic = f"steps-{client.name}"
        sent = records.steps(STEPS)
        with self._judged("start", client.name, "beginning", number=STEPS):
            self._create(topic, 1)
            self._other_sends(client, topic, sent)
            self._read_from(client, topic, "beginning", 0, sent, 0)
        with self._judged("start", client.name, "offset", number=STEPS - 37):
            self._read_from(client, topic, "offset", 37, sent, 37)
        time_of = records.FIRST + 500
        for what, at, position in (("a record's time", time_of, 50), ("a time between", time_of + 5, 51), ("an early time", 1, 0),
                                   ("a late time", time_of * 2, STEPS)):
            with self._judged("start", client.name, what, number=STEPS - position):
                self._read_from(client, topic, "timestamp", at, sent, position)
        with self._judged("start", client.name, "end", number=5):
            driver, path = self._clients[client], self._file("end", client.name)
            self._expect_position(driver.start(topic, 0, "end", 0, 5, path), STEPS)
            later = records.steps(5, STEPS)
            self._other_sends(client, topic, later)
            driver.finish()
            self._compare(later, path, STEPS)

    def _other_sends(self, client: Client, topic: str, sent: list[dict]) -> None:
        self._send_steps(self._other(client), topic, sent)

    def _send_steps(self, driver: Driver, topic: str, sent: list[dict]) -> list[int]:
        path = self._file("steps")
        records.write(path, sent)
        return driver.produce(topic, 0, "none", path)

    def _read_from(self, client: Client, topic: str, begin: str, at: int, sent: list[dict], position: int) -> None:
        path = self._file("from", client.name)
        driver = self._clients[client]
        self._expect_position(driver.start(topic, 0, begin, at, len(sent) - position, path), position)
        driver.finish()
        self._compare(sent[position:], path, position)

    @staticmethod
    def _expect_position(got: int, wanted: int) -> None:
        if got != wanted:
            raise Fault(f"position {got}, wanted {wanted}")

    @staticmethod
    def _compare(sent: list[dict], path: pathlib.Path, offset: int) -> None:
        if fault := records.difference(sent, path, offset):
            raise Fault(fault)

    # -- a topic deleted and made again under the client -----------------------------------------------------------

    def _topic_again(self, client: Client) -> None:
        before, after = records.steps(10), records.steps(4, 10)
        with self._judged("again", client.name, "sends", number=4):
            self._sends_again(client, f"again-by-{client.name}", before, after)
        if client.consumes and client.reads_again:
            with self._judged("again", client.name, "reads", number=14):
                self._reads_again(client, f"again-to-{client.name}", before, after)

    def _make_again(self, topic: str) -> None:
        with Topics(self._bootstrap) as topics:
            topics.delete(topic)
            topics.create(topic, 1, **TOPIC)

    def _sends_again(self, client: Client, topic: str, before: list[dict], after: list[dict]) -> None:
        driver = self._clients[client]
        self._create(topic, 1)
        self._send_steps(driver, topic, before)
        self._make_again(topic)
        offsets = self._send_steps(driver, topic, after)
        if offsets and offsets != list(range(len(after))):
            raise Fault(f"offsets {offsets}")
        path = self._file("again", client.name)
        self._other(client).read(topic, 0, len(after), path)
        if not client.chooses_times:
            times = [json.loads(line)["timestamp"] for line in path.read_text(encoding="utf-8").splitlines()]
            after = [record | {"timestamp": one} for record, one in zip(after, times)]
        self._compare(after, path, 0)

    def _reads_again(self, client: Client, topic: str, before: list[dict], after: list[dict]) -> None:
        """A reader that waits at the end of a longer topic finds a shorter one, and begins at its beginning."""
        driver, path = self._clients[client], self._file("again", client.name)
        self._create(topic, 1)
        self._other_sends(client, topic, before)
        driver.start(topic, 0, "beginning", 0, len(before) + len(after), path)
        self._await_lines(path, len(before))
        self._make_again(topic)
        self._other_sends(client, topic, after)
        driver.finish()
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for part, sent in ((lines[: len(before)], before), (lines[len(before) :], after)):
            path.write_text("".join(part), encoding="utf-8")
            self._compare(sent, path, 0)

    @staticmethod
    def _await_lines(path: pathlib.Path, count: int) -> None:
        deadline = time.monotonic() + 30
        while path.read_text(encoding="utf-8").count("\n") < count:
            if time.monotonic() > deadline:
                raise Fault(f"{count} records did not come in time")
            time.sleep(0.02)
