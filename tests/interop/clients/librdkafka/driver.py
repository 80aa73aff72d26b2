"""librdkafka as confluent-kafka ships it. usage: driver.py BOOTSTRAP"""

import functools
import pathlib
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent))

import confluent_kafka  # noqa: E402
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition  # noqa: E402

from driver_loop import line, say, serve  # noqa: E402

COMMON = {"bootstrap.servers": sys.argv[1], "topic.metadata.refresh.interval.ms": 1000, "allow.auto.create.topics": False,
          "log_level": 0}


@functools.cache
def producer(codec: str) -> Producer:
    return Producer(COMMON | {"compression.type": codec, "enable.idempotence": True, "linger.ms": 20, "message.max.bytes": 4 << 20})


@functools.cache
def consumer() -> Consumer:
    # The name of a group is demanded, but with assign() no group is used.
    return Consumer(COMMON | {"group.id": "none", "enable.auto.commit": False, "auto.offset.reset": "earliest"})


def produce(command, records):
    offsets, errors = [], []

    def delivered(error, message):
        errors.append(error) if error else offsets.append(message.offset())

    sender = producer(command["codec"])
    for record in records:
        sender.produce(command["topic"], partition=command["partition"], key=record["key"], value=record["value"],
                       timestamp=record["timestamp"], headers=record["headers"], on_delivery=delivered)
        sender.poll(0)
    left = sender.flush(60)
    if errors or left:
        raise RuntimeError(f"{left} unsent, {errors[:1]}")
    return offsets


def position_of(command) -> int:
    where = TopicPartition(command["topic"], command["partition"], command["at"])
    if command["from"] == "offset":
        return command["at"]
    low, high = consumer().get_watermark_offsets(where, timeout=20)
    if command["from"] == "timestamp":
        found = consumer().offsets_for_times([where], timeout=20)[0]
        if found.error:
            raise RuntimeError(found.error)
        return high if found.offset < 0 else found.offset
    return low if command["from"] == "beginning" else high


def consume(command, consumption):
    position = position_of(command)
    begin = OFFSET_BEGINNING if command["from"] == "beginning" else position
    consumer().assign([TopicPartition(command["topic"], command["partition"], begin)])
    say(position=position)
    while consumption.goes_on():
        for message in consumer().consume(min(consumption.left, 500), timeout=0.2):
            if message.error():
                consumption.why = str(message.error())
            else:
                consumption.add(line(message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers()))
    consumer().unassign()


serve(f"confluent-kafka {confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}", produce, consume)
