// The metadata log as the controller and the loader need it. raft_log implements it on raft/driver; tests in memory.
//
// Shard: the metadata shard, every call.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "base/callback.h"
#include "base/ids.h"
#include "metadata/controller/controller_result.h"
#include "metadata/image/image.h"

namespace moldau::metadata {

// One committed batch.
struct CommittedBatch {
  Offset base{0};
  Offset last{0};
  LeaderEpoch epoch{0};
  std::int64_t timestamp_ms = kNoTimestamp;
  std::span<const records::MetadataRecordAndVersion> records;  // none in a control batch, which moves the offset
};

class MetadataLog {
 public:
  enum class Refused : std::uint8_t { kNotLeader, kTooLarge, kOverloaded, kFailed };

  virtual ~MetadataLog() = default;

  // One batch, all or nothing. Gives the offset of its last record; it is committed when the loader hears of it, never
  // before this returns.
  [[nodiscard]] virtual std::expected<Offset, Refused> append(LeaderEpoch epoch, RecordBatch records) = 0;
  [[nodiscard]] virtual Offset next_offset() const = 0;
  virtual void resign(LeaderEpoch epoch) = 0;

  // Enough was committed since the last snapshot to write one.
  [[nodiscard]] virtual bool snapshot_due() const = 0;
  // Writes the image, off the shard; `done` runs on it. False: not now (one is being written, or this is no newer).
  [[nodiscard]] virtual bool write_snapshot(std::shared_ptr<const Image> image, Function<void(Result<>)> done) = 0;
};

}  // namespace moldau::metadata
