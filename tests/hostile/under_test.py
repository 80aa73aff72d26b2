"""The broker that the hostile tests talk to: requests as dictionaries, topics for the cases, what must hold after each."""

import base64
import pathlib
import time

import wire
from harness import Skip, check, equal
from wire import Connection, request

MIB = 1 << 20
NONE = 0
TOPIC_ALREADY_EXISTS = 36
IDLE_MS = 4000
SETTINGS = {"connections.max.idle.ms": str(IDLE_MS), "num.partitions": "1"}  # of the broker that the cases talk to


class Broker:
    """The broker under test: requests as dictionaries, topics for the cases."""

    def __init__(self, running, timeout: float = wire.TIMEOUT_S):
        self.timeout = timeout
        host, _, port = running.bootstrap.rpartition(":")
        self.address = (host, int(port))
        controller = getattr(running, "controller", None)
        self.controller = (host, int(controller.rpartition(":")[2])) if controller else None
        self._running = running
        self.is_apache = type(running).__name__ == "ApacheKafka"
        self._next = 0

    @property
    def pid(self) -> int | None:
        return getattr(self._running, "pid", None)

    def restart(self) -> None:
        if not hasattr(self._running, "stop"):
            raise Skip("the broker is somebody else's")
        self._running.stop()
        self._running.start()

    def connect(self, **options) -> Connection:
        return Connection(self.address, **{"timeout": self.timeout, **options})

    def ask(self, name: str, version: int, body: dict | None = None, client_id: str | None = "hostile") -> dict:
        with self.connect() as connection:
            return decode(name, version, connection.ask(request(name, version, body, client_id)))

    def topic(self, configs: dict | None = None, partitions: int = 1) -> str:
        self._next += 1
        name = f"bad-{self._next}"
        body = {"topics": [{"name": name, "numPartitions": partitions, "replicationFactor": 1, "assignments": [],
                            "configs": [{"name": key, "value": value} for key, value in (configs or {}).items()]}],
                "timeoutMs": 10000, "validateOnly": False}
        answer = self.ask("CreateTopics", 7, body)["topics"][0]
        equal(answer["errorCode"], NONE, f"creating {name}: {answer['errorMessage']}")
        self.wait_for_leader(name)
        return name

    def internal_topic(self) -> str:
        """One of Kafka's own, made if it is not there."""
        name = "__consumer_offsets"
        body = {"topics": [{"name": name, "numPartitions": 1, "replicationFactor": 1, "assignments": [], "configs": []}],
                "timeoutMs": 10000, "validateOnly": False}
        code = self.ask("CreateTopics", 7, body)["topics"][0]["errorCode"]
        check(code in (NONE, TOPIC_ALREADY_EXISTS), f"creating {name}: {code}")
        self.wait_for_leader(name)
        return name

    def wait_for_leader(self, name: str) -> None:
        """Until all partitions are served: Kafka names a leader some milliseconds earlier."""
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            topic = self.metadata(name)
            if topic["errorCode"] == NONE:
                partitions = [{"partitionIndex": one["partitionIndex"], "timestamp": -1} for one in topic["partitions"]]
                answer = self.ask("ListOffsets", 7, {"replicaId": -1, "topics": [{"name": name, "partitions": partitions}]})
                if all(one["errorCode"] == NONE for one in answer["topics"][0]["partitions"]):
                    return
            time.sleep(0.02)
        raise AssertionError(f"{name} has no leader")

    def metadata(self, name: str) -> dict:
        return self.ask("Metadata", 12, {"topics": [{"name": name}], "allowAutoTopicCreation": False})["topics"][0]

    def produce(self, topic: str, records: bytes | None, version: int = 9, acks: int = -1, client_id: str | None = "hostile",
                partition: int = 0) -> dict:
        body = produce_body(topic, records, acks, partition)
        return self.ask("Produce", version, body, client_id)["responses"][0]["partitionResponses"][0]

    def end_offset(self, topic: str) -> int:
        body = {"replicaId": -1, "topics": [{"name": topic, "partitions": [{"partitionIndex": 0, "timestamp": -1}]}]}
        return self.ask("ListOffsets", 7, body)["topics"][0]["partitions"][0]["offset"]

    def refuses(self, topic: str, records: bytes | None, *codes: int, version: int = 9, acks: int = -1) -> dict:
        """The batch is refused with one of the codes, and nothing is stored."""
        before = self.end_offset(topic)
        answer = self.produce(topic, records, version, acks)
        check(answer["errorCode"] in codes, f"answered {answer['errorCode']}, wanted {codes}: {answer.get('errorMessage')}")
        equal(self.end_offset(topic), before, "the end offset after a refused batch")
        return answer

    def closes(self, content: bytes) -> None:
        """The bytes, as they are, make the broker close without an answer."""
        with self.connect() as connection:
            connection.send(content)
            check(connection.is_closed_unanswered(), f"{content[:24].hex()}... was answered, or left waiting")

    def still_serves(self) -> None:
        equal(self.ask("ApiVersions", 0)["errorCode"], NONE, "ApiVersions after the bad input")
        check(self.ask("Metadata", 12, {"topics": []})["brokers"], "Metadata after the bad input names no broker")

    def descriptors(self) -> int:
        return len(list(pathlib.Path(f"/proc/{self.pid}/fd").iterdir()))

    def peak_memory(self) -> int | None:
        return None if self.pid is None else self._status("VmHWM")

    def reset_peak_memory(self) -> int:
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self._status("VmRSS")

    def check_growth(self, before: int, allowed: int, what: str) -> None:
        """What the broker took since reset_peak_memory(). Under a sanitizer resident memory says nothing of it."""
        grown = self.peak_memory() - before
        sanitized = pathlib.Path(f"/proc/{self.pid}/exe").resolve().parent.name in ("asan", "tsan")
        check(sanitized or grown < allowed, f"{what} took {grown >> 20} MiB")

    def _status(self, name: str) -> int:
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no {name} for {self.pid}")


def decode(name: str, version: int, answer: bytes) -> dict:
    decoded = wire.schema_codec.decode("response", wire.api(name), version, answer)
    equal(decoded["header"]["correlationId"], wire.CORRELATION, "the correlation id")
    equal(decoded["rest"], 0, "bytes behind the answer")
    return decoded["body"]


def produce_body(topic: str, records: bytes | None, acks: int = -1, partition: int = 0) -> dict:
    data = None if records is None else base64.b64encode(records).decode()
    return {"transactionalId": None, "acks": acks, "timeoutMs": 5000,
            "topicData": [{"name": topic, "partitionData": [{"index": partition, "records": data}]}]}


def fetch_body(topic: str, offset: int = 0, partition: int = 0, **more) -> dict:
    partition_more = {key: more.pop(key) for key in ("currentLeaderEpoch", "logStartOffset") if key in more}
    return {"maxWaitMs": 0, "minBytes": 0, "maxBytes": MIB, "replicaId": -1, "sessionId": 0, "sessionEpoch": -1,
            "topics": [{"topic": topic, "partitions": [{"partition": partition, "fetchOffset": offset,
                                                        "partitionMaxBytes": MIB, **partition_more}]}],
            "forgottenTopicsData": [], **more}


def only_partition(answer: dict) -> dict:
    return answer["responses"][0]["partitions"][0]
