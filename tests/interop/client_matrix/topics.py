"""Creates and deletes topics with plain requests, no client between."""

import struct
import time

import kafka.schema_codec as codec
from kafka.replay import Connection

CREATE_TOPICS, DELETE_TOPICS, METADATA, LIST_OFFSETS = (codec.api_key(name) for name in
                                                        ("CreateTopics", "DeleteTopics", "Metadata", "ListOffsets"))


class Topics:
    """Use as a context manager. One thread at a time."""

    def __init__(self, bootstrap: str):
        host, _, port = bootstrap.rpartition(":")
        self._connection = Connection(host, int(port))

    def create(self, name: str, partitions: int, **configs) -> None:
        """Returns when all partitions serve."""
        settings = [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()]
        answer = self._ask(CREATE_TOPICS, 7, {"timeoutMs": 10_000, "topics": [
            {"name": name, "numPartitions": partitions, "replicationFactor": 1, "configs": settings}]})["topics"][0]
        if answer["errorCode"]:
            raise RuntimeError(f"topic {name}: {answer}")
        asked = {"topics": [{"name": name, "partitions": [{"partitionIndex": index, "timestamp": -2} for index in range(partitions)]}]}
        self._until(f"{name} to serve", lambda: all(
            one["errorCode"] == 0 for one in self._ask(LIST_OFFSETS, 7, asked)["topics"][0]["partitions"]))

    def delete(self, name: str) -> None:
        """Returns when the broker knows it no more."""
        answer = self._ask(DELETE_TOPICS, 6, {"topics": [{"name": name}], "timeoutMs": 10_000})["responses"][0]
        if answer["errorCode"]:
            raise RuntimeError(f"deleting {name}: {answer}")
        asked = {"topics": [{"name": name}], "allowAutoTopicCreation": False}
        self._until(f"{name} to go", lambda: self._ask(METADATA, 12, asked)["topics"][0]["errorCode"] == 3)

    @staticmethod
    def _until(what: str, holds) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.02)

    def _ask(self, api: int, version: int, body: dict) -> dict:
        header = {"requestApiKey": api, "requestApiVersion": version, "correlationId": 1, "clientId": "interop"}
        frame = codec.encode("request", api, version, header, body)
        self._connection.send(struct.pack(">i", len(frame)) + frame)
        return codec.decode("response", api, version, self._connection.receive())["body"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()
