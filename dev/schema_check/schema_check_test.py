#!/usr/bin/env python3
"""Shows that dev/schema-check refuses what differs: each case alters one fact in a copy of schema/.

Offline against schema/DIGEST always; against the jars of Apache Kafka too, where they are at hand.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "dev" / "schema_check"), str(ROOT / "dev" / "codegen")]

import digest  # noqa: E402
import jars  # noqa: E402
from compare import compare_facts, compare_messages  # noqa: E402
from schema_text import load_messages, parse_messages  # noqa: E402
from tables import load_configs, load_errors, parse_configs, parse_errors  # noqa: E402

CHECK = ROOT / "dev" / "schema-check"

# What is altered: file, text, replacement, what the full comparison must say.
ALTERED = {
    "a field's type": ("messages/produce.schema", "Acks            int16", "Acks            int32", "Acks.type: 'int32' instead of 'int16'"),
    "a field's versions": ("messages/fetch.schema", "IsolationLevel      int8             4+", "IsolationLevel      int8             5+", "IsolationLevel.versions: '5+' instead of '4+'"),
    "a message's versions": ("messages/produce.schema", "ProduceRequest versions 3-13", "ProduceRequest versions 3-12", "ProduceRequest.versions: '3-12'"),
    "the first flexible version": ("messages/produce.schema", "ProduceRequest versions 3-13 flexible 9+", "ProduceRequest versions 3-13 flexible 10+", "ProduceRequest.flexible: '10+'"),
    "nullability": ("messages/produce.schema", "Records records?", "Records records", "Records.nullable: 'none' instead of '0+'"),
    "a default": ("messages/produce.schema", "2+ = -1 ignorable", "2+ = -2 ignorable", "LogAppendTimeMs.default: '-2' instead of '-1'"),
    "a tag": ("messages/fetch.schema", "NodeEndpoints  []NodeEndpoint 16+ tag 0", "NodeEndpoints  []NodeEndpoint 16+ tag 1", "NodeEndpoints.tag: 1 instead of 0"),
    "an entity type": ("messages/produce.schema", "= null @transactionalId", "= null", "TransactionalId.entity: '' instead of 'transactionalId'"),
    "ignorable": ("messages/fetch.schema", "SessionId           int32            7+ ignorable", "SessionId           int32            7+", "SessionId.ignorable: False instead of True"),
    "a missing field": ("messages/produce.schema", "  TimeoutMs       int32\n", "", "['TransactionalId', 'Acks', 'TopicData'] instead of"),
    "the order of fields": ("records/metadata/topic_record.schema", None, None, "['TopicId', 'Name'] instead of ['Name', 'TopicId']"),
    "a listener": ("messages/vote.schema", "listeners controller", "listeners broker controller", "VoteRequest.listeners"),
    "a record's type id": ("records/metadata/topic_record.schema", "metadata-record 2", "metadata-record 3", "TopicRecord.key: 3 instead of 2"),
    "a structure too few": ("records/raft/quorum_state_data.schema", "", None, "QuorumStateData: missing"),
    "an error's reaction": ("errors/errors.schema", "CORRUPT_MESSAGE                       retriable        ", "CORRUPT_MESSAGE                                        ", "error | 2 | CORRUPT_MESSAGE | final"),
    "a key's default": ("configs/broker.schema", "= 10 range 1.. high cluster-wide", "= 11 range 1.. high cluster-wide", "config | broker | background.threads"),
    "a key's update mode": ("configs/broker.schema", "= 10 range 1.. high cluster-wide", "= 10 range 1.. high read-only", "background.threads | int | =10 | high | read-only"),
    "a key's range": ("configs/topic.schema", "range 0..1 medium", "range 0..2 medium", "range 0 2"),
    "a topic key's broker key": ("configs/topic.schema", "from log.roll.ms log.roll.hours*3600000", "from log.roll.ms log.roll.hours*60000", "log.roll.hours*60000"),
}  # fmt: skip


def run(*arguments: object) -> tuple[int, str]:
    done = subprocess.run([sys.executable, CHECK, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def altered_text(name: str) -> str:
    """The altered file; "" if it is to be gone."""
    file, old, new, _ = ALTERED[name]
    text = (ROOT / "schema" / file).read_text(encoding="utf-8")
    if old is None:  # the order: the two fields change places
        head, first, second = text.splitlines()
        return f"{head}\n{second}\n{first}\n"
    if new is None:
        return ""
    if old not in text:
        raise SystemExit(f"FAIL schema-check: {name}: `{old}` is not in {file} any more")
    return text.replace(old, new, 1)


def altered_model(name: str, model: tuple) -> tuple:
    """The whole model, with the altered file read anew."""
    file, text = ALTERED[name][0], altered_text(name)
    messages, errors, configs = model
    scope = file.removeprefix("configs/").removesuffix(".schema").replace("_", "-")
    if file.startswith("errors/"):
        errors = parse_errors(file, text)
    elif file.startswith("configs/"):
        configs = [key for key in configs if key.scope != scope] + parse_configs(scope, file, text)
    else:
        messages = [message for message in messages if message.source != file] + parse_messages(file, text)
    return messages, errors, configs


def altered_copy(work: Path, name: str) -> Path:
    schema = work / "schema"
    shutil.copytree(ROOT / "schema", schema)
    (schema / ALTERED[name][0]).write_text(altered_text(name), encoding="utf-8")
    return schema


def report(name: str, good: bool, output: str) -> bool:
    print(f"PASS schema-check: {name}" if good else f"FAIL schema-check: {name}:\n{output[-1500:]}")
    return good


def main() -> int:
    results = []
    code, output = run("--offline")
    results.append(report("schema/ is what was last compared with Kafka", code == 0, output))
    try:
        where = jars.find_jars(ROOT)
        theirs, facts = jars.read_schemas(where), jars.read_facts(where)
    except jars.SkippedError as why:
        theirs = facts = None
        print(f"SKIP schema-check: alterations against the jars: {why}")
    schema = ROOT / "schema"
    kept = digest.read(schema)
    model = load_messages(schema), load_errors(schema), load_configs(schema)
    for name, (_, _, _, expected) in ALTERED.items():
        messages, errors, configs = altered_model(name, model)
        results.append(report(f"{name} altered is noticed offline", digest.digest(messages, errors, configs) != kept, ""))
        if theirs is not None:
            found = compare_messages(messages, theirs) + compare_facts(errors, configs, facts)
            good = any(expected in line for line in found)
            results.append(report(f"{name} altered is named", good, "\n".join(found)))
    with tempfile.TemporaryDirectory(prefix="moldau-schema-") as work:
        copy = altered_copy(Path(work), "a field's type")
        code, output = run("--offline", "--schema", copy)
        results.append(report("an altered schema/ ends with exit code 1 offline", code == 1 and "last compared" in output, output))
        if theirs is not None:
            code, output = run("--jars", where, "--schema", copy)
            results.append(report("an altered schema/ ends with exit code 1", code == 1 and "differences" in output, output))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
