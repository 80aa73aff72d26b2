"""Record batches v2 from a short notation, and back into JSON. Made to build wrong batches as easily as right ones.

A text is one or more batches, each begun by `@`; its words, in any order:

  (key,value)               a record; `-` is null, 0x.. is hex, empty is empty; after these two, any of
                            ts=N (default FIRST_TIMESTAMP + index), delta=N (offset delta), name=value (a header)
  n=N size=N                N more records with generated keys and values of `size` bytes
  codec=NAME                none gzip snappy snappy-raw lz4 zstd (stored, not compressed, but for gzip), or a number
  pid=N pepoch=N seq=N      producer id, epoch, first sequence
  control transactional logappend            attribute bits
  base=N leader=N magic=N count=N lastdelta=N first=N max=N length=N attributes=N crc=bad
                            overrides of header fields (default: what is right); the CRC is right unless crc=bad
  body=HEX                  instead of the records
  tail=HEX                  bytes after the records, counted in the batch
  cut=N after=HEX           N bytes less at the end of the batch; bytes after the batch
  nobatch                   no header at all: only `after`

`hex:..` is taken as it is.
"""

import base64
import gzip
import re
import struct
import zlib

FIRST_TIMESTAMP = 1_700_000_000_000
HEADER = struct.Struct(">qiibIhiqqqhii")
CRC_START = 21
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "snappy-raw": 2, "lz4": 3, "zstd": 4}
CODEC_NAMES = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


