"""The clients that are tried, and what each of them cannot do whatever the broker is."""

import dataclasses

from . import install


@dataclasses.dataclass(frozen=True)
class Client:
    name: str      # its directory under clients/
    source: str    # where it comes from, for the page
    install: object
    cannot_send: tuple[str, ...] = ()  # needs of records.needs()
    cannot_read: tuple[str, ...] = ()
    chooses_times: bool = True
    consumes: bool = True
    reads_again: bool = True  # a topic that is deleted and made again while it waits
    remarks: str = ""


CLIENTS = (
    Client("kcat", "Debian", install.debian, chooses_times=False,
           cannot_send=("an empty value without a key", "a null value under an empty key", "a zero byte in a key", "a line end in a key",
                        "a header without a name"),
           remarks="stamps records itself; does not tell the offsets it was given"),
    Client("librdkafka", "PyPI, confluent-kafka", install.python, cannot_send=("timestamp 0",), remarks="timestamp 0 means now"),
    Client("java", "Maven, Apache Kafka's own", install.java),
    Client("franz-go", "Go modules", install.go, cannot_send=("a time beyond 2262",), cannot_read=("a time beyond 2262",),
           remarks="keeps times as nanoseconds; told of a topic made again it is to forget it and begin anew"),
    Client("kafka-python", "PyPI", install.python, cannot_send=("neither key nor value", "a null header"), reads_again=False,
           remarks="waits for ever behind the end of a topic made again, with Apache Kafka too"),
    Client("kafkajs", "npm", install.node, consumes=False,
           cannot_send=("a null header", "a header repeated later on", "a time beyond 2^53"),
           remarks="consumes in groups only; snappy, lz4 and zstd are plugged in"),
    Client("rskafka", "Cargo", install.cargo,
           cannot_send=("a null header", "a repeated header", "headers out of order", "a time beyond 262142"),
           cannot_read=("a null header", "a repeated header", "headers out of order", "a time beyond 262142"),
           remarks="keeps headers in a map without nulls"),
)
