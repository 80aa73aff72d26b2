// Record batches of the metadata log and of its snapshots: metadata records as values without keys, or control records.
//
// Shapes:  as Kafka's KRaft writes them: uncompressed, one timestamp for all records of a batch (the append time), no
//          producer; a data record's value is its frame (metadata/records), a control record's key names its type.
// Errors:  kCorrupt: checksum, structure, or a control batch with an impossible key; kUnsupported: a metadata record
//          this release does not know; kTooLarge: above kMetadataBatchBytesMax.
// Source:  org.apache.kafka.raft.internals.{BatchBuilder,RecordsIterator}, org.apache.kafka.raft.ControlRecord.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "metadata/records/any_metadata_record.h"
#include "protocol/control/leader_change_message.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/scratch.h"
#include "raft/core/effects.h"

namespace moldau::raft {

using metadata::records::MetadataRecordAndVersion;

// What one batch may take when we write it (KafkaRaftClient.MAX_BATCH_SIZE_BYTES), and what we read at most.
inline constexpr std::size_t kMetadataBatchBytesWritten = std::size_t{8} << 20;
inline constexpr std::size_t kMetadataBatchBytesMax = std::size_t{32} << 20;

struct SnapshotHeader {
  std::int64_t last_contained_log_timestamp = 0;
};
struct SnapshotFooter {};
struct OtherControl {  // of a type that says nothing to a metadata replica
  std::int16_t type = 0;
};
using ControlRecord =
    std::variant<protocol::control::LeaderChangeMessage, SnapshotHeader, SnapshotFooter, VoterChange, OtherControl>;

struct MetadataBatch {
  Offset base{0};
  Offset last{0};
  LeaderEpoch epoch{0};
  std::int64_t append_timestamp_ms = kNoTimestamp;
  std::size_t size_bytes = 0;
  std::vector<MetadataRecordAndVersion> records;                  // of a data batch
  std::vector<std::pair<Offset, ControlRecord>> control_records;  // of a control batch
};

// Checks the CRC and reads every record.
[[nodiscard]] Result<MetadataBatch> decode_metadata_batch(const record::BatchView& batch, record::Scratch& scratch);

// Builds one batch. Add at least one record.
class MetadataBatchWriter {
 public:
  enum class Kind : std::uint8_t { kData, kControl };
  MetadataBatchWriter(Offset base, LeaderEpoch epoch, std::int64_t timestamp_ms, Kind kind);

  // Data. False: the batch would pass `bytes_max`, and nothing was added.
  [[nodiscard]] bool try_add(const MetadataRecordAndVersion& record, std::size_t bytes_max);
  // Control.
  void add_leader_change(const AppendEpochStart& start);
  void add_snapshot_header(std::int64_t last_contained_log_timestamp);
  void add_snapshot_footer();
  void add_voter_change(const VoterChange& change);  // KRaftVersion, then KRaftVoters

  [[nodiscard]] std::int32_t record_count() const noexcept { return builder_.record_count(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return builder_.size_bytes(); }
  // The finished batch; the writer is spent.
  [[nodiscard]] ByteVector finish();

 private:
  void add_control(record::ControlRecordType type, const wire::Writer& value);

  std::int64_t timestamp_ms_;
  record::BatchBuilder builder_;
};

}  // namespace moldau::raft
