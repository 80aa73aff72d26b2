"""Kafka messages as JSON and bytes, driven by the text files of schema/. Independent of Java and of our C++ codec.

The JSON is that of Apache Kafka's converters: camelCase names, uuids and bytes in base64, tagged fields only when they
differ from their default. `encode` fills what the JSON leaves out with defaults.
"""

import base64
import functools
import struct
import sys

from .jars import ROOT

sys.path.insert(0, str(ROOT / "dev" / "codegen"))

from model import Field, Message, Type  # noqa: E402
from schema_text import load_messages  # noqa: E402

FIXED = {"bool": "?", "int8": "b", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "float64": "d"}
API_VERSIONS = 18


class CodecError(Exception):
    """Bytes that the schema does not allow, or JSON that does not fit it."""


@functools.cache
def _messages() -> tuple[dict, dict, dict]:
    by_key: dict = {}
    keys: dict = {}
    headers: dict = {}
    for message in load_messages(ROOT / "schema"):
        if message.kind in ("request", "response"):
            by_key[message.kind, message.key] = message
            keys[message.name.removesuffix("Request").removesuffix("Response")] = message.key
        elif message.kind == "header":
            headers[message.name] = message
    return by_key, keys, headers


def message(kind: str, api: int) -> Message:
    return _messages()[0][kind, api]


def api_key(name: str) -> int:
    try:
        return _messages()[1][name]
    except KeyError:
        raise CodecError(f"no API is called {name}") from None


def api_name(api: int) -> str:
    return message("request", api).name.removesuffix("Request")


def header_version(kind: str, api: int, version: int) -> int:
    flexible = version in message(kind, api).flexible
    if kind == "request":
        return 2 if flexible else 1
    return 1 if flexible and api != API_VERSIONS else 0


def encode(kind: str, api: int, version: int, header: dict, body: dict) -> bytes:
    """The frame without its size field."""
    out = bytearray()
    envelope = _messages()[2]["RequestHeader" if kind == "request" else "ResponseHeader"]
    _Writer(envelope, header_version(kind, api, version), out).message(header)
    _Writer(message(kind, api), version, out).message(body)
    return bytes(out)


def decode(kind: str, api: int, version: int, frame: bytes) -> dict:
    """{"header", "body", "rest"} of a frame without its size field; `rest` counts the bytes left over."""
    envelope = _messages()[2]["RequestHeader" if kind == "request" else "ResponseHeader"]
    first = _Reader(envelope, header_version(kind, api, version), frame, 0)
    header = first.message()
    second = _Reader(message(kind, api), version, frame, first.at)
    body = second.message()
    return {"header": header, "body": body, "rest": len(frame) - second.at}


def fill(kind: str, api: int, version: int, body: dict) -> dict:
    """`body` with every field of the version, as Apache's converters want it (tagged fields stay optional)."""
    return _Filler(message(kind, api), version).struct(message(kind, api).fields, body, "")


def known_fields(kind: str, api: int, version: int, body: dict) -> dict:
    """`body` without the fields that other versions have; fields of no version stay, to be refused."""
    return _Restrictor(message(kind, api), version).struct(message(kind, api).fields, body)


def json_name(name: str) -> str:
    return name[0].lower() + name[1:]


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class _Walk:
    def __init__(self, owner: Message, version: int):
        if version not in owner.versions:
            raise CodecError(f"{owner.name} has no version {version}")
        self.owner = owner
        self.version = version
        self.flexible = version in owner.flexible
        self.structs = {item.name: item for item in owner.all_structs()}

    def fields_of(self, item: Field) -> tuple[Field, ...]:
        return item.fields or self.structs[item.type.name].fields

    def is_tagged(self, item: Field) -> bool:
        return item.tag is not None and self.version in item.tagged

    def is_nullable(self, item: Field) -> bool:
        return self.version in item.nullable

    def is_compact(self, item: Field) -> bool:
        return self.flexible if item.flexible is None else self.version in item.flexible

    def default(self, item: Field):
        if item.default == "null":
            return None
        if item.type.array:
            return []
        if item.type.is_struct:
            fields = [child for child in self.fields_of(item) if self.version in child.versions]
            return {json_name(child.name): self.default(child) for child in fields if not self.is_tagged(child)}
        name = item.type.name
        if name == "bool":
            return item.default == "true"
        if name == "string":
            return item.default
        if name == "bytes":
            return ""
        if name == "records":
            return None
        if name == "uuid":
            return "AAAAAAAAAAAAAAAAAAAAAA"
        if name == "float64":
            return float(item.default or 0)
        return int(item.default or 0)


class _Filler(_Walk):
    def struct(self, fields, value, path):
        known = {json_name(item.name) for item in fields}
        for name in value:
            if name not in known:
                raise CodecError(f"{self.owner.name} v{self.version} has no {path}{name}")
        out = {}
        for item in fields:
            name = json_name(item.name)
            if self.version not in item.versions:
                if name in value:
                    raise CodecError(f"{self.owner.name} v{self.version} has no {path}{name}")
                continue
            if name not in value:
                if not self.is_tagged(item):
                    out[name] = self.default(item)
                continue
            out[name] = self.value(item, value[name], f"{path}{name}.")
        return out

    def value(self, item, value, path):
        if value is None or not item.type.is_struct:
            return value
        fields = self.fields_of(item)
        if item.type.array:
            return [self.struct(fields, element, path) for element in value]
        return self.struct(fields, value, path)


