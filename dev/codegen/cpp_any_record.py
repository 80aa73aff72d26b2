"""Emits, for a log whose records are told apart by a type id, the variant of all of them and the frame codec."""

from __future__ import annotations

from cpp_messages import BANNER
from layout import Place
from model import Message, snake


def emit(place: Place, records: list[Message]) -> dict[str, str]:
    records = sorted(records, key=lambda message: message.key)
    stem = "any_" + snake(place.any_record)
    name, snake_name = place.any_record, snake(place.any_record)
    folder = records[0].source.rsplit("/", 1)[0]
    banner = BANNER.format(source=folder)
    includes = "".join(f'#include "{place.directory}/{snake(m.name)}.h"\n' for m in sorted(records, key=lambda m: snake(m.name)))
    alternatives = ",\n    ".join(m.name for m in records)
    pair = f"{name}AndVersion"
    constructors = "".join(f"  {pair}({m.name} record, std::int16_t version) noexcept;\n" for m in records)
    definitions = "".join(
        f"{pair}::{pair}({taken} record, std::int16_t version) noexcept\n"
        "    : record(std::move(record)), version(version) {}\n" for taken in [f"Any{name}", *(m.name for m in records)]
    )
    header = (
        f"{banner}// Any record of this log, and its frame: uvarint frame version 1, uvarint type id, uvarint version, body.\n"
        "// Source: Kafka's AbstractApiMessageSerde.\n"
        "#pragma once\n\n#include <cstdint>\n#include <variant>\n\n"
        f'#include "base/result.h"\n{includes}#include "protocol/wire/reader.h"\n#include "protocol/wire/writer.h"\n\n'
        f"namespace {place.namespace} {{\n\n"
        f"// The alternatives are ordered by type id.\nusing Any{name} = std::variant<\n    {alternatives}>;\n\n"
        "// What a variant of so many does is compiled once, in the source file: its users are many.\n"
        f"struct {pair} {{\n  {pair}() noexcept;\n  {pair}(Any{name} record, std::int16_t version) noexcept;\n{constructors}"
        f"  {pair}(const {pair}&);\n  {pair}({pair}&&) noexcept;\n"
        f"  {pair}& operator=(const {pair}&);\n  {pair}& operator=({pair}&&) noexcept;\n  ~{pair}();\n\n"
        f"  Any{name} record;\n  std::int16_t version = 0;\n\n"
        f"  friend bool operator==(const {pair}&, const {pair}&);\n}};\n\n"
        f"struct {name}Type {{\n  std::int16_t id = 0;\n  const char* name = \"\";\n  std::int16_t min_version = 0;\n"
        f"  std::int16_t max_version = 0;\n}};\n\n"
        f"[[nodiscard]] const {name}Type& type_of(const Any{name}& record) noexcept;\n"
        "// nullptr for an id that has no record.\n"
        f"[[nodiscard]] const {name}Type* find_{snake_name}_type(std::int16_t id) noexcept;\n\n"
        "// The version must be one that the record's type has.\n"
        f"void encode_{snake_name}(const Any{name}& record, std::int16_t version, wire::Writer& w);\n\n"
        "// Reads the one record that the reader holds. kUnsupported: a frame version, type or version that we do not have;\n"
        "// kCorrupt: bytes after the record; else the reader's error.\n"
        f"[[nodiscard]] Result<{name}AndVersion> decode_{snake_name}(wire::Reader& r);\n\n"
        f"}}  // namespace {place.namespace}\n"
    )
    rows = "".join(
        f'    {{{m.key}, "{m.name}", {m.versions.low}, {m.versions.high}}},\n' for m in records
    )
    cases = "".join(
        f"    case {m.key}:\n      return decode_as<{m.name}>(r, version);\n" for m in records
    )
    source = (
        f'{banner}#include "{place.directory}/{stem}.h"\n\n#include <array>\n#include <limits>\n\n'
        f"namespace {place.namespace} {{\nnamespace {{\n\n"
        f"constexpr std::array<{name}Type, {len(records)}> k{name}Types{{{{\n{rows}}}}};\n\n"
        "constexpr std::uint32_t kFrameVersion = 1;\n\n"
        "template <class T>\n"
        f"Result<{name}AndVersion> decode_as(wire::Reader& r, std::int16_t version) {{\n"
        "  Result<T> record = T::decode(r, version);\n"
        "  if (!record) {\n    return std::unexpected(record.error());\n  }\n"
        '  if (r.remaining() != 0) {\n    return fail(ErrorKind::kCorrupt, "bytes after a record", 0, static_cast<std::int64_t>(r.position()));\n  }\n'
        f"  return {name}AndVersion{{*std::move(record), version}};\n}}\n\n"
        "}  // namespace\n\n"
        f"{pair}::{pair}() noexcept = default;\n{definitions}"
        f"{pair}::{pair}(const {pair}&) = default;\n{pair}::{pair}({pair}&&) noexcept = default;\n"
        f"{pair}& {pair}::operator=(const {pair}&) = default;\n{pair}& {pair}::operator=({pair}&&) noexcept = default;\n"
        f"{pair}::~{pair}() = default;\n\n"
        f"bool operator==(const {pair}& a, const {pair}& b) {{ return a.version == b.version && a.record == b.record; }}\n\n"
        f"const {name}Type& type_of(const Any{name}& record) noexcept {{ return k{name}Types[record.index()]; }}\n\n"
        f"const {name}Type* find_{snake_name}_type(std::int16_t id) noexcept {{\n"
        f"  for (const {name}Type& type : k{name}Types) {{\n    if (type.id == id) {{\n      return &type;\n    }}\n  }}\n"
        "  return nullptr;\n}\n\n"
        f"void encode_{snake_name}(const Any{name}& record, std::int16_t version, wire::Writer& w) {{\n"
        "  w.uvarint(kFrameVersion);\n"
        "  w.uvarint(static_cast<std::uint32_t>(type_of(record).id));\n"
        "  w.uvarint(static_cast<std::uint32_t>(version));\n"
        "  std::visit([&](const auto& alternative) { alternative.encode(w, version); }, record);\n}\n\n"
        f"Result<{name}AndVersion> decode_{snake_name}(wire::Reader& r) {{\n"
        "  const std::uint32_t frame_version = r.uvarint();\n"
        "  const std::uint32_t type = r.uvarint();\n"
        "  const std::uint32_t wide_version = r.uvarint();\n"
        "  if (!r.ok()) {\n    return std::unexpected(r.error());\n  }\n"
        "  if (frame_version != kFrameVersion) {\n"
        '    return fail(ErrorKind::kUnsupported, "frame version of a record", 0, frame_version);\n  }\n'
        "  if (wide_version > static_cast<std::uint32_t>(std::numeric_limits<std::int16_t>::max())) {\n"
        '    return fail(ErrorKind::kUnsupported, "version of a record", 0, wide_version);\n  }\n'
        "  const auto version = static_cast<std::int16_t>(wide_version);\n"
        f"  switch (type) {{\n{cases}"
        '    default:\n      return fail(ErrorKind::kUnsupported, "type of a record", 0, type);\n  }\n}\n\n'
        f"}}  // namespace {place.namespace}\n"
    )
    return {f"{place.directory}/{stem}.h": header, f"{place.directory}/{stem}.cpp": source}
