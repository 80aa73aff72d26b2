"""Reads Kafka's own JSON message schemas (as they lie in its jars) into the model. Used by dev/schema-check only."""

from __future__ import annotations

import json

from model import INTEGERS, Field, Message, SchemaError, Struct, Type, Versions

_KINDS = {
    "request": "request",
    "response": "response",
    "header": "header",
    "metadata": "metadata-record",
    "coordinator-key": "coordinator-key",
    "coordinator-value": "coordinator-value",
    "data": "data",
}
_MESSAGE_KEYS = {
    "type", "name", "validVersions", "flexibleVersions", "fields", "commonStructs", "apiKey", "listeners",
    "latestVersionUnstable",
}  # fmt: skip
_FIELD_KEYS = {
    "name", "type", "versions", "fields", "about", "default", "nullableVersions", "entityType", "ignorable", "mapKey",
    "tag", "taggedVersions", "zeroCopy", "flexibleVersions",
}  # fmt: skip


def strip_comments(text: str) -> str:
    """Removes // and /* */ outside of strings."""
    out: list[str] = []
    at, quoted = 0, False
    while at < len(text):
        char = text[at]
        if quoted:
            out.append(char)
            if char == "\\":
                at += 1
                out.append(text[at])
            elif char == '"':
                quoted = False
        elif text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        elif text.startswith("/*", at):
            at = text.index("*/", at) + 2
            continue
        else:
            quoted = char == '"'
            out.append(char)
        at += 1
    return "".join(out)


def parse_json_schema(source: str, text: str) -> Message:
    plain = json.loads(strip_comments(text))
    _only(plain, _MESSAGE_KEYS, source)
    latest_unstable = plain.get("latestVersionUnstable", False)
    return Message(
        kind=_KINDS[plain["type"]],
        name=plain["name"],
        versions=Versions.parse(plain["validVersions"]),
        flexible=Versions.parse(plain.get("flexibleVersions", "none")),
        fields=tuple(_field(item, source) for item in plain.get("fields", ())),
        structs=tuple(
            Struct(item["name"], Versions.parse(item["versions"]), tuple(_field(f, source) for f in item["fields"]))
            for item in plain.get("commonStructs", ())
        ),
        key=plain.get("apiKey"),
        listeners=tuple(plain.get("listeners", ())),
        latest_unstable=_truth(latest_unstable),
        source=source,
    )


def _only(plain: dict, known: set[str], source: str) -> None:
    unknown = plain.keys() - known
    if unknown:
        raise SchemaError(f"{source}: keys we do not know: {sorted(unknown)}")


def _truth(value: object) -> bool:
    return value is True or value == "true"


def _field(plain: dict, source: str) -> Field:
    _only(plain, _FIELD_KEYS, source)
    text = plain["type"]
    type_ = Type(text.removeprefix("[]"), text.startswith("[]"))
    tagged = Versions.parse(plain.get("taggedVersions", "none"))
    versions = Versions.parse(plain["versions"]) if "versions" in plain else tagged
    flexible = plain.get("flexibleVersions")
    return Field(
        name=plain["name"],
        type=type_,
        versions=versions,
        nullable=Versions.parse(plain.get("nullableVersions", "none")),
        default=_default(plain.get("default"), type_),
        tag=plain.get("tag"),
        tagged=tagged,
        ignorable=_truth(plain.get("ignorable", False)),
        map_key=_truth(plain.get("mapKey", False)),
        entity=plain.get("entityType", ""),
        zero_copy=_truth(plain.get("zeroCopy", False)),
        flexible=None if flexible is None else Versions.parse(flexible),
        fields=tuple(_field(item, source) for item in plain.get("fields", ())),
    )


def _default(value: object, type_: Type) -> str:
    """Kafka's generator takes JSON's null and "" as "the type's zero"; "null" in quotes is null."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = str(value)
    if text == "null" or type_.array:
        return text
    if type_.name in INTEGERS:
        number = int(text, 16) if text.startswith("0x") else int(text)
        return "" if number == 0 else str(number)
    if type_.name == "bool":
        return "" if text.lower() == "false" else "true"
    return text
