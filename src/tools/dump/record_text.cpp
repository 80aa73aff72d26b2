#include "tools/dump/record_text.h"

#include "metadata/records/any_metadata_record.h"
#include "protocol/control/kraft_version_record.h"
#include "protocol/control/leader_change_message.h"
#include "protocol/control/snapshot_footer_record.h"
#include "protocol/control/snapshot_header_record.h"
#include "protocol/control/voters_record.h"
#include "protocol/record/control_record.h"
#include "tools/record_json/record_json.h"

namespace moldau::tools {
namespace {

namespace control = protocol::control;

// LeaderChangeMessage -> LEADER_CHANGE_MESSAGE.
std::string upper_snake(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_upper = name[i] >= 'A' && name[i] <= 'Z';
    out += is_upper && i > 0 ? "_" : "";
    out += is_upper || name[i] < 'a' || name[i] > 'z' ? name[i] : static_cast<char>(name[i] - 'a' + 'A');
  }
  return out;
}

// The version of these messages is their own first field.
template <class Message>
void add_message(Row& row, std::string_view name, std::string_view between, Bytes value) {
  if (value.size() < sizeof(std::int16_t)) {
    row.add_text(name, "no value");
    return;
  }
  const auto version = load_be<std::int16_t>(value.data());
  wire::Reader reader(value);
  const auto message = Message::decode(reader, version);
  if (!message) {
    row.add_text(name, message.error().message());
    return;
  }
  JsonWriter json;
  write_json(json, *message, version);
  row.add_raw(name, json.text(), json.text(), between);
}

void add_end_of_transaction(Row& row, std::string_view outcome, Bytes value) {
  row.add_text("endTxnMarker", outcome);
  if (const auto marker = record::EndTxnMarker::parse(value)) {
    row.add("coordinatorEpoch", marker->coordinator_epoch);
  }
}

}  // namespace

void add_control_record(Row& row, const record::RecordView& record) {
  using Type = record::ControlRecordType;
  const auto type = record::parse_control_record_key(record.key.value_or(Bytes()));
  if (!type) {
    row.add_text("controlType", type.error().message());
    return;
  }
  const Bytes value = record.value.value_or(Bytes());
  switch (*type) {
    case Type::kAbort: return add_end_of_transaction(row, "ABORT", value);
    case Type::kCommit: return add_end_of_transaction(row, "COMMIT", value);
    case Type::kLeaderChange: return add_message<control::LeaderChangeMessage>(row, "LeaderChange", ": ", value);
    case Type::kSnapshotHeader: return add_message<control::SnapshotHeaderRecord>(row, "SnapshotHeader", " ", value);
    case Type::kSnapshotFooter: return add_message<control::SnapshotFooterRecord>(row, "SnapshotFooter", " ", value);
    case Type::kKRaftVersion: return add_message<control::KRaftVersionRecord>(row, "KRaftVersion", " ", value);
    case Type::kKRaftVoters: return add_message<control::VotersRecord>(row, "KRaftVoters", " ", value);
    default:
      row.add_text("controlType", "UNKNOWN(" + std::to_string(load_be<std::int16_t>(record.key->data() + 2)) + ")");
  }
}

std::expected<std::string, std::string> metadata_record_json(Bytes value) {
  wire::Reader reader(value);
  const auto decoded = metadata::records::decode_metadata_record(reader);
  if (!decoded) {
    return std::unexpected(decoded.error().message());
  }
  JsonWriter json;
  json.begin_object().member("type", upper_snake(metadata::records::type_of(decoded->record).name));
  json.member("version", decoded->version).key("data");
  write_json(json, decoded->record, decoded->version);
  json.end_object();
  return json.take();
}

}  // namespace moldau::tools
