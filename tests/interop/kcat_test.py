#!/usr/bin/env python3
"""kcat (librdkafka) produces and consumes.

The consumers assign partitions; none of these cases needs a group.
"""

import json
import re
import shutil
import subprocess
import sys

from harness import cases_of, check, equal, kcat, main

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def consume(broker, topic: str, *options, form: str = "%o %k=%s\\n") -> list[str]:
    return kcat(broker.bootstrap, "-C", "-t", topic, "-e", "-q", "-f", form, *options).decode().splitlines()


def case_metadata_lists_the_broker(broker):
    cluster = json.loads(kcat(broker.bootstrap, "-L", "-J"))
    equal([one["name"] for one in cluster["brokers"]], [broker.bootstrap], "brokers")


def case_a_first_produce_creates_the_topic(broker):
    kcat(broker.bootstrap, "-P", "-t", "k-auto", input=b"hello\n")
    equal(consume(broker, "k-auto", "-o", "beginning"), ["0 =hello"], "records")


def case_every_codec_comes_back(broker):
    for codec in CODECS:
        lines = [f"key{index}:value {index} of {codec}" for index in range(500)]
        kcat(broker.bootstrap, "-P", "-t", f"k-{codec}", "-z", codec, "-K:", "-p", "0", input="\n".join(lines).encode() + b"\n")
        got = consume(broker, f"k-{codec}", "-o", "beginning", "-p", "0")
        equal(got, [f"{index} {line.replace(':', '=', 1)}" for index, line in enumerate(lines)], f"records of {codec}")


def case_headers_keys_and_nulls(broker):
    kcat(broker.bootstrap, "-P", "-t", "k-shapes", "-p", "0", "-K:", "-Z", "-H", "one=1", "-H", "two=zwei", input=b"k1:v1\n:v2\nk3:\n")
    got = consume(broker, "k-shapes", "-o", "beginning", "-p", "0", form="%o %K %k %S %s %h\\n")
    equal(got, ["0 2 k1 2 v1 one=1,two=zwei", "1 -1  2 v2 one=1,two=zwei", "2 2 k3 -1  one=1,two=zwei"], "records")


def case_acks_0_1_all(broker):
    for acks in ("0", "1", "all"):
        kcat(broker.bootstrap, "-P", "-t", "k-acks", "-p", "0", "-X", f"acks={acks}", input=f"with {acks}\n".encode())
        # acks=0 says nothing of the append: the answer of the next request on another connection may come before it.
        for _ in range(50):
            got = consume(broker, "k-acks", "-o", "beginning", "-p", "0", form="%s\\n")
            if got and got[-1] == f"with {acks}":
                break
        equal(got[-1], f"with {acks}", "last record")


def case_idempotent_producer(broker):
    lines = [str(index) for index in range(3000)]
    kcat(broker.bootstrap, "-P", "-t", "k-once", "-p", "0", "-X", "enable.idempotence=true", "-X", "batch.num.messages=50",
         input="\n".join(lines).encode() + b"\n")
    equal(consume(broker, "k-once", "-o", "beginning", "-p", "0", form="%s\\n"), lines, "records")


def case_offsets_and_timestamps(broker):
    kcat(broker.bootstrap, "-P", "-t", "k-seek", "-p", "0", input=b"a\nb\nc\nd\n")
    equal(consume(broker, "k-seek", "-p", "0", "-o", "2", form="%s\\n"), ["c", "d"], "from offset 2")
    equal(consume(broker, "k-seek", "-p", "0", "-o", "-1", form="%s\\n"), ["d"], "the last one")
    equal(consume(broker, "k-seek", "-p", "0", "-o", "end", form="%s\\n"), [], "from the end")
    times = [int(line) for line in consume(broker, "k-seek", "-p", "0", "-o", "beginning", form="%T\\n")]
    check(all(time > 1_600_000_000_000 for time in times), f"timestamps {times}")
    found = kcat(broker.bootstrap, "-Q", "-t", f"k-seek:0:{times[0]}").decode()
    check(re.search(r"offset 0\b", found), f"offset for the first timestamp: {found}")
    found = kcat(broker.bootstrap, "-Q", "-t", f"k-seek:0:{times[-1] + 1000}").decode()
    check(re.search(r"offset (4|-1)\b", found), f"offset beyond the last timestamp: {found}")


def case_a_consumer_waits_for_what_comes(broker):
    kcat(broker.bootstrap, "-P", "-t", "k-wait", "-p", "0", input=b"first\n")
    waiting = subprocess.Popen(["kcat", "-b", broker.bootstrap, "-C", "-t", "k-wait", "-p", "0", "-o", "beginning", "-q", "-c", "2", "-u"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        equal(waiting.stdout.readline(), b"first\n", "what was there")
        kcat(broker.bootstrap, "-P", "-t", "k-wait", "-p", "0", input=b"second\n")
        equal(waiting.communicate(timeout=20)[0], b"second\n", "what came")
    finally:
        waiting.kill()
        waiting.wait()


def case_large_records(broker):
    value = b"x" * 900_000
    kcat(broker.bootstrap, "-P", "-t", "k-large", "-p", "0", "-X", "message.max.bytes=1000000", input=value + b"\n" + value + b"\n")
    equal(consume(broker, "k-large", "-p", "0", "-o", "beginning", form="%o %S\\n"), ["0 900000", "1 900000"], "sizes")


if __name__ == "__main__":
    if shutil.which("kcat") is None:
        print("SKIP kcat: it is not installed")
        sys.exit(77)
    sys.exit(main(__doc__, cases_of(globals())))
