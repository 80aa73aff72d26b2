"""The schema as Python objects: messages, structures, fields and version ranges.

Everything here is immutable once the reader has built it. Names are Kafka's own; only `snake` derives others.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field

MAX_VERSION = 32767

INTEGERS = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
}
FIXED_TYPES = {"bool", "uuid", "float64", *INTEGERS}
VARIABLE_TYPES = {"string", "bytes", "records"}
SCALAR_TYPES = FIXED_TYPES | VARIABLE_TYPES
ENTITY_TYPES = {
    "topicName": "string",
    "brokerId": "int32",
    "groupId": "string",
    "producerId": "int64",
    "transactionalId": "string",
}
KINDS = ("request", "response", "header", "metadata-record", "coordinator-key", "coordinator-value", "data")


class SchemaError(Exception):
    """A schema file that contradicts the grammar or itself; the text names file and line."""


def snake(name: str) -> str:
    """HighWatermark -> high_watermark; a run of capitals is one word up to its end (KRaftVersion -> kraft_version)."""
    out: list[str] = []
    previous_capital = True
    for char in name:
        if char.isupper():
            if not previous_capital:
                out.append("_")
            out.append(char.lower())
            previous_capital = True
        else:
            out.append(char)
            previous_capital = False
    return "".join(out)


@dataclass(frozen=True)
class Versions:
    """An inclusive range; `Versions.NONE` is empty. An open end is MAX_VERSION."""

    low: int
    high: int

    @staticmethod
    def parse(text: str) -> "Versions":
        if text == "none":
            return NO_VERSIONS
        match = re.fullmatch(r"(\d+)(?:(\+)|-(\d+))?", text)
        if not match:
            raise SchemaError(f"not a version range: {text}")
        low = int(match[1])
        high = MAX_VERSION if match[2] else int(match[3]) if match[3] else low
        if high < low:
            raise SchemaError(f"empty version range: {text}")
        return Versions(low, high)

    @property
    def empty(self) -> bool:
        return self.low > self.high

    def __contains__(self, version: int) -> bool:
        return self.low <= version <= self.high

    def __iter__(self):
        return iter(range(self.low, self.high + 1))

    def intersect(self, other: "Versions") -> "Versions":
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Versions(low, high) if low <= high else NO_VERSIONS

    def contains_all(self, other: "Versions") -> bool:
        return other.empty or (self.low <= other.low and other.high <= self.high)

    def __str__(self) -> str:
        if self.empty:
            return "none"
        if self.high == MAX_VERSION:
            return f"{self.low}+"
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


NO_VERSIONS = Versions(0, -1)
ALL_VERSIONS = Versions(0, MAX_VERSION)


@dataclass(frozen=True)
class Type:
    """A scalar, a structure named `name`, or an array of either."""

    name: str
    array: bool = False

    @property
    def is_struct(self) -> bool:
        return self.name not in SCALAR_TYPES

    @property
    def element(self) -> "Type":
        return Type(self.name)

    def __str__(self) -> str:
        return ("[]" if self.array else "") + self.name


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    versions: Versions
    nullable: Versions = NO_VERSIONS
    default: str = ""  # "" is the type's zero, "null" is null, else the literal
    tag: int | None = None
    tagged: Versions = NO_VERSIONS
    ignorable: bool = False
    map_key: bool = False
    entity: str = ""
    zero_copy: bool = False
    flexible: Versions | None = None  # overrides the message's flexible versions for this field
    fields: tuple["Field", ...] = ()  # of the structure declared in place, if `type` names one here

    @property
    def declares_struct(self) -> bool:
        return bool(self.fields)


@dataclass(frozen=True)
class Struct:
    name: str
    versions: Versions
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Message:
    kind: str
    name: str
    versions: Versions
    flexible: Versions
    fields: tuple[Field, ...]
    structs: tuple[Struct, ...] = ()  # shared by several fields
    key: int | None = None  # API key, or the record's type id
    listeners: tuple[str, ...] = ()  # of a request
    latest_unstable: bool = False
    source: str = field(default="", compare=False)  # schema file, relative to schema/

    @property
    def stable_versions(self) -> Versions:
        if not self.latest_unstable:
            return self.versions
        return Versions(self.versions.low, self.versions.high - 1)

    def all_structs(self) -> list[Struct]:
        """Every structure below the message, each after those it contains (a structure's definition order in C++)."""
        shared = {struct.name: struct for struct in self.structs}
        done: dict[str, Struct] = {}

        def visit_fields(fields: tuple[Field, ...]) -> None:
            for item in fields:
                if not item.type.is_struct or item.type.name in done:
                    continue
                if item.declares_struct:
                    visit_fields(item.fields)
                    done[item.type.name] = Struct(item.type.name, item.versions, item.fields)
                else:
                    struct = shared[item.type.name]
                    visit_fields(struct.fields)
                    done[struct.name] = struct

        visit_fields(self.fields)
        for struct in self.structs:
            if struct.name not in done:
                visit_fields(struct.fields)
                done[struct.name] = struct
        return list(done.values())


def check_message(message: Message) -> None:
    """Raises SchemaError on what the grammar allows but Kafka's rules do not."""

    def bad(what: str) -> None:
        raise SchemaError(f"{message.source}: {message.name}: {what}")

    names: set[str] = set()
    shared = {struct.name for struct in message.structs}

    def walk(fields: tuple[Field, ...], path: str) -> None:
        tags: set[int] = set()
        seen: set[str] = set()
        for item in fields:
            where = f"{path}{item.name}"
            if item.name in seen:
                bad(f"{where} is declared twice")
            seen.add(item.name)
            if item.type.is_struct:
                if item.declares_struct:
                    if item.type.name in names or item.type.name in shared:
                        bad(f"structure {item.type.name} is declared twice")
                    names.add(item.type.name)
                    walk(item.fields, where + ".")
                elif item.type.name not in shared:
                    bad(f"{where}: unknown type {item.type.name}")
            elif item.declares_struct:
                bad(f"{where}: a {item.type} has no fields")
            if not item.nullable.empty and not item.type.array and item.type.name in FIXED_TYPES:
                bad(f"{where}: a {item.type} cannot be null")
            if item.default == "null" and not item.nullable.contains_all(item.versions):
                bad(f"{where}: default null, but not nullable in all its versions")
            check_default(item, where, bad)
            if (item.tag is None) != item.tagged.empty:
                bad(f"{where}: tag and tagged versions go together")
            if item.tag is not None:
                if item.tag in tags:
                    bad(f"{where}: tag {item.tag} is used twice")
                tags.add(item.tag)
                if item.tagged.high != MAX_VERSION or not item.versions.contains_all(item.tagged):
                    bad(f"{where}: tagged versions must be open-ended and within the field's")
                if not message.flexible.contains_all(item.tagged.intersect(message.versions)):
                    bad(f"{where}: tagged in a version that is not flexible")
                if item.type.name == "records":
                    bad(f"{where}: records cannot be tagged")
                null_and_tagged = item.nullable.intersect(item.tagged)
                if not null_and_tagged.empty and null_and_tagged != item.tagged:
                    bad(f"{where}: nullable in some tagged versions only")
            if item.entity and ENTITY_TYPES.get(item.entity) != item.type.name:
                bad(f"{where}: entity {item.entity} does not fit {item.type}")
            if item.flexible is not None and item.type.name not in ("string", "bytes"):
                bad(f"{where}: flexible override on {item.type}")

    for struct in message.structs:
        if struct.name in names:
            bad(f"structure {struct.name} is declared twice")
        names.add(struct.name)
        walk(struct.fields, struct.name + ".")
    walk(message.fields, "")
    if message.kind in ("request", "response", "metadata-record", "coordinator-key", "coordinator-value"):
        if message.key is None:
            bad("has no key")


def check_default(item: Field, where: str, bad) -> None:
    text = item.default
    if text in ("", "null"):
        if text == "null" and not item.type.array and item.type.name in FIXED_TYPES:
            bad(f"{where}: default null")
        return
    if item.type.array or item.type.is_struct or item.type.name not in ("bool", *INTEGERS, "string"):
        bad(f"{where}: a {item.type} has no default but null")
    elif item.type.name == "bool":
        if text not in ("true", "false"):
            bad(f"{where}: default {text}")
    elif item.type.name in INTEGERS:
        low, high = INTEGERS[item.type.name]
        if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
            bad(f"{where}: default {text}")


_PLAIN_FIELD = [entry.name for entry in dataclasses.fields(Field)]  # so that a new fact is never forgotten


def canonical(message: Message) -> dict:
    """Plain data that holds every fact of the message: what the digest and the comparison are made of."""

    def plain_field(item: Field) -> dict:
        plain = {name: getattr(item, name) for name in _PLAIN_FIELD}
        plain["type"] = str(item.type)
        for name in ("versions", "nullable", "tagged"):
            plain[name] = str(getattr(item, name))
        plain["flexible"] = None if item.flexible is None else str(item.flexible)
        plain["fields"] = [plain_field(child) for child in item.fields]
        return plain

    return {
        "kind": message.kind,
        "name": message.name,
        "versions": str(message.versions),
        "flexible": str(message.flexible),
        "key": message.key,
        "listeners": list(message.listeners),
        "latest_unstable": message.latest_unstable,
        "fields": [plain_field(item) for item in message.fields],
        "structs": [
            {
                "name": struct.name,
                "versions": str(struct.versions),
                "fields": [plain_field(item) for item in struct.fields],
            }
            for struct in message.structs
        ],
    }
