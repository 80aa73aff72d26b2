"""Reads and writes the text form of message schemas. The grammar is described in schema/README.md."""

from __future__ import annotations

import re
from pathlib import Path

from model import (
    ALL_VERSIONS,
    ENTITY_TYPES,
    INTEGERS,
    KINDS,
    NO_VERSIONS,
    Field,
    Message,
    SchemaError,
    Struct,
    Type,
    Versions,
    check_message,
)

_VERSIONS = re.compile(r"none|\d+(\+|-\d+)?")
_INDENT = 2


class _Line:
    def __init__(self, source: str, number: int, text: str, step: int) -> None:
        self.where = f"{source}:{number}"
        body = _strip_comment(text)
        self.words = _words(body, self.where)
        indent = len(body) - len(body.lstrip(" "))
        if indent % step or "\t" in text:
            raise SchemaError(f"{self.where}: indent by {step} spaces")
        self.depth = indent // step


def _strip_comment(text: str) -> str:
    quoted = False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == "#" and not quoted:
            return text[:index].rstrip()
    return text.rstrip()


def _words(body: str, where: str) -> list[str]:
    words = re.findall(r'"[^"]*"|[^\s"]+', body)
    if re.sub(r"\s", "", "".join(words)) != re.sub(r"\s", "", body):
        raise SchemaError(f"{where}: stray quote")
    return words


def read_lines(source: str, text: str, indent: int = _INDENT) -> list[_Line]:
    """The lines that say something: their words, and their depth in steps of `indent` spaces."""
    lines = [_Line(source, number, raw, indent) for number, raw in enumerate(text.splitlines(), 1)]
    return [line for line in lines if line.words]


def _take_versions(words: list[str], fallback: Versions) -> Versions:
    if words and _VERSIONS.fullmatch(words[0]):
        return Versions.parse(words.pop(0))
    return fallback


def _parse_field(line: _Line, children: tuple[Field, ...]) -> Field:
    words = list(line.words)
    if len(words) < 2:
        raise SchemaError(f"{line.where}: a field is `Name type`")
    name, type_text = words.pop(0), words.pop(0)
    match = re.fullmatch(r"(\[\])?([A-Za-z][A-Za-z0-9]*)(\?)?(\d+(?:\+|-\d+)?)?", type_text)
    if not match or (match[4] and not match[3]) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
        raise SchemaError(f"{line.where}: not a field: {name} {type_text}")
    facts: dict = {"type": Type(match[2], bool(match[1])), "versions": _take_versions(words, ALL_VERSIONS)}
    if match[3]:
        facts["nullable"] = Versions.parse(match[4]) if match[4] else facts["versions"]
    while words:
        word = words.pop(0)
        if word == "=" and words:
            facts["default"] = words.pop(0).strip('"')
        elif word == "tag" and words and words[0].isdigit():
            facts["tag"] = int(words.pop(0))
            facts["tagged"] = _take_versions(words, facts["versions"])
        elif word == "ignorable":
            facts["ignorable"] = True
        elif word == "key":
            facts["map_key"] = True
        elif word == "zerocopy":
            facts["zero_copy"] = True
        elif word == "flexible" and words:
            facts["flexible"] = Versions.parse(words.pop(0))
        elif word.startswith("@") and word[1:] in ENTITY_TYPES:
            facts["entity"] = word[1:]
        else:
            raise SchemaError(f"{line.where}: unexpected `{word}`")
    return Field(name=name, fields=children, **facts)


def _parse_fields(lines: list[_Line], at: int, depth: int) -> tuple[tuple[Field, ...], int]:
    fields: list[Field] = []
    while at < len(lines) and lines[at].depth == depth and lines[at].words[0] != "struct":
        line = lines[at]
        children, at = _parse_fields(lines, at + 1, depth + 1)
        fields.append(_parse_field(line, children))
    if at < len(lines) and lines[at].depth > depth:
        raise SchemaError(f"{lines[at].where}: indented too far")
    return tuple(fields), at


def _parse_structs(lines: list[_Line], at: int) -> tuple[tuple[Struct, ...], int]:
    structs: list[Struct] = []
    while at < len(lines) and lines[at].depth == 1:
        line = lines[at]
        words = list(line.words)
        if words[0] != "struct" or len(words) < 2:
            raise SchemaError(f"{line.where}: fields come before shared structures")
        versions = _take_versions(words[2:], ALL_VERSIONS)
        fields, at = _parse_fields(lines, at + 1, 2)
        structs.append(Struct(words[1], versions, fields))
    return tuple(structs), at


