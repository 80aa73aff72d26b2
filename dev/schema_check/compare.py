"""Says how schema/ differs from the facts of Apache Kafka. Each difference is one line."""

from __future__ import annotations

from model import Message, canonical
from tables import ConfigKey, ErrorEntry


def compare_messages(ours: list[Message], theirs: list[Message]) -> list[str]:
    """Structure by structure and field by field, order included."""
    found: list[str] = []
    mine, kafka = _by_identity(ours, found), _by_identity(theirs, found)
    for identity in sorted(mine.keys() | kafka.keys()):
        name = identity[1]
        if identity not in kafka:
            found.append(f"{name}: not in Kafka")
        elif identity not in mine:
            found.append(f"{name}: missing")
        else:
            _compare_plain(name, canonical(mine[identity]), canonical(kafka[identity]), found)
    return found


def _by_identity(messages: list[Message], found: list[str]) -> dict[tuple[str, str], Message]:
    out: dict[tuple[str, str], Message] = {}
    for message in messages:
        identity = (message.kind, message.name)
        if identity in out:
            found.append(f"{message.name}: defined twice")
        out[identity] = message
    return out


def _compare_plain(where: str, mine: object, kafka: object, found: list[str]) -> None:
    if isinstance(mine, dict) and isinstance(kafka, dict):
        for key in sorted(mine.keys() | kafka.keys()):
            _compare_plain(f"{where}.{key}", mine.get(key), kafka.get(key), found)
    elif _are_named(mine) and _are_named(kafka):
        names, wanted = [item["name"] for item in mine], [item["name"] for item in kafka]
        if names != wanted:
            found.append(f"{where}: {names} instead of {wanted}")
        by_name = {item["name"]: item for item in kafka}
        for item in mine:
            if item["name"] in by_name:
                _compare_plain(f"{where}.{item['name']}", item, by_name[item["name"]], found)
    elif mine != kafka:
        found.append(f"{where}: {mine!r} instead of {kafka!r}")


def _are_named(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def compare_facts(errors: list[ErrorEntry], configs: list[ConfigKey], lines: list[str]) -> list[str]:
    """`lines` is what KafkaFacts.java printed. Our own keys, which begin with moldau., have no counterpart."""
    mine = set(fact_lines(errors, configs))
    kafka = set(lines)
    return [f"not in Kafka: {_shown(line)}" for line in sorted(mine - kafka)] + [
        f"missing: {_shown(line)}" for line in sorted(kafka - mine)
    ]


def _shown(line: str) -> str:
    return line.replace("\t", " | ")


def fact_lines(errors: list[ErrorEntry], configs: list[ConfigKey]) -> list[str]:
    """Our errors and keys in the form of KafkaFacts.java."""
    out = []
    for entry in errors:
        out.append(
            "\t".join(
                ("error", str(entry.code), entry.name, "retriable" if entry.retriable else "final", "refresh" if entry.refresh else "keep")
            )
        )
    for key in configs:
        if key.name.startswith("moldau."):
            continue
        default = "\\\\0" if not key.has_default else "null" if key.default is None else f"={key.default}"
        mode = (key.mode + ("-only" if key.dynamic_only else "")) if key.scope == "broker" else key.scope
        visibility = "internal" if key.internal else "public"
        out.append("\t".join(("config", key.scope, key.name, key.type, default, key.importance, mode, visibility, _check_text(key))))
        if key.synonyms:
            out.append("\t".join(("synonyms", key.name, *(f"{name}*{factor}" for name, factor in key.synonyms))))
        if key.precedence:
            out.append("\t".join(("precedence", key.name, *key.precedence)))
    return out


_CLASSES = {
    "non-empty-string": "NonEmptyString",
    "non-null": "NonNullValidator",
    "quorum-voters": "ControllerQuorumVotersValidator",
    "bootstrap-servers": "ControllerQuorumBootstrapServersValidator",
    "throttled-replicas": "ThrottledReplicaListValidator",
    "share-auto-offset-reset": "Validator",
}


def _check_text(key: ConfigKey) -> str:
    check = key.check
    if check.kind == "range":
        return f"range {check.low or 'null'} {check.high or 'null'}"
    if check.kind in ("one-of", "one-of-nocase"):
        return f"{check.kind} [{', '.join(check.values)}]"
    if check.kind == "list":
        flags = " ".join("true" if flag else "false" for flag in (check.empty_allowed, check.null_allowed))
        return f"list [{', '.join(check.values)}] {flags}"
    if check.kind == "gzip-level":
        return "lambda [1,...,9] or -1"
    if check.kind in _CLASSES:
        return f"class {_CLASSES[check.kind]}"
    return check.kind