class BatchTextError(Exception):
    """A word that is not in the notation."""


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def xxh32(data: bytes) -> int:
    """Of fewer than 16 bytes: all that an LZ4 frame header needs."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF

    def rotl(value: int, bits: int) -> int:
        return (value << bits | value >> (32 - bits)) & mask

    value = (p5 + len(data)) & mask
    at = 0
    while at + 4 <= len(data):
        value = rotl((value + struct.unpack_from("<I", data, at)[0] * p3) & mask, 17) * p4 & mask
        at += 4
    for byte in data[at:]:
        value = rotl((value + byte * p5) & mask, 11) * p1 & mask
    value = (value ^ value >> 15) * p2 & mask
    value = (value ^ value >> 13) * p3 & mask
    return value ^ value >> 16


def _snappy_raw(data: bytes) -> bytes:
    out = bytearray(_unsigned(len(data)))
    for at in range(0, len(data), 60):
        piece = data[at : at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return bytes(out)


def compress(codec: str, data: bytes) -> bytes:
    """Valid streams of every codec; all but gzip store the data in literal blocks."""
    if codec == "gzip":
        return gzip.compress(data, mtime=0)
    if codec == "snappy-raw":
        return _snappy_raw(data)
    if codec == "snappy":
        block = _snappy_raw(data)
        return b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, len(block)) + block
    if codec == "lz4":
        descriptor = b"\x60\x40"  # version 1, independent blocks of at most 64 KiB
        out = b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
        for at in range(0, len(data), 65536):
            piece = data[at : at + 65536]
            out += struct.pack("<I", len(piece) | 0x80000000) + piece
        return out + b"\0\0\0\0"
    if codec == "zstd":
        out = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
        pieces = [data[at : at + 65536] for at in range(0, len(data), 65536)] or [b""]
        for index, piece in enumerate(pieces):
            out += struct.pack("<I", len(piece) << 3 | (index == len(pieces) - 1))[:3] + piece
        return out
    return data


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(value: int) -> bytes:
    return _unsigned(value << 1 if value >= 0 else (-value << 1) - 1)


def _datum(text: str) -> bytes | None:
    if text == "-":
        return None
    if text.startswith("0x"):
        return bytes.fromhex(text[2:])
    return text.encode()


def _sized(data: bytes | None) -> bytes:
    return _varint(-1) if data is None else _varint(len(data)) + data


class _Batch:
    def __init__(self):
        self.records: list[dict] = []
        self.words: dict[str, str] = {}

    def number(self, name: str, default: int) -> int:
        return int(self.words.get(name, default), 0) if name in self.words else default

    def add_record(self, text: str) -> None:
        parts = text.split(",")
        if len(parts) < 2:
            raise BatchTextError(f"a record is (key,value): ({text})")
        index = len(self.records)
        record = {"key": _datum(parts[0]), "value": _datum(parts[1]), "ts": FIRST_TIMESTAMP + index, "delta": index,
                  "headers": []}
        for part in parts[2:]:
            name, _, value = part.partition("=")
            if name in ("ts", "delta"):
                record[name] = int(value)
            else:
                record["headers"].append((name.encode(), _datum(value)))
        self.records.append(record)

    def bytes(self) -> bytes:
        for index in range(self.number("n", 0)):
            self.add_record(f"key{index},{'x' * self.number('size', 10)}")
        after = bytes.fromhex(self.words.get("after", ""))
        if "nobatch" in self.words:
            return after
        first = self.number("first", self.records[0]["ts"] if self.records else FIRST_TIMESTAMP)
        body = b"".join(self._record(record, first) for record in self.records)
        codec = self.words.get("codec", "none")
        body = compress(codec, body) if "body" not in self.words else bytes.fromhex(self.words["body"])
        body += bytes.fromhex(self.words.get("tail", ""))
        attributes = CODECS[codec] if codec in CODECS else int(codec)
        for bit, name in ((0x08, "logappend"), (0x10, "transactional"), (0x20, "control")):
            attributes |= bit if name in self.words else 0
        attributes = self.number("attributes", attributes)
        count = len(self.records)
        after_crc = struct.pack(
            ">hiqqqhii", attributes, self.number("lastdelta", count - 1), first,
            self.number("max", max((record["ts"] for record in self.records), default=first)),
            self.number("pid", -1), self.number("pepoch", 0 if "pid" in self.words else -1),
            self.number("seq", 0 if "pid" in self.words else -1), self.number("count", count),
        ) + body
        crc = crc32c(after_crc) ^ (self.words.get("crc") == "bad")
        prefix = struct.pack(">ibI", self.number("leader", -1), self.number("magic", 2), crc)
        length = self.number("length", len(prefix) + len(after_crc))
        whole = struct.pack(">qi", self.number("base", 0), length) + prefix + after_crc
        return whole[: len(whole) - self.number("cut", 0)] + after

    @staticmethod
    def _record(record: dict, first: int) -> bytes:
        body = b"\0" + _varint(record["ts"] - first) + _varint(record["delta"]) + _sized(record["key"]) + _sized(record["value"])
        body += _varint(len(record["headers"]))
        for name, value in record["headers"]:
            body += _varint(len(name)) + name + _sized(value)
        return _varint(len(body)) + body


_FLAGS = ("control", "transactional", "logappend", "nobatch")
_FIELDS = ("n", "size", "codec", "pid", "pepoch", "seq", "base", "leader", "magic", "count", "lastdelta", "first", "max", "length",
           "attributes", "crc", "body", "tail", "cut", "after")


def build(text: str) -> bytes:
    """The bytes of a text in the notation above."""
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    out = b""
    for part in text.split("@")[1:]:
        batch = _Batch()
        for word in re.findall(r"\([^)]*\)|\S+", part):
            name, equals, value = word.partition("=")
            if word.startswith("("):
                batch.add_record(word[1:-1])
            elif word in _FLAGS or (equals and name in _FIELDS):
                batch.words[name] = value
            else:
                raise BatchTextError(f"unknown word in a batch: {word}")
        out += batch.bytes()
    return out


def describe(data: bytes) -> list[dict]:
    """Batches as JSON: header fields, and the records if the codec is none or gzip, else the hex of the body."""
    out: list[dict] = []
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size or len(data) - at < 12 + struct.unpack_from(">i", data, at + 8)[0]:
            out.append({"partial": len(data) - at})
            break
        size = 12 + struct.unpack_from(">i", data, at + 8)[0]
        if size < HEADER.size:
            out.append({"unreadable": data[at:].hex()})
            break
        out.append(_describe_batch(data[at : at + size]))
        at += size
    return out


def _describe_batch(data: bytes) -> dict:
    base, _, leader, magic, crc, attributes, last, first, maximum, pid, epoch, sequence, count = HEADER.unpack_from(data)
    batch = {
        "baseOffset": base, "size": len(data), "partitionLeaderEpoch": leader, "magic": magic, "crc": crc,
        "crcValid": crc == crc32c(data[CRC_START:]), "attributes": attributes, "lastOffsetDelta": last, "baseTimestamp": first,
        "maxTimestamp": maximum, "producerId": pid, "producerEpoch": epoch, "baseSequence": sequence, "count": count,
    }
    body = data[HEADER.size :]
    codec = attributes & 7
    if codec == 1:
        body = zlib.decompress(body, 31)
    if codec > 1:
        batch["body"] = body.hex()
    else:
        batch["content"] = _describe_records(body, count)
    return batch


def _describe_records(body: bytes, count: int) -> list:
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)

    def sized() -> str | None:
        nonlocal at
        size = varint()
        if size < 0:
            return None
        at += size
        data = body[at - size : at]
        return data.decode() if data.isascii() and data.decode().isprintable() else "0x" + data.hex()

    out = []
    for _ in range(count):
        varint()
        at += 1
        timestamp, offset, key, value = varint(), varint(), sized(), sized()
        headers = [[sized(), sized()] for _ in range(varint())]
        out.append([offset, timestamp, key, value, headers] if headers else [offset, timestamp, key, value])
    return out


def describe_base64(text: str | None):
    return None if text is None else describe(base64.b64decode(text))