def _parse_header(line: _Line, api: dict) -> dict:
    words = list(line.words)
    facts: dict = {"kind": words.pop(0)}
    if facts["kind"] in ("request", "response"):
        if "key" not in api:
            raise SchemaError(f"{line.where}: a request or response needs `api` before it")
        facts["key"] = api["key"]
        if facts["kind"] == "request":
            facts["listeners"] = api["listeners"]
    elif facts["kind"] not in ("header", "data"):
        if not words or not words[0].isdigit():
            raise SchemaError(f"{line.where}: `{facts['kind']} <id> <Name>`")
        facts["key"] = int(words.pop(0))
    if not words:
        raise SchemaError(f"{line.where}: no name")
    facts["name"] = words.pop(0)
    facts["flexible"] = NO_VERSIONS
    while words:
        word = words.pop(0)
        if word in ("versions", "flexible") and words:
            facts[word] = Versions.parse(words.pop(0))
        elif word == "latest-unstable":
            facts["latest_unstable"] = True
        else:
            raise SchemaError(f"{line.where}: unexpected `{word}`")
    if "versions" not in facts:
        raise SchemaError(f"{line.where}: no versions")
    return facts


def parse_messages(source: str, text: str) -> list[Message]:
    """The messages of one file, in file order."""
    lines = read_lines(source, text)
    messages: list[Message] = []
    api: dict = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        words = line.words
        if line.depth != 0:
            raise SchemaError(f"{line.where}: a field outside a message")
        if words[0] == "api" and len(words) >= 4 and words[1].isdigit() and words[2] == "listeners":
            api = {"key": int(words[1]), "listeners": tuple(words[3:])}
            at += 1
        elif words[0] == "retired" and len(words) == 3 and words[1].isdigit():
            for kind in ("request", "response"):
                messages.append(
                    Message(kind, words[2] + kind.capitalize(), NO_VERSIONS, NO_VERSIONS, (), key=int(words[1]), source=source)
                )
            at += 1
        elif words[0] in KINDS:
            facts = _parse_header(line, api)
            fields, at = _parse_fields(lines, at + 1, 1)
            structs, at = _parse_structs(lines, at)
            message = Message(fields=fields, structs=structs, source=source, **facts)
            check_message(message)
            messages.append(message)
        else:
            raise SchemaError(f"{line.where}: unexpected `{words[0]}`")
    return messages


def load_messages(root: Path) -> list[Message]:
    """All messages below schema/messages and schema/records, ordered by file name."""
    messages: list[Message] = []
    for path in sorted([*root.glob("messages/**/*.schema"), *root.glob("records/**/*.schema")]):
        messages += parse_messages(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return messages


def format_messages(messages: list[Message]) -> str:
    """The text form of the messages of one file, columns aligned."""
    blocks: list[str] = []
    api_written = False
    for message in messages:
        if message.versions.empty and message.kind in ("request", "response"):
            if message.kind == "request":
                blocks.append(f"retired {message.key} {message.name.removesuffix('Request')}")
            continue
        if message.kind in ("request", "response") and not api_written:
            listeners = next(other.listeners for other in messages if other.kind == "request")
            blocks.append(f"api {message.key} listeners {' '.join(listeners)}\n")
            api_written = True
        blocks.append(_format_message(message))
    return "\n".join(blocks).rstrip("\n") + "\n"


def _format_message(message: Message) -> str:
    words = [message.kind]
    if message.kind not in ("request", "response", "header", "data"):
        words.append(str(message.key))
    words += [message.name, "versions", str(message.versions)]
    if message.latest_unstable:
        words.append("latest-unstable")
    if not message.flexible.empty:
        words += ["flexible", str(message.flexible)]
    out = [" ".join(words)]
    out += _format_fields(message.fields, 1)
    for struct in message.structs:
        versions = "" if struct.versions == ALL_VERSIONS else f" {struct.versions}"
        out.append(f"  struct {struct.name}{versions}")
        out += _format_fields(struct.fields, 2)
    return "\n".join(out) + "\n"


def _format_fields(fields: tuple[Field, ...], depth: int) -> list[str]:
    rows = [(item, _type_text(item), _rest_text(item)) for item in fields]
    name_width = max((len(item.name) for item in fields), default=0)
    type_width = max((len(type_text) for _, type_text, rest in rows if rest), default=0)
    out: list[str] = []
    for item, type_text, rest in rows:
        text = f"{' ' * (_INDENT * depth)}{item.name:<{name_width}} {type_text:<{type_width}} {rest}"
        out.append(text.rstrip())
        out += _format_fields(item.fields, depth + 1)
    return out


def _type_text(item: Field) -> str:
    text = str(item.type)
    if item.nullable.empty:
        return text
    return text + "?" + ("" if item.nullable == item.versions else str(item.nullable))


def _rest_text(item: Field) -> str:
    words: list[str] = []
    if item.versions != ALL_VERSIONS:
        words.append(str(item.versions))
    if item.tag is not None:
        words += ["tag", str(item.tag)]
        if item.tagged != item.versions:
            words.append(str(item.tagged))
    if item.default:
        literal = item.default if item.type.name in ("bool", *INTEGERS) or item.default == "null" else f'"{item.default}"'
        words += ["=", literal]
    if item.ignorable:
        words.append("ignorable")
    if item.map_key:
        words.append("key")
    if item.entity:
        words.append("@" + item.entity)
    if item.zero_copy:
        words.append("zerocopy")
    if item.flexible is not None:
        words += ["flexible", str(item.flexible)]
    return " ".join(words)
