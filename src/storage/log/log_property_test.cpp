#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/compact_log.h"
#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

// P2: a log behaves as a vector of records, whatever is done to it, kills with lost tails included. In some of the runs
// each record has a key of its own: then compaction writes segments anew, and changes nothing.
class LogProperty : public LogFixture {
 protected:
  void begin(std::uint64_t seed) {
    random_.emplace(seed);
    fs_ = std::make_unique<MemoryFileSystem>();
    ASSERT_TRUE(fs_->make_dirs(kDirectory));
    config_.segment_bytes = static_cast<std::int32_t>(300 + below(3'000));
    config_.index_interval_bytes = static_cast<std::int32_t>(below(600));
    config_.retention_bytes = 4'000;
    config_.cleanup_compact = seed % 2 == 0;
    cleaned_.reset();
    model_.clear();
    epoch_ = 0;
    open();
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return (*random_)() % bound; }

  void append_one() {
    const auto records = static_cast<std::int32_t>(1 + below(4));
    BatchSpec spec{.records = records,
                   .timestamp = static_cast<std::int64_t>(1'000 + below(5'000)),
                   .value_bytes = below(150),
                   .tag = ++tag_,
                   .keyed = config_.cleanup_compact};
    const std::int32_t producer = static_cast<std::int32_t>(below(4));
    if (producer > 0) {
      spec.options = {.producer_id = ProducerId(producer),
                      .producer_epoch = ProducerEpoch(0),
                      .base_sequence = sequences_[producer]};
    }
    epoch_ += below(20) == 0 ? 1 : 0;
    const ByteVector batch = make_batch(spec);
    if (batch.size() > static_cast<std::size_t>(config_.segment_bytes)) {
      return;
    }
    const auto appended = append(*log_, batch, 0, LeaderEpoch(epoch_));
    ASSERT_TRUE(appended) << appended.error().cause.message() << " producer " << producer << " sequence "
                          << sequences_[producer];
    ASSERT_FALSE(appended->duplicate);
    sequences_[producer] += records;
    std::int64_t offset = appended->first_offset.value();
    for (StoredRecord record : records_of(batch)) {
      record.offset = Offset(offset++);
      record.epoch = LeaderEpoch(epoch_);
      model_.push_back({record, producer});
    }
    ASSERT_EQ(offset, log_->log_end().value());
  }

  // What the model knows of the producers after its end moved back: the next sequence of each.
  void forget_from(Offset end) {
    while (!model_.empty() && model_.back().record.offset >= end) {
      if (model_.back().producer > 0) {
        --sequences_[model_.back().producer];
      }
      model_.pop_back();
    }
  }

  void truncate() {
    // At a batch's begin: the offsets inside of one are never asked for by a leader epoch's end.
    const std::uint64_t back = below(12);
    if (back >= model_.size()) {
      return;
    }
    Offset target = model_[model_.size() - 1 - back].record.offset;
    if (target < log_->log_start()) {
      return;
    }
    const auto slice = log_->read(target, log_->log_end(), 1, true);
    ASSERT_TRUE(slice);
    target = slice->base_offset;
    ASSERT_TRUE(*log_->truncate_to(target, 0));
    forget_from(target);
    cleaned_ = cleaned_ ? std::optional(std::min(*cleaned_, target)) : std::nullopt;
  }

  // A power cut, as far as the active segment goes: its bytes above the durable end are lost from somewhere on.
  void kill(bool lose_tail) {
    const Offset durable = log_->durable_end();
    const Offset start = log_->log_start();
    const std::string active = path(log_->active_segment_base(), FileRole::kLog);
    if (lose_tail) {
      ByteVector& bytes = fs_->content(active);
      record::BatchIterator batches(bytes);
      std::size_t kept = 0;
      for (auto next = batches.next(); next && *next && (*next)->header.base_offset < durable; next = batches.next()) {
        kept = batches.position();
      }
      const std::size_t size = kept + below(bytes.size() - kept + 1);
      bytes.resize(size);
      bytes.resize(size + (below(2) == 0 ? below(5'000) : 0));
    }
    kill_and_open({.recovery_point = durable,
                   .log_start = start,
                   .durable_end = durable,
                   .compacted_below = cleaned_.value_or(Offset(0))});
    ASSERT_FALSE(log_->fenced()) << log_->open_report().lines.back().text;
    ASSERT_GE(log_->log_end(), durable);
    forget_from(log_->log_end());
  }

  void compact_log() {
    if (!config_.cleanup_compact) {
      return;
    }
    const auto compacted = compact(*log_, *fs_, logger_,
                                   {.cleaned = cleaned_,
                                    .last_stable = log_->log_end(),
                                    .limits = {.map_bytes = (4 + below(200)) * OffsetMap::kSlotBytes},
                                    .slice_bytes = 1 + below(3'000)});
    ASSERT_TRUE(compacted) << compacted.error().message();
    if (*compacted) {
      ASSERT_LE(**compacted, log_->durable_end());
      cleaned_ = **compacted;
      ++compactions_;
    }
  }

  void check() {
    log_->check_invariants();
    const auto found = read_all(*log_, 1 + below(2'000));
    ASSERT_TRUE(found) << found.error().message();
    std::vector<StoredRecord> expected;
    for (const Entry& entry : model_) {
      if (entry.record.offset >= log_->log_start()) {
        expected.push_back(entry.record);
      }
    }
    ASSERT_EQ(*found, expected);
    check_time(expected);
    check_epochs(expected);
  }

  // Kafka looks in the first segment young enough and gives up if that holds nothing above the log start: only a log
  // whose start is a segment's begin is compared.
  void check_time(const std::vector<StoredRecord>& records) {
    if (moved_start_) {
      return;
    }
    record::Scratch scratch;
    const auto timestamp = static_cast<std::int64_t>(900 + below(5'300));
    const auto expected =
        std::ranges::find_if(records, [&](const StoredRecord& r) { return r.timestamp >= timestamp; });
    const auto found = log_->offset_for_timestamp(timestamp, scratch);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->has_value(), expected != records.end());
    if (*found) {
      ASSERT_EQ((*found)->offset, expected->offset);
    }
    const auto youngest = std::ranges::max_element(records, {}, &StoredRecord::timestamp);
    const auto max = log_->max_timestamp(scratch);
    ASSERT_TRUE(max);
    ASSERT_EQ(max->has_value(), youngest != records.end());
    if (*max) {
      ASSERT_EQ((*max)->timestamp, youngest->timestamp);
    }
  }

  void check_epochs(const std::vector<StoredRecord>& records) {
    if (records.empty()) {
      return;
    }
    const StoredRecord& probe = records[below(records.size())];
    const auto behind = std::ranges::find_if(records, [&](const StoredRecord& r) { return r.epoch > probe.epoch; });
    const auto end = log_->end_offset_for_epoch(probe.epoch);
    ASSERT_TRUE(end);
    ASSERT_EQ(end->offset, behind == records.end() ? log_->log_end() : behind->offset);
    ASSERT_EQ(log_->epoch_for_offset(probe.offset), probe.epoch);
  }

  void step() {
    switch (below(24)) {
      case 0: ASSERT_TRUE(log_->roll(0)); break;
      case 1: truncate(); break;
      case 2: ASSERT_TRUE(log_->enforce_retention(0, log_->log_end())); break;
      case 3: kill(false); break;
      case 4: kill(true); break;
      case 5: stop_and_open(); break;
      case 6: log_->release_idle_resources(); break;
      case 7: log_->on_recovery_point_checkpointed(log_->durable_end()); break;
      case 8:
      case 9: ASSERT_TRUE(sync(*log_, *fs_)); break;
      case 11: compact_log(); break;
      case 10:
        if (below(10) == 0) {
          ASSERT_TRUE(log_->advance_log_start(
              log_->log_start() +
              static_cast<std::int64_t>(below(static_cast<std::uint64_t>(log_->log_end() - log_->log_start()) + 1))));
          moved_start_ = true;
        }
        break;
      default: append_one();
    }
  }

  struct Entry {
    StoredRecord record;
    std::int32_t producer = 0;
  };
  std::optional<std::mt19937_64> random_;
  std::vector<Entry> model_;
  std::int32_t sequences_[4] = {};
  std::int32_t epoch_ = 0;
  bool moved_start_ = false;
  std::optional<Offset> cleaned_;
  int compactions_ = 0;
};

TEST_F(LogProperty, P2EqualsAVectorOfRecords) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    std::ranges::fill(sequences_, 0);
    moved_start_ = false;
    begin(seed);
    for (int i = 0; i < 120; ++i) {
      step();
      ASSERT_FALSE(HasFatalFailure()) << "step " << i;
      if (i % 4 == 0 || i > 110) {
        check();
        ASSERT_FALSE(HasFatalFailure()) << "step " << i;
      }
    }
  }
  EXPECT_GT(compactions_, 20);
}

}  // namespace
}  // namespace moldau::storage::testing
