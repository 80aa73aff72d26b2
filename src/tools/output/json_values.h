// How values of Kafka's types look in JSON: ids as their text, bytes in base64, as Jackson writes them in Kafka's
// tools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "tools/output/json_writer.h"

namespace moldau::tools {

inline void write_json_value(JsonWriter& json, bool value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::int64_t value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::int32_t value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::int16_t value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::int8_t value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::uint16_t value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, double value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, std::string_view value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, const std::string& value) {
  json.value(value);
}
inline void write_json_value(JsonWriter& json, const Uuid& value) {
  json.value(value.to_string());
}
void write_json_value(JsonWriter& json, Bytes value);
inline void write_json_value(JsonWriter& json, const ByteVector& value) {
  write_json_value(json, Bytes(value));
}

}  // namespace moldau::tools
