"""The sets of records that go through every client, and what each record asks of a client."""

import json
import pathlib
import random

FIRST = 1_700_000_000_000
NANOSECONDS_END = 9_223_372_036_854  # the last millisecond of a 64-bit count of nanoseconds
MIB = 1 << 20
KEYS = (None, b"", b"key", b"\x01\xff\xfe key", b"zero \x00 and\nline", b"k" * 300)
VALUES = (None, b"", b"value", bytes(range(256)), b"v" * 5000)


def _record(timestamp: int, key: bytes | None, value: bytes | None, *headers: tuple) -> dict:
    return {"timestamp": timestamp, "key": _hex(key), "value": _hex(value), "headers": [[name, _hex(content)] for name, content in headers]}


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


def _shapes() -> list[dict]:
    """Null, empty, binary and longer keys and values; a header here and there."""
    pairs = [(key, value) for key in KEYS for value in VALUES]
    return [_record(FIRST + index, key, value, *[("index", str(index).encode())][: index % 2]) for index, (key, value) in enumerate(pairs)]


def _headers() -> list[dict]:
    lists = [
        [("one", b"1")], [("empty", b"")], [("none", None)], [("", b"no name")], [("twice", b"1"), ("twice", b"2")],
        [("z", b"1"), ("a", b"2")], [("twice", b"1"), ("between", b"2"), ("twice", b"3")], [("grüße", "wörter".encode())],
        [("binary", bytes(range(128, 256)))], [(f"h{index:03}", str(index).encode()) for index in range(100)],
    ]
    return [_record(FIRST + index, b"key", b"value", *headers) for index, headers in enumerate(lists)]


def _large() -> list[dict]:
    """Values of 1 MiB: of text, of noise, of zeros."""
    text = b"a line that comes again and again\n" * (MIB // 34 + 1)
    values = (text[:MIB], random.Random(7).randbytes(MIB), bytes(MIB))
    return [_record(FIRST + index, b"large", value) for index, value in enumerate(values)]


def _tiny() -> list[dict]:
    return [_record(FIRST + index, None, str(index).encode()) for index in range(10_000)]


def _times() -> list[dict]:
    times = (1, (1 << 31) - 1, 1 << 31, FIRST, FIRST - 1, NANOSECONDS_END)
    return [_record(time, b"time", str(time).encode()) for time in times]


def _bounds() -> list[dict]:
    times = (0, FIRST, 253_402_300_799_999, 8_640_000_000_000_000, (1 << 63) - 1)
    return [_record(time, b"time", str(time).encode()) for time in times]


# Each has a partition of its own, in this order.
SETS = {"shapes": _shapes(), "headers": _headers(), "large": _large(), "tiny": _tiny(), "times": _times(), "bounds": _bounds()}
DESCRIBED = {
    "shapes": "keys and values null, empty, binary, longer, in every pair",
    "headers": "headers null, empty, without a name, repeated, unsorted, binary, a hundred",
    "large": "values of 1 MiB of text, noise and zeros",
    "tiny": "10,000 records of a few bytes",
    "times": "timestamps 1, around 2^31, backwards, the last that counts in nanoseconds",
    "bounds": "timestamps 0, the end of the years 9999 and 275760, 2^63 - 1",
}


def steps(count: int, first: int = 0) -> list[dict]:
    """Records ten milliseconds apart, to be found by their time."""
    return [_record(FIRST + 10 * index, b"step", str(index).encode()) for index in range(first, first + count)]


def needs(record: dict) -> set[str]:
    """What not every client can send or read, in the words of the page."""
    key, value, time = record["key"], record["value"], record["timestamp"]
    names = [name for name, _ in record["headers"]]
    found = {
        "neither key nor value": key is None and value is None,
        "an empty value without a key": key is None and value == "",
        "a null value under an empty key": key == "" and value is None,
        "a zero byte in a key": key is not None and "00" in [key[at : at + 2] for at in range(0, len(key), 2)],
        "a line end in a key": key is not None and "0a" in [key[at : at + 2] for at in range(0, len(key), 2)],
        "a null header": any(content is None for _, content in record["headers"]),
        "a header without a name": "" in names,
        "a repeated header": len(set(names)) < len(names),
        "a header repeated later on": any(names[at] in names[: at - 1] and names[at] != names[at - 1] for at in range(1, len(names))),
        "headers out of order": names != sorted(names),
        "timestamp 0": time == 0,
        "a time beyond 2262": time > NANOSECONDS_END,
        "a time beyond 262142": time > 8_000_000_000_000_000,
        "a time beyond 2^53": time > 1 << 53,
    }
    return {need for need, there in found.items() if there}


def write(path: pathlib.Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records), encoding="utf-8")


def difference(expected: list[dict], path: pathlib.Path, first_offset: int = 0) -> str:
    """How the records of a file differ from those expected at `first_offset` and on; empty if they do not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for index, (record, line) in enumerate(zip(expected, lines)):
        wanted = {"offset": first_offset + index, **record}
        if line != json.dumps(wanted, separators=(",", ":")) and json.loads(line) != wanted:
            return f"record {index}: got {line[:400]}, wanted {json.dumps(wanted)[:400]}"
    return "" if len(lines) == len(expected) else f"{len(lines)} records came, {len(expected)} were sent"
