"""Reads schema/errors and schema/configs. The grammar is described in schema/README.md."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

from model import SchemaError
from schema_text import read_lines

CONFIG_TYPES = ("boolean", "string", "int", "short", "long", "double", "list", "class", "password")
IMPORTANCES = ("high", "medium", "low")
MODES = ("read-only", "per-broker", "cluster-wide")
SCOPES = ("broker", "topic", "group", "client-metrics")
NAMED_CHECKS = (
    "non-empty-string", "non-null", "gzip-level", "throttled-replicas", "quorum-voters", "bootstrap-servers",
    "share-auto-offset-reset",
)  # fmt: skip


@dataclass(frozen=True)
class ErrorEntry:
    code: int
    name: str
    retriable: bool
    refresh: bool
    message: str


@dataclass(frozen=True)
class Check:
    """A validator: `range` low..high, `one-of` (case matters or not), `list`, or a named rule of Kafka's code."""

    kind: str = "any"
    low: str = ""
    high: str = ""
    values: tuple[str, ...] = ()
    empty_allowed: bool = True
    null_allowed: bool = True


@dataclass(frozen=True)
class ConfigKey:
    scope: str
    name: str
    type: str
    has_default: bool
    default: str | None  # None is null; only if has_default
    check: Check
    importance: str
    mode: str = ""  # of a broker key
    dynamic_only: bool = False  # a broker key that is no key of server.properties
    internal: bool = False
    synonyms: tuple[tuple[str, int], ...] = ()  # of a topic key: broker key and factor, first one wins
    precedence: tuple[str, ...] = ()  # of a broker key: the keys that set the same thing, first one wins
    documentation: str = field(default="", compare=False)


def load_errors(root: Path) -> list[ErrorEntry]:
    name = "errors/errors.schema"
    return parse_errors(name, (root / name).read_text(encoding="utf-8"))


def parse_errors(source: str, text: str) -> list[ErrorEntry]:
    entries: list[ErrorEntry] = []
    for line in read_lines(source, text, indent=1):
        words = list(line.words)
        if len(words) < 3 or not re.fullmatch(r"-?\d+", words[0]) or not words[-1].startswith('"'):
            raise SchemaError(f'{line.where}: `<code> <NAME> [retriable [refresh]] "message"`')
        flags = words[2:-1]
        if flags not in ([], ["retriable"], ["retriable", "refresh"]):
            raise SchemaError(f"{line.where}: unexpected {' '.join(flags)}")
        entries.append(
            ErrorEntry(int(words[0]), words[1], bool(flags), "refresh" in flags, words[-1].strip('"'))
        )
    codes = [entry.code for entry in entries]
    if codes != list(range(-1, len(codes) - 1)):
        raise SchemaError(f"{source}: the codes are not -1, 0, 1, … without a gap")
    return entries


def load_configs(root: Path) -> list[ConfigKey]:
    keys: list[ConfigKey] = []
    for scope in SCOPES:
        name = f"configs/{scope.replace('-', '_')}.schema"
        keys += parse_configs(scope, name, (root / name).read_text(encoding="utf-8"))
    return keys


def parse_configs(scope: str, source: str, text: str) -> list[ConfigKey]:
    keys: list[ConfigKey] = []
    groups: list[tuple[str, ...]] = []
    for line in read_lines(source, text, indent=4):
        words = list(line.words)
        if line.depth == 1 and len(words) == 1 and words[0].startswith('"') and keys and not keys[-1].documentation:
            keys[-1] = dataclasses.replace(keys[-1], documentation=words[0].strip('"'))
        elif line.depth == 0 and words[0] == "precedence":
            groups.append(tuple(words[1:]))
        elif line.depth == 0:
            keys.append(_parse_key(scope, line.where, words))
        else:
            raise SchemaError(f"{line.where}: not a configuration key")
    names = [key.name for key in keys]
    if len(set(names)) != len(names) or names != sorted(names):
        raise SchemaError(f"{source}: keys are unique and in order")
    for group in groups:
        # `a -> b c`: what `a` falls back to when only `a` asks; else the whole group answers for each of its keys.
        owners = group if "->" not in group else group[:1]
        members = tuple(word for word in group if word != "->")
        for owner in owners:
            if owner not in names:
                raise SchemaError(f"{source}: precedence of an unknown key {owner}")
            at = names.index(owner)
            keys[at] = dataclasses.replace(keys[at], precedence=members)
    return keys


def _parse_key(scope: str, where: str, words: list[str]) -> ConfigKey:
    def bad(what: str) -> SchemaError:
        return SchemaError(f"{where}: {what}")

    def take() -> str:
        if not words:
            raise bad("the line ends too early")
        return words.pop(0)

    facts: dict = {"scope": scope, "name": take(), "type": take()}
    if facts["type"] not in CONFIG_TYPES:
        raise bad(f"unknown type {facts['type']}")
    if not re.fullmatch(r"[a-z0-9.]+", facts["name"]):
        raise bad(f"not a key: {facts['name']}")
    word = take()
    if word == "required":
        facts["has_default"], facts["default"] = False, None
    elif word == "=":
        value = take()
        facts["has_default"], facts["default"] = True, None if value == "null" else value.strip('"')
    else:
        raise bad("`= <default>` or `required`")
    facts["check"], word = _parse_check(take(), take, bad)
    if word not in IMPORTANCES:
        raise bad(f"unexpected {word}")
    facts["importance"] = word
    while words:
        word = take()
        if word in MODES and scope == "broker":
            facts["mode"] = word
        elif word == "dynamic-only" and scope == "broker":
            facts["dynamic_only"] = True
        elif word == "internal":
            facts["internal"] = True
        elif word == "from" and scope == "topic":
            pairs = [entry.partition("*") for entry in words]
            facts["synonyms"] = tuple((name, int(factor or "1")) for name, _, factor in pairs)
            words.clear()
        else:
            raise bad(f"unexpected {word}")
    if scope == "broker" and "mode" not in facts:
        raise bad("no update mode")
    return ConfigKey(**facts)


def _parse_check(word: str, take, bad) -> tuple[Check, str]:
    """The check that starts with `word`, and the word after it."""
    if word in IMPORTANCES:
        return Check(), word
    if word == "range":
        match = re.fullmatch(r"(-?[\d.]*?)\.\.(-?[\d.]*)", take())
        if not match:
            raise bad("`range <low>..<high>`")
        return Check("range", low=match[1], high=match[2]), take()
    if word in ("one-of", "one-of-nocase"):
        return Check(word, values=tuple(take().strip('"').split("|"))), take()
    if word == "list":
        values: tuple[str, ...] = ()
        empty_allowed = null_allowed = True
        word = take()
        if word == "of":
            values, word = tuple(take().strip('"').split("|")), take()
        if word == "non-empty":
            empty_allowed, word = False, take()
        if word == "non-null":
            null_allowed, word = False, take()
        return Check("list", values=values, empty_allowed=empty_allowed, null_allowed=null_allowed), word
    if word in NAMED_CHECKS:
        return Check(word), take()
    raise bad(f"unknown check {word}")
