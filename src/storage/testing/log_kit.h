// What tests of logs need: batches, a logger that remembers, a log in a MemoryFileSystem, and all its records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/validate.h"
#include "runtime/testing/seeded_random.h"
#include "storage/log/log.h"

namespace moldau::storage::testing {

class RememberingLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::kInfo; }
  void write(LogLevel, std::string_view, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

using moldau::testing::SeededRandom;

struct BatchSpec {
  std::int32_t records = 1;
  std::int64_t timestamp = 1'000;  // of the first record; each next one is a millisecond younger
  std::size_t value_bytes = 20;
  std::uint64_t tag = 0;  // makes the values unlike others
  bool keyed = false;     // each record has a key, which is its value
  record::BatchOptions options = {};
};
[[nodiscard]] ByteVector make_batch(const BatchSpec& spec);

struct StoredRecord {
  Offset offset{0};
  std::int64_t timestamp = 0;
  std::string value;
  LeaderEpoch epoch{0};
  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};
// The records of concatenated batches; control records are left out. Asserts that each batch is whole and intact.
[[nodiscard]] std::vector<StoredRecord> records_of(Bytes batches);
[[nodiscard]] Result<ByteVector> read_slice(const Slice& slice);
// All records from the log start on, read as a consumer that follows `bytes_max` would.
[[nodiscard]] Result<std::vector<StoredRecord>> read_all(Log& log, std::size_t bytes_max = 1 << 20);

[[nodiscard]] std::expected<AppendResult, AppendError> append(Log& log, ByteVector batch, std::int64_t now_ms = 0,
                                                              LeaderEpoch epoch = LeaderEpoch(0),
                                                              ProducerOrigin origin = ProducerOrigin::kClient);
// One round of a group commit.
[[nodiscard]] Result<> sync(Log& log, runtime::FileSystem& fs);

}  // namespace moldau::storage::testing
