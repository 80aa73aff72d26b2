#!/usr/bin/env python3
"""The Python side of the oracle against the goldens: frames by schema/, batches by batch_text. No JVM, no network."""

import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "dev" / "oracle"))

from kafka import batch_text, compare, conversation, schema_codec  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"


def frames_are_read_and_written_again() -> str:
    wrong, count = [], 0
    for path in sorted((GOLDEN / "frames").glob("*.txt")):
        for line in path.read_text().splitlines():
            name, version, kind, data = line.split()
            frame, key = bytes.fromhex(data), schema_codec.api_key(name)
            whole = schema_codec.decode(kind, key, int(version), frame)
            count += 1
            if whole["rest"] or schema_codec.encode(kind, key, int(version), whole["header"], whole["body"]) != frame:
                wrong.append(f"{name} v{version} {kind}")
    return f"{len(wrong)} of {count}: {wrong[:5]}" if wrong or not count else ""


def cut_frames_are_refused() -> str:
    """Every prefix of a frame is an error, never an endless loop or another exception."""
    served = collections.Counter()
    for path in sorted((GOLDEN / "frames").glob("*.txt")):
        name, version, kind, data = min(path.read_text().splitlines(), key=len).split()
        frame = bytes.fromhex(data)
        for cut in range(len(frame)):
            try:
                schema_codec.decode(kind, schema_codec.api_key(name), int(version), frame[:cut])
                served[name] += 1
            except schema_codec.CodecError:
                pass
    return str(served) if served else ""


def batches_are_described_as_kafka_reads_them() -> str:
    for name in ("none", "gzip", "transactions", "appendtime"):
        described = batch_text.describe((GOLDEN / "batches" / f"{name}.log").read_bytes())
        lines = [json.loads(line) for line in (GOLDEN / "batches" / f"{name}.jsonl").read_text().splitlines()]
        expected = [line for line in lines if "batch" in line]
        got = [(one["baseOffset"], one["size"], one["crc"], one["maxTimestamp"], one["producerId"], one["count"]) for one in described]
        want = [(one["batch"], one["sizeInBytes"], one["crc"], one["maxTimestamp"], one["producerId"], one["count"]) for one in expected]
        if got != want:
            return f"{name}: {got} {want}"
        if not all(one["crcValid"] for one in described) or sum(len(one["content"]) for one in described) != len(lines) - len(expected):
            return f"{name}: CRC or number of records"
    return ""


def a_built_batch_is_described_as_it_was_written() -> str:
    for codec in ("none", "gzip"):
        data = batch_text.build(f"@ codec={codec} (a,1,h=x) (-,-) (,0xff00) pid=7 pepoch=1 seq=5")
        (batch,) = batch_text.describe(data)
        content = [[0, 0, "a", "1", [["h", "x"]]], [1, 1, None, None], [2, 2, "", "0xff00"]]
        if batch["content"] != content or not batch["crcValid"] or batch["baseSequence"] != 5:
            return str(batch)
    return ""


def conversations_can_be_read_and_have_goldens() -> str:
    steps = 0
    for path in sorted((ROOT / "tests" / "oracle").glob("*.txt")):
        steps += len(conversation.read(path))
        if not (path.parent / "golden" / f"{path.stem}.jsonl").exists():
            return f"no golden for {path.name}"
    return "" if steps >= 150 else f"{steps} steps"


def allowed_differences_are_applied() -> str:
    allowed = compare.Allowed(ROOT / "tests" / "oracle" / "allowed.json")

    def exchange(session, code):
        return [{"case": "c", "request": "Fetch v12", "outcome": "reply", "answer": {"sessionId": session, "errorCode": code}}]

    same = compare.exchanges(exchange(5, 0), exchange(9, 0), allowed, "fetch")["c"]
    other = compare.exchanges(exchange(5, 0), exchange(0, 3), allowed, "fetch")["c"]
    return "" if not same and len(other) == 2 else f"{same} {other}"


def what_apache_never_answers_may_be_answered() -> str:
    allowed = compare.Allowed(ROOT / "tests" / "oracle" / "allowed.json")
    silent = {"case": "replace all of a topic that is named twice", "request": "AlterConfigs v2", "outcome": "silence"}
    answered = silent | {"outcome": "reply", "answer": {"responses": []}}
    here = compare.exchanges([silent], [answered], allowed, "configs")[silent["case"]]
    elsewhere = compare.exchanges([silent], [answered], allowed, "topics")[silent["case"]]
    return "" if not here and elsewhere else f"{here} {elsewhere}"


def a_range_of_versions_is_a_step_each_with_the_fields_it_has() -> str:
    steps = conversation.parse("test", 'case c\nMetadata v3-4 {topics: [{name: "t$version"}], allowAutoTopicCreation: false}')
    api = schema_codec.api_key("Metadata")
    got = [schema_codec.known_fields("request", api, step.version, conversation.body(step, {})) for step in steps]
    wanted = [{"topics": [{"name": "t3"}]}, {"topics": [{"name": "t4"}], "allowAutoTopicCreation": False}]
    return "" if got == wanted else f"{got}"


def main() -> int:
    failed = 0
    for case in (frames_are_read_and_written_again, cut_frames_are_refused, batches_are_described_as_kafka_reads_them,
                 a_built_batch_is_described_as_it_was_written, conversations_can_be_read_and_have_goldens,
                 allowed_differences_are_applied, what_apache_never_answers_may_be_answered,
                 a_range_of_versions_is_a_step_each_with_the_fields_it_has):
        name, why = case.__name__.replace("_", " "), case()
        print(f"FAIL {name}: {why}" if why else f"PASS {name}")
        failed += bool(why)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