class _Restrictor(_Walk):
    def struct(self, fields, value):
        by_name = {json_name(item.name): item for item in fields}
        known = {name: inner for name, inner in value.items() if name not in by_name or self.version in by_name[name].versions}
        return {name: self.value(by_name.get(name), inner) for name, inner in known.items()}

    def value(self, item, value):
        if item is None or value is None or not item.type.is_struct:
            return value
        fields = self.fields_of(item)
        return [self.struct(fields, element) for element in value] if item.type.array else self.struct(fields, value)


class _Writer(_Walk):
    def __init__(self, owner: Message, version: int, out: bytearray):
        super().__init__(owner, version)
        self.out = out

    def message(self, body: dict) -> None:
        filled = _Filler(self.owner, self.version).struct(self.owner.fields, body, "")
        self.struct(self.owner.fields, filled)

    def struct(self, fields, value) -> None:
        tagged = []
        for item in fields:
            name = json_name(item.name)
            if self.version not in item.versions:
                continue
            if self.is_tagged(item):
                if name in value and value[name] != self.default(item):
                    tagged.append((item, value[name]))
                continue
            self.value(item, value[name])
        if self.flexible:
            self.out += uvarint(len(tagged))
            for item, content in sorted(tagged, key=lambda pair: pair[0].tag):
                outer, self.out = self.out, bytearray()
                self.value(item, content)
                inner, self.out = self.out, outer
                self.out += uvarint(item.tag) + uvarint(len(inner)) + inner

    def value(self, item: Field, value) -> None:
        if value is None and not self.is_nullable(item):
            raise CodecError(f"{self.owner.name} v{self.version}: {item.name} cannot be null")
        if item.type.array:
            self.length(None if value is None else len(value), self.flexible, ">i")
            for element in value or ():
                self.element(item, item.type.element, element)
            return
        if item.type.is_struct:
            if self.is_nullable(item):
                self.out += b"\xff" if value is None else b"\x01"
            if value is not None:
                self.struct(self.fields_of(item), value)
            return
        self.element(item, item.type, value)

    def element(self, item: Field, type: Type, value) -> None:
        if type.is_struct:
            self.struct(self.fields_of(item), value)
        elif type.name in FIXED:
            self.out += struct.pack(">" + FIXED[type.name], value)
        elif type.name == "uuid":
            self.out += base64.urlsafe_b64decode(value + "==")
        else:
            raw = None
            if value is not None:
                raw = value.encode("utf-8", "surrogateescape") if type.name == "string" else base64.b64decode(value)
            self.length(None if raw is None else len(raw), self.is_compact(item), ">h" if type.name == "string" else ">i")
            self.out += raw or b""

    def length(self, count: int | None, compact: bool, classic: str) -> None:
        if compact:
            self.out += uvarint(0 if count is None else count + 1)
        else:
            self.out += struct.pack(classic, -1 if count is None else count)


class _Reader(_Walk):
    def __init__(self, owner: Message, version: int, data: bytes, at: int):
        super().__init__(owner, version)
        self.data = data
        self.at = at

    def message(self) -> dict:
        return self.struct(self.owner.fields)

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise CodecError(f"{self.owner.name} v{self.version}: {count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 28:
                raise CodecError(f"{self.owner.name} v{self.version}: varint too long at {self.at}")

    def struct(self, fields) -> dict:
        out = {}
        for item in fields:
            if self.version in item.versions and not self.is_tagged(item):
                out[json_name(item.name)] = self.value(item)
        if self.flexible:
            by_tag = {item.tag: item for item in fields if self.version in item.versions and self.is_tagged(item)}
            for _ in range(self.uvarint()):
                tag, size = self.uvarint(), self.uvarint()
                end = self.at + size
                if tag in by_tag:
                    value = self.value(by_tag[tag])
                    if value != self.default(by_tag[tag]):
                        out[json_name(by_tag[tag].name)] = value
                    if self.at != end:
                        raise CodecError(f"{self.owner.name} v{self.version}: tag {tag} has {size} bytes, not all read")
                else:
                    self.take(size)
        # Apache's converters write fields in their declared order, tagged ones among the others.
        order = [json_name(item.name) for item in fields]
        return dict(sorted(out.items(), key=lambda pair: order.index(pair[0])))

    def value(self, item: Field):
        if item.type.array:
            count = self.length(self.flexible, ">i")
            if count is None:
                return self.null(item)
            return [self.element(item, item.type.element) for _ in range(count)]
        if item.type.is_struct:
            if self.is_nullable(item) and struct.unpack(">b", self.take(1))[0] < 0:
                return None
            return self.struct(self.fields_of(item))
        return self.element(item, item.type)

    def null(self, item: Field):
        if not self.is_nullable(item):
            raise CodecError(f"{self.owner.name} v{self.version}: {item.name} is null")
        return None

    def element(self, item: Field, type: Type):
        if type.is_struct:
            return self.struct(self.fields_of(item))
        if type.name in FIXED:
            code = ">" + FIXED[type.name]
            return struct.unpack(code, self.take(struct.calcsize(code)))[0]
        if type.name == "uuid":
            return base64.urlsafe_b64encode(self.take(16)).decode().rstrip("=")
        size = self.length(self.is_compact(item), ">h" if type.name == "string" else ">i")
        if size is None:
            return self.null(item)
        raw = self.take(size)
        return raw.decode("utf-8", "replace") if type.name == "string" else base64.b64encode(raw).decode()

    def length(self, compact: bool, classic: str) -> int | None:
        if compact:
            count = self.uvarint() - 1
        else:
            count = struct.unpack(classic, self.take(struct.calcsize(classic)))[0]
        if count > len(self.data) - self.at:
            raise CodecError(f"{self.owner.name} v{self.version}: a count of {count} in {len(self.data)} bytes")
        return None if count < 0 else count
