// A GoogleTest fixture: one log in a MemoryFileSystem.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "storage/segment/segment.h"
#include "storage/testing/log_kit.h"
#include "storage/testing/memory_fs.h"

namespace moldau::storage::testing {

// A batch of an idempotent producer.
inline BatchSpec produced(std::int64_t producer, std::int16_t epoch, std::int32_t sequence, std::int32_t records = 2) {
  BatchSpec spec{.records = records};
  spec.options.producer_id = ProducerId(producer);
  spec.options.producer_epoch = ProducerEpoch(epoch);
  spec.options.base_sequence = sequence;
  return spec;
}

class LogFixture : public ::testing::Test {
 protected:
  static constexpr const char* kDirectory = "/data/topic-0";

  LogFixture() {
    EXPECT_TRUE(fs_->make_dirs(kDirectory));
    config_.segment_bytes = 1'000;
    config_.index_interval_bytes = 200;
  }

  Result<std::unique_ptr<Log>> try_open(const OpenHints& hints) {
    return Log::open({*fs_, logger_, random_}, kDirectory, {"topic", PartitionIndex(0)}, config_, hints);
  }
  void open(const OpenHints& hints = {}) {
    auto opened = try_open(hints);
    ASSERT_TRUE(opened) << opened.error().message();
    log_ = *std::move(opened);
  }
  // As a process that was killed: only what it wrote is left.
  void kill_and_open(OpenHints hints = {}) {
    auto survivor = fs_->clone();
    log_.reset();
    fs_ = std::move(survivor);
    open(hints);
  }
  void stop_and_open() {
    const Offset end = log_->log_end();
    ASSERT_TRUE(log_->close(true));
    const Offset start = log_->log_start();
    log_.reset();
    open({.clean_shutdown = true, .recovery_point = end, .log_start = start});
  }

  // `records` records of about 100 bytes.
  void fill(int batches, std::int32_t records = 1, std::int64_t timestamp = 1'000, LeaderEpoch epoch = LeaderEpoch(0)) {
    for (int i = 0; i < batches; ++i) {
      const auto appended =
          append(*log_, make_batch({.records = records, .timestamp = timestamp + i, .value_bytes = 30, .tag = ++tag_}),
                 timestamp + i, epoch);
      ASSERT_TRUE(appended) << appended.error().cause.message();
    }
  }
  [[nodiscard]] std::vector<StoredRecord> all() {
    auto records = read_all(*log_);
    EXPECT_TRUE(records) << (records ? "" : records.error().message());
    return records.value_or(std::vector<StoredRecord>{});
  }
  [[nodiscard]] static std::string path(Offset base, FileRole role) { return log_file_path(kDirectory, base, role); }
  [[nodiscard]] ByteVector& file(std::int64_t base, FileRole role = FileRole::kLog) {
    return fs_->content(path(Offset(base), role));
  }
  [[nodiscard]] bool has_line(std::string_view part) const {
    for (const OpenLine& line : log_->open_report().lines) {
      if (line.text.find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] std::vector<std::string> names() {
    std::vector<std::string> names;
    const auto entries = fs_->list(kDirectory).value();
    for (const auto& entry : entries) {
      names.push_back(entry.name);
    }
    return names;
  }

  std::unique_ptr<MemoryFileSystem> fs_ = std::make_unique<MemoryFileSystem>();
  RememberingLogger logger_;
  SeededRandom random_{1};
  LogConfig config_;
  std::unique_ptr<Log> log_;
  std::uint64_t tag_ = 0;
};

}  // namespace moldau::storage::testing
