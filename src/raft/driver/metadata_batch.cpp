#include "raft/driver/metadata_batch.h"

#include "base/assert.h"
#include "protocol/control/kraft_version_record.h"
#include "protocol/control/snapshot_footer_record.h"
#include "protocol/control/snapshot_header_record.h"
#include "protocol/control/voters_record.h"
#include "protocol/record/record_walker.h"

namespace moldau::raft {
namespace {

namespace control = protocol::control;

constexpr std::int16_t kControlVersion = 0;  // of every control record that 4.3 writes

template <class T>
Result<T> decode_whole(Bytes value, std::int16_t version) {
  wire::Reader reader(value);
  MOLDAU_TRY(decoded, T::decode(reader, version));
  if (reader.remaining() != 0) {
    return fail(ErrorKind::kCorrupt, "bytes behind a control record");
  }
  return decoded;
}

Result<VoterChange> to_voter_change(const control::VotersRecord& record) {
  if (record.voters.size() > VoterSet::kVotersMax) {
    return fail(ErrorKind::kTooLarge, "voters of the metadata quorum", 0,
                static_cast<std::int64_t>(record.voters.size()));
  }
  std::vector<Voter> voters;
  voters.reserve(record.voters.size());
  for (const auto& from : record.voters) {
    if (from.voter_id < 0) {
      return fail(ErrorKind::kCorrupt, "a voter with a negative node id", 0, from.voter_id);
    }
    Voter& voter = voters.emplace_back();
    voter.key = {NodeId(from.voter_id), from.voter_directory_id};
    for (const auto& endpoint : from.endpoints) {
      voter.listeners.push_back({endpoint.name, endpoint.host, endpoint.port});
    }
    voter.kraft_version_min = from.kraft_version_feature.min_supported_version;
    voter.kraft_version_max = from.kraft_version_feature.max_supported_version;
  }
  return VoterChange{{}, VoterSet(std::move(voters))};
}

Result<ControlRecord> decode_control(const record::RecordView& record) {
  using Type = record::ControlRecordType;
  if (!record.key || !record.value) {
    return fail(ErrorKind::kCorrupt, "a control record without type or value");
  }
  MOLDAU_TRY(type, record::parse_control_record_key(*record.key));
  switch (type) {
    case Type::kLeaderChange: {
      // The version is the message's own first field.
      if (record.value->size() < 2) {
        return fail(ErrorKind::kCorrupt, "a leader change without version");
      }
      MOLDAU_TRY(message, decode_whole<control::LeaderChangeMessage>(*record.value,
                                                                     load_be<std::int16_t>(record.value->data())));
      return message;
    }
    case Type::kSnapshotHeader: {
      MOLDAU_TRY(header, decode_whole<control::SnapshotHeaderRecord>(*record.value, kControlVersion));
      return SnapshotHeader{header.last_contained_log_timestamp};
    }
    case Type::kSnapshotFooter: {
      MOLDAU_CHECK(decode_whole<control::SnapshotFooterRecord>(*record.value, kControlVersion));
      return SnapshotFooter{};
    }
    case Type::kKRaftVersion: {
      MOLDAU_TRY(version, decode_whole<control::KRaftVersionRecord>(*record.value, kControlVersion));
      if (version.kraft_version < kKraftVersionStatic || version.kraft_version > kKraftVersionDynamic) {
        return fail(ErrorKind::kUnsupported, "kraft.version", 0, version.kraft_version);
      }
      return VoterChange{version.kraft_version, {}};
    }
    case Type::kKRaftVoters: {
      MOLDAU_TRY(voters, decode_whole<control::VotersRecord>(*record.value, kControlVersion));
      MOLDAU_TRY(change, to_voter_change(voters));
      return change;
    }
    default: return OtherControl{static_cast<std::int16_t>(type)};
  }
}

}  // namespace

Result<MetadataBatch> decode_metadata_batch(const record::BatchView& batch, record::Scratch& scratch) {
  const record::BatchHeader& header = batch.header;
  if (header.size_bytes() > kMetadataBatchBytesMax) {
    return fail(ErrorKind::kTooLarge, "a metadata batch", 0, static_cast<std::int64_t>(header.size_bytes()));
  }
  if (!batch.crc_matches()) {
    return fail(ErrorKind::kCorrupt, "checksum of a metadata batch", 0, header.base_offset.value());
  }
  if (header.base_offset < Offset{0} || header.last_offset_delta < 0 || header.last_offset() < header.base_offset ||
      header.record_count <= 0 || header.record_count - 1 != header.last_offset_delta ||
      header.leader_epoch < LeaderEpoch{0}) {
    return fail(ErrorKind::kCorrupt, "header of a metadata batch", 0, header.base_offset.value());
  }
  MetadataBatch decoded;
  decoded.base = header.base_offset;
  decoded.last = header.last_offset();
  decoded.epoch = header.leader_epoch;
  decoded.append_timestamp_ms = header.max_timestamp;
  decoded.size_bytes = header.size_bytes();

  record::RecordWalker walker(batch, scratch, kMetadataBatchBytesMax);
  for (std::int32_t index = 0; const record::RecordView* record = walker.next(); ++index) {
    if (record->offset_delta != index) {
      return fail(ErrorKind::kCorrupt, "order of records in a metadata batch", 0, header.base_offset.value());
    }
    if (header.is_control()) {
      MOLDAU_TRY(control, decode_control(*record));
      decoded.control_records.emplace_back(header.offset_at(index), std::move(control));
    } else {
      if (record->key || !record->value) {
        return fail(ErrorKind::kCorrupt, "a metadata record with a key or without value", 0,
                    header.offset_at(index).value());
      }
      wire::Reader reader(*record->value);
      MOLDAU_TRY(value, metadata::records::decode_metadata_record(reader));
      decoded.records.push_back(std::move(value));
    }
  }
  if (!walker.ok()) {
    return std::unexpected(walker.error());
  }
  return decoded;
}

MetadataBatchWriter::MetadataBatchWriter(Offset base, LeaderEpoch epoch, std::int64_t timestamp_ms, Kind kind)
    : timestamp_ms_(timestamp_ms),
      builder_({.base_offset = base, .leader_epoch = epoch, .is_control = kind == Kind::kControl}) {}

bool MetadataBatchWriter::try_add(const MetadataRecordAndVersion& record, std::size_t bytes_max) {
  wire::Writer writer(128);
  metadata::records::encode_metadata_record(record.record, record.version, writer);
  constexpr std::size_t kRecordOverheadMax = 24;
  if (!writer.ok() || builder_.size_bytes() + writer.bytes().size() + kRecordOverheadMax > bytes_max) {
    return false;
  }
  builder_.append({.timestamp = timestamp_ms_, .value = writer.bytes()});
  return true;
}

void MetadataBatchWriter::add_control(record::ControlRecordType type, const wire::Writer& value) {
  MOLDAU_ASSERT(value.ok());
  builder_.append_control(timestamp_ms_, type, value.bytes());
}

void MetadataBatchWriter::add_leader_change(const AppendEpochStart& start) {
  control::LeaderChangeMessage message;
  message.version = kControlVersion;
  message.leader_id = start.leader.value();
  for (const NodeId id : start.voters) {
    message.voters.emplace_back().voter_id = id.value();
  }
  for (const NodeId id : start.granting) {
    message.granting_voters.emplace_back().voter_id = id.value();
  }
  wire::Writer writer;
  message.encode(writer, kControlVersion);
  add_control(record::ControlRecordType::kLeaderChange, writer);
}

void MetadataBatchWriter::add_snapshot_header(std::int64_t last_contained_log_timestamp) {
  control::SnapshotHeaderRecord header;
  header.last_contained_log_timestamp = last_contained_log_timestamp;
  wire::Writer writer;
  header.encode(writer, kControlVersion);
  add_control(record::ControlRecordType::kSnapshotHeader, writer);
}

void MetadataBatchWriter::add_snapshot_footer() {
  wire::Writer writer;
  control::SnapshotFooterRecord().encode(writer, kControlVersion);
  add_control(record::ControlRecordType::kSnapshotFooter, writer);
}

void MetadataBatchWriter::add_voter_change(const VoterChange& change) {
  if (change.kraft_version) {
    control::KRaftVersionRecord version;
    version.kraft_version = *change.kraft_version;
    wire::Writer writer;
    version.encode(writer, kControlVersion);
    add_control(record::ControlRecordType::kKRaftVersion, writer);
  }
  if (change.voters) {
    control::VotersRecord record;
    for (const Voter& voter : change.voters->voters()) {
      auto& to = record.voters.emplace_back();
      to.voter_id = voter.key.id.value();
      to.voter_directory_id = voter.key.directory_id;
      for (const ListenerEndpoint& listener : voter.listeners) {
        auto& endpoint = to.endpoints.emplace_back();
        endpoint.name = listener.name;
        endpoint.host = listener.host;
        endpoint.port = listener.port;
      }
      to.kraft_version_feature.min_supported_version = voter.kraft_version_min;
      to.kraft_version_feature.max_supported_version = voter.kraft_version_max;
    }
    wire::Writer writer;
    record.encode(writer, kControlVersion);
    add_control(record::ControlRecordType::kKRaftVoters, writer);
  }
}

ByteVector MetadataBatchWriter::finish() {
  MOLDAU_ASSERT(builder_.record_count() > 0);
  auto bytes = builder_.build();
  MOLDAU_ASSERT(bytes.has_value());  // far below 2 GiB: kMetadataBatchBytesWritten
  return *std::move(bytes);
}

}  // namespace moldau::raft
