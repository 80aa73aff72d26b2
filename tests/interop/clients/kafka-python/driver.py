"""kafka-python. usage: driver.py BOOTSTRAP"""

import functools
import logging
import pathlib
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent))

import kafka  # noqa: E402
from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402

from driver_loop import line, say, serve  # noqa: E402

logging.disable(logging.CRITICAL)
COMMON = {"bootstrap_servers": sys.argv[1], "metadata_max_age_ms": 1000}


@functools.cache
def producer(codec: str) -> KafkaProducer:
    return KafkaProducer(**COMMON, compression_type=None if codec == "none" else codec, linger_ms=20, max_request_size=4 << 20)


@functools.cache
def consumer() -> KafkaConsumer:
    return KafkaConsumer(**COMMON, auto_offset_reset="earliest", enable_auto_commit=False)


def produce(command, records):
    sender = producer(command["codec"])
    sent = [sender.send(command["topic"], partition=command["partition"], key=record["key"], value=record["value"],
                        timestamp_ms=record["timestamp"], headers=record["headers"]) for record in records]
    sender.flush(60)
    return [future.get(60).offset for future in sent]


def seek(command, where: TopicPartition) -> None:
    if command["from"] == "offset":
        consumer().seek(where, command["at"])
    elif command["from"] == "timestamp":
        found = consumer().offsets_for_times({where: command["at"]})[where]
        consumer().seek(where, found.offset) if found else consumer().seek_to_end(where)
    elif command["from"] == "beginning":
        consumer().seek_to_beginning(where)
    else:
        consumer().seek_to_end(where)


def consume(command, consumption):
    where = TopicPartition(command["topic"], command["partition"])
    consumer().assign([where])
    seek(command, where)
    say(position=consumer().position(where))
    while consumption.goes_on():
        for records in consumer().poll(timeout_ms=200, max_records=min(consumption.left, 500)).values():
            for record in records:
                consumption.add(line(record.offset, record.timestamp, record.key, record.value, record.headers))


serve(f"kafka-python {kafka.__version__}", produce, consume)
