"""kcat with Debian's librdkafka, a process a call. usage: driver.py BOOTSTRAP

A record is sent as a file of its own, so that a value may hold any bytes; its key is an argument of the command line. Records
without key and headers go line by line through one process.
"""

import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent))

from driver_loop import line, say, serve  # noqa: E402

SEPARATOR = b"<->"  # of key and value, in no key
# Sizes come before the bytes: keys and values may hold what separates the fields.
FORM = "%o %T %K %S %h\\n%k%s\\n"


def kcat(*arguments, input: bytes | None = None, timeout: float = 60) -> bytes:
    done = subprocess.run(["kcat", "-b", sys.argv[1], *arguments], input=input, capture_output=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace")[-500:])
    return done.stdout


def is_line(record: dict) -> bool:
    return record["key"] is None and not record["headers"] and bool(record["value"]) and b"\n" not in record["value"]


def send_one(options: list, record: dict) -> None:
    for name, value in record["headers"]:
        options = [*options, "-H", os.fsdecode(name.encode() + (b"" if value is None else b"=" + value))]
    if not record["value"]:
        # An empty field of `key separator value` is null with -Z, else empty.
        nulls = ["-Z"] if record["value"] is None else []
        kcat(*options, "-K", SEPARATOR.decode(), *nulls, input=(record["key"] or b"") + SEPARATOR + b"\n")
        return
    key = [] if record["key"] is None else ["-k", os.fsdecode(record["key"])]
    with tempfile.NamedTemporaryFile() as value:
        value.write(record["value"])
        value.flush()
        kcat(*options, *key, value.name)


def produce(command, records):
    options = ["-P", "-t", command["topic"], "-p", str(command["partition"]), "-z", command["codec"], "-X", "message.max.bytes=4194304"]
    at = 0
    while at < len(records):
        end = at
        while end < len(records) and is_line(records[end]):
            end += 1
        if end > at:
            kcat(*options, input=b"".join(record["value"] + b"\n" for record in records[at:end]))
            at = end
        else:
            send_one(options, records[at])
            at += 1
    return []  # kcat does not say where they went


def offset_of(command, time: int) -> int:
    found = re.search(r"offset (-?\d+)", kcat("-Q", "-t", f"{command['topic']}:{command['partition']}:{time}").decode())
    return int(found[1])


def position_of(command) -> int:
    if command["from"] == "offset":
        return command["at"]
    found = offset_of(command, {"beginning": -2, "end": -1, "timestamp": command["at"]}[command["from"]])
    return found if found >= 0 else offset_of(command, -1)


def headers_of(text: bytes) -> list:
    pairs = (pair.partition(b"=") for pair in text.split(b",")) if text else ()
    return [(name.decode(), None if value == b"NULL" else value) for name, _, value in pairs]


def consume(command, consumption):
    position = position_of(command)
    say(position=position)
    if not consumption.left:
        return
    begin = {"beginning": "beginning", "timestamp": f"s@{command['at']}"}.get(command["from"], str(position))
    options = ["-C", "-q", "-u", "-t", command["topic"], "-p", str(command["partition"]), "-o", begin, "-c", str(command["count"]),
               "-X", "topic.auto.offset.reset=earliest", "-X", "topic.metadata.refresh.interval.ms=1000", "-f", FORM]
    with subprocess.Popen(["kcat", "-b", sys.argv[1], *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            read(process.stdout, consumption)
        finally:
            process.kill()


def read(stream, consumption) -> None:
    data = b""
    while consumption.goes_on():
        if select.select([stream], [], [], 0.2)[0]:
            data += os.read(stream.fileno(), 1 << 20)
            data = take(data, consumption)


def take(data: bytes, consumption) -> bytes:
    """Adds the whole records; what is left of the next one."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        offset, timestamp, key_size, value_size, headers = data[at:end].split(b" ", 4)
        sizes = int(key_size), int(value_size)
        if len(data) <= end + 1 + sum(max(size, 0) for size in sizes):
            break
        at, fields = end + 1, []
        for size in sizes:
            fields.append(None if size < 0 else data[at : at + size])
            at += max(size, 0)
        at += 1
        consumption.add(line(int(offset), int(timestamp), *fields, headers_of(headers)))
    return data[at:]


version = subprocess.run(["kcat", "-V"], capture_output=True, text=True).stdout
serve(f"kcat {re.search(r'Version ([^ ]+)', version)[1]}, librdkafka {re.search(r'librdkafka ([^ ]+)', version)[1]}", produce, consume)
