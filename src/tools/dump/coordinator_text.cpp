#include "tools/dump/coordinator_text.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "protocol/wire/reader.h"
#include "tools/coordinator_json/coordinator_json.h"
#include "tools/output/json_writer.h"

namespace moldau::tools {
namespace {

constexpr std::int16_t kKeyVersion = 0;
constexpr std::string_view kConsumerProtocol = "consumer";

template <class T>
std::string object(std::string_view name, std::int16_t number, const T& data, std::int16_t version) {
  JsonWriter json;
  json.begin_object().member(name, std::to_string(number)).key("data");
  write_json(json, data, version);
  json.end_object();
  return json.take();
}

// What a member of a classic group sent is opaque to the coordinator; of a consumer it is its protocol's, whose version
// comes first. Nothing if it does not read so.
template <class T>
std::optional<std::string> protocol_json(Bytes bytes) {
  if (bytes.size() < sizeof(std::int16_t)) {
    return std::nullopt;
  }
  const auto version = load_be<std::int16_t>(bytes.data());
  if (version < T::kMinVersion || version > T::kMaxVersion) {
    return std::nullopt;
  }
  wire::Reader reader(bytes.subspan(sizeof version));
  const auto message = T::decode(reader, version);
  if (!message) {
    return std::nullopt;
  }
  JsonWriter json;
  write_json(json, *message, version);
  return json.take();
}

// Puts JSON in the place of the base64 text of the next field of this name from `at` on. A name with its quotes and
// colon stands nowhere inside of a text: there the quotes are escaped.
void replace_field(std::string& text, std::size_t& at, std::string_view name, const std::optional<std::string>& json) {
  const std::string opening = fmt::format("\"{}\":\"", name);
  const std::size_t begin = text.find(opening, at);
  if (begin == std::string::npos) {
    return;
  }
  const std::size_t value = begin + opening.size() - 1;
  const std::size_t end = text.find('"', value + 1) + 1;
  at = end;
  if (json) {
    text.replace(value, end - value, *json);
    at = value + json->size();
  }
}

std::string value_text(const group::records::GroupMetadataValue& value, std::int16_t version) {
  std::string text = object("version", version, value, version);
  if (value.protocol_type != kConsumerProtocol) {
    return text;
  }
  namespace consumer = protocol::consumer;
  std::size_t at = 0;
  for (const auto& member : value.members) {
    replace_field(text, at, "subscription", protocol_json<consumer::ConsumerProtocolSubscription>(member.subscription));
    replace_field(text, at, "assignment", protocol_json<consumer::ConsumerProtocolAssignment>(member.assignment));
  }
  return text;
}

template <class T>
std::string value_text(const T& value, std::int16_t version) {
  return object("version", version, value, version);
}

CoordinatorText passed_over(std::string why) {
  return {.key = std::move(why), .value = std::nullopt, .is_json = false};
}

template <class Key, class Value>
CoordinatorText decode(Bytes key, const std::optional<Bytes>& value, Offset offset) {
  const auto error_text = [offset](std::string_view why) {
    return passed_over(fmt::format("Error at offset {}, skipping. {}", offset.value(), why));
  };
  wire::Reader key_reader(key.subspan(sizeof(std::int16_t)));
  const auto decoded_key = Key::decode(key_reader, kKeyVersion);
  if (!decoded_key) {
    return error_text(decoded_key.error().message());
  }
  CoordinatorText text{.key = object("type", Key::kRecordType, *decoded_key, kKeyVersion), .value = kDeletedText};
  if (!value) {
    return text;
  }
  if (value->size() < sizeof(std::int16_t)) {
    return error_text("the value has no version");
  }
  const auto version = load_be<std::int16_t>(value->data());
  wire::Reader value_reader(value->subspan(sizeof version));
  const auto decoded_value = Value::decode(value_reader, version);
  if (!decoded_value) {
    return error_text(decoded_value.error().message());
  }
  text.value = value_text(*decoded_value, version);
  return text;
}

}  // namespace

CoordinatorText coordinator_text(RecordDecoder decoder, Bytes key, const std::optional<Bytes>& value, Offset offset) {
  if (key.size() < sizeof(std::int16_t)) {
    return passed_over(fmt::format("Error at offset {}, skipping. the key has no type", offset.value()));
  }
  const auto type = load_be<std::int16_t>(key.data());
  CoordinatorText text;
  const auto visit = [&]<class Key, class Value>() { text = decode<Key, Value>(key, value, offset); };
  bool known = false;
  switch (decoder) {
    case RecordDecoder::kOffsets: known = visit_group_record(type, visit); break;
    case RecordDecoder::kTransactionLog: known = visit_txn_record(type, visit); break;
    case RecordDecoder::kShareState: known = visit_share_record(type, visit); break;
    case RecordDecoder::kText:
    case RecordDecoder::kMetadata: MOLDAU_ASSERT(false);
  }
  if (!known) {
    return passed_over(fmt::format("Unknown record type {} at offset {}, skipping.", type, offset.value()));
  }
  return text;
}

}  // namespace moldau::tools
