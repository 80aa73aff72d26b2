#!/usr/bin/env python3
"""Makes the seeds of fuzz_broker_request_frame from Apache Kafka's captured frames (tests/golden/frames).

usage: tests/fuzz/make_frame_seeds.py

One seed an API and listener: an options byte, a piece size, then the first request of each version as it goes over the
wire. Requests above 512 bytes are left out, so that mutations stay cheap.
"""

import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAMES = ROOT / "tests/golden/frames"
CORPUS = ROOT / "tests/fuzz/corpus/broker_request_frame"
FRAME_BYTES_MAX = 512
STREAM_BYTES_MAX = 2048
# options: 1 controller listener, 2 requests are held, 4 the peer half-closes, 8 the peer takes no answers
OPTIONS = [0, 2, 4, 8, 1, 3]
PIECES = [0, 1, 7, 64]


def requests_of(path: pathlib.Path) -> list[bytes]:
    first: dict[str, bytes] = {}
    for line in path.read_text().splitlines():
        name, version, kind, content = line.split()
        if kind == "request" and len(content) <= 2 * FRAME_BYTES_MAX:
            first.setdefault(version, bytes.fromhex(content))
    return list(first.values())


def main() -> None:
    shutil.rmtree(CORPUS, ignore_errors=True)
    CORPUS.mkdir(parents=True)
    for number, path in enumerate(sorted(FRAMES.glob("*.txt"))):
        stream = b""
        for content in requests_of(path):
            if len(stream) + 4 + len(content) <= STREAM_BYTES_MAX:
                stream += len(content).to_bytes(4, "big") + content
        if stream:
            head = bytes([OPTIONS[number % len(OPTIONS)], PIECES[number % len(PIECES)]])
            (CORPUS / path.stem).write_bytes(head + stream)
    for name, stream in {"size-negative": b"\xff\xff\xff\xff", "size-zero": bytes(4), "size-too-large": b"\x7f\xff\xff\xff",
                         "half-a-size": b"\x00\x00", "http": b"GET / HTTP/1.1\r\n\r\n"}.items():
        (CORPUS / name).write_bytes(bytes([0, 1]) + stream)


if __name__ == "__main__":
    main()
