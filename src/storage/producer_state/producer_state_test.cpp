#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/producer_state/producer_snapshot.h"
#include "storage/producer_state/producer_state.h"

namespace moldau::storage {
namespace {

using record::BatchHeader;

BatchHeader data_batch(std::int64_t base, std::int64_t producer, std::int16_t epoch, std::int32_t sequence,
                       std::int32_t records, bool transactional = false) {
  BatchHeader batch;
  batch.base_offset = Offset(base);
  batch.producer_id = ProducerId(producer);
  batch.producer_epoch = ProducerEpoch(epoch);
  batch.base_sequence = sequence;
  batch.last_offset_delta = records - 1;
  batch.record_count = records;
  batch.base_timestamp = batch.max_timestamp = 1000 + base;
  batch.attributes = transactional ? record::kTransactionalBit : 0;
  return batch;
}

BatchHeader marker_batch(std::int64_t base, std::int64_t producer, std::int16_t epoch) {
  BatchHeader batch = data_batch(base, producer, epoch, kNoSequence, 1, true);
  batch.attributes |= record::kControlBit;
  return batch;
}

// Decides by reading the whole log, with no state of its own.
class Reference {
 public:
  enum class Verdict { kAccept, kDuplicate, kOutOfOrder, kInvalidEpoch };

  [[nodiscard]] Verdict judge(const BatchHeader& batch, Offset& first) const {
    std::vector<const BatchHeader*> of_epoch;
    std::int32_t newest = -1;
    for (const auto& [stored, is_marker] : log_) {
      if (stored.producer_id != batch.producer_id) {
        continue;
      }
      if (stored.producer_epoch.value() != newest) {
        of_epoch.clear();
        newest = stored.producer_epoch.value();
      }
      if (!is_marker) {
        of_epoch.push_back(&stored);
      }
    }
    if (batch.producer_epoch.value() == newest) {
      const std::size_t remembered = std::min<std::size_t>(of_epoch.size(), 5);
      for (std::size_t i = of_epoch.size() - remembered; i < of_epoch.size(); ++i) {
        if (of_epoch[i]->base_sequence == batch.base_sequence &&
            of_epoch[i]->last_offset_delta == batch.last_offset_delta) {
          first = of_epoch[i]->base_offset;
          return Verdict::kDuplicate;
        }
      }
    }
    if (batch.producer_epoch.value() < newest) {
      return Verdict::kInvalidEpoch;
    }
    if (newest == -1) {
      return Verdict::kAccept;
    }
    std::int64_t expected = 0;
    if (batch.producer_epoch.value() == newest && !of_epoch.empty()) {
      expected = (std::int64_t{of_epoch.back()->base_sequence} + of_epoch.back()->record_count) %
                 (std::int64_t{INT32_MAX} + 1);
    }
    return batch.base_sequence == expected ? Verdict::kAccept : Verdict::kOutOfOrder;
  }

  void store(const BatchHeader& batch, bool is_marker) { log_.emplace_back(batch, is_marker); }
  [[nodiscard]] const std::vector<std::pair<BatchHeader, bool>>& log() const { return log_; }

 private:
  std::vector<std::pair<BatchHeader, bool>> log_;
};

TEST(ProducerState, EqualsTheReferenceAutomatonAndIsRebuiltFromTheLogAlone) {  // P4
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    ProducerState state;
    Reference reference;
    std::int64_t end = 0;
    std::int32_t next_sequence[3];
    std::int16_t epoch[3] = {0, 0, 0};
    for (auto& sequence : next_sequence) {
      sequence = random() % 2 == 0 ? 0 : INT32_MAX - static_cast<std::int32_t>(random() % 20);
    }
    for (int step = 0; step < 150; ++step) {
      const auto who = static_cast<std::int64_t>(random() % 3);
      auto& sequence = next_sequence[who];
      const auto records = static_cast<std::int32_t>(1 + random() % 6);
      if (random() % 15 == 0) {
        const BatchHeader batch = marker_batch(end, who, epoch[who]);
        const EndMarker marker{random() % 2 == 0, 0};
        ASSERT_TRUE(state.check(batch, &marker, ProducerOrigin::kCoordinator, 0));
        state.apply(batch, &marker);
        reference.store(batch, true);
        state.set_map_end(Offset(++end));
        continue;
      }
      BatchHeader batch = data_batch(end, who, epoch[who], sequence, records);
      switch (random() % 8) {
        case 0: {  // an earlier batch again, remembered or not
          const auto& log = reference.log();
          if (!log.empty()) {
            const auto& [earlier, is_marker] = log[log.size() - 1 - random() % std::min<std::size_t>(log.size(), 12)];
            if (!is_marker) {
              batch = earlier;
              batch.base_offset = Offset(end);
            }
          }
          break;
        }
        case 1:
          batch.base_sequence = record::increment_sequence(sequence, 1 + static_cast<std::int32_t>(random() % 3));
          break;
        case 2: batch.producer_epoch = ProducerEpoch(static_cast<std::int16_t>(epoch[who] - 1)); break;
        case 3:
          batch.producer_epoch = ProducerEpoch(static_cast<std::int16_t>(epoch[who] + 1));
          batch.base_sequence = random() % 2 == 0 ? 0 : sequence;
          break;
        default: break;
      }
      if (batch.producer_epoch < ProducerEpoch(0)) {
        continue;
      }
      Offset first{-1};
      const auto expected = reference.judge(batch, first);
      const auto verdict = state.check(batch, nullptr, ProducerOrigin::kClient, 0);
      switch (expected) {
        case Reference::Verdict::kDuplicate:
          ASSERT_TRUE(verdict && verdict->has_value());
          ASSERT_EQ((*verdict)->first_offset(), first);
          break;
        case Reference::Verdict::kOutOfOrder:
          ASSERT_FALSE(verdict);
          ASSERT_EQ(verdict.error(), ProducerRefusal::kOutOfOrderSequence);
          break;
        case Reference::Verdict::kInvalidEpoch:
          ASSERT_FALSE(verdict);
          ASSERT_EQ(verdict.error(), ProducerRefusal::kInvalidEpoch);
          break;
        case Reference::Verdict::kAccept: {
          ASSERT_TRUE(verdict && !verdict->has_value());
          state.apply(batch, nullptr);
          reference.store(batch, false);
          end += batch.record_count;
          state.set_map_end(Offset(end));
          const auto index = static_cast<std::size_t>(batch.producer_id.value());
          epoch[index] = batch.producer_epoch.value();
          next_sequence[index] = record::increment_sequence(batch.base_sequence, batch.record_count);
          break;
        }
      }
      state.check_invariants();
    }
    ProducerState rebuilt;
    for (const auto& [batch, is_marker] : reference.log()) {
      const EndMarker marker{false, 0};
      rebuilt.apply(batch, is_marker ? &marker : nullptr);
    }
    ASSERT_EQ(rebuilt.sorted_entries(), state.sorted_entries());
  }
}

TEST(ProducerState, SequencesWrapFromTheLargestToZero) {
  ProducerState state;
  state.apply(data_batch(0, 1, 0, INT32_MAX - 1, 2), nullptr);
  EXPECT_TRUE(state.check(data_batch(2, 1, 0, 0, 1), nullptr, ProducerOrigin::kClient, 0));
  EXPECT_FALSE(state.check(data_batch(2, 1, 0, 1, 1), nullptr, ProducerOrigin::kClient, 0));
  ProducerState across;
  across.apply(data_batch(0, 1, 0, INT32_MAX, 3), nullptr);  // sequences 2^31-1, 0, 1
  const auto again = across.check(data_batch(9, 1, 0, INT32_MAX, 3), nullptr, ProducerOrigin::kClient, 0);
  ASSERT_TRUE(again && again->has_value());
  EXPECT_EQ((*again)->first_offset(), Offset(0));
  EXPECT_TRUE(across.check(data_batch(3, 1, 0, 2, 1), nullptr, ProducerOrigin::kClient, 0));
}

TEST(ProducerState, OnlyTheLastFiveBatchesAreDuplicates) {
  ProducerState state;
  for (std::int32_t i = 0; i < 6; ++i) {
    state.apply(data_batch(i * 2, 1, 0, i * 2, 2), nullptr);
  }
  const auto second = state.check(data_batch(12, 1, 0, 2, 2), nullptr, ProducerOrigin::kClient, 0);
  ASSERT_TRUE(second && second->has_value());
  EXPECT_EQ((*second)->first_offset(), Offset(2));
  EXPECT_EQ((*second)->timestamp, 1002);
  const auto first = state.check(data_batch(12, 1, 0, 0, 2), nullptr, ProducerOrigin::kClient, 0);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error(), ProducerRefusal::kOutOfOrderSequence);
}

TEST(ProducerState, AnOpenTransactionHoldsTheFirstUnstableOffsetUntilItsMarkerIsReplicated) {
  ProducerState state;
  state.apply(data_batch(10, 1, 0, 0, 5, true), nullptr);
  state.apply(data_batch(15, 2, 0, 0, 5, true), nullptr);
  EXPECT_EQ(state.first_unstable_offset(), Offset(10));
  const EndMarker abort{true, 3};
  const auto completed = state.apply(marker_batch(20, 1, 0), &abort);
  ASSERT_TRUE(completed);
  EXPECT_EQ(*completed, (CompletedTxn{ProducerId(1), Offset(10), Offset(20), true, Offset(15)}));
  EXPECT_EQ(state.first_unstable_offset(), Offset(10)) << "the marker is not below the high watermark";
  state.on_high_watermark(Offset(20));
  EXPECT_EQ(state.first_unstable_offset(), Offset(10));
  state.on_high_watermark(Offset(21));
  EXPECT_EQ(state.first_unstable_offset(), Offset(15));
  const EndMarker commit{false, 3};
  EXPECT_EQ(state.apply(marker_batch(21, 2, 0), &commit)->last_stable_offset, Offset(22));
  EXPECT_FALSE(state.apply(marker_batch(22, 2, 0), &commit)) << "a marker for nothing";
  state.on_high_watermark(Offset(23));
  EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
  state.check_invariants();
}

TEST(ProducerState, MarkersOfOlderCoordinatorsAndEpochsAreFenced) {
  ProducerState state;
  const EndMarker marker{false, 5};
  state.apply(data_batch(0, 1, 3, 0, 1, true), nullptr);
  state.apply(marker_batch(1, 1, 3), &marker);
  const EndMarker zombie{false, 4};
  EXPECT_EQ(state.check(marker_batch(2, 1, 3), &zombie, ProducerOrigin::kCoordinator, 0).error(),
            ProducerRefusal::kCoordinatorFenced);
  EXPECT_TRUE(state.check(marker_batch(2, 1, 3), &zombie, ProducerOrigin::kReplica, 0)) << "the leader has judged";
  EXPECT_EQ(state.check(marker_batch(2, 1, 2), &marker, ProducerOrigin::kCoordinator, 0).error(),
            ProducerRefusal::kInvalidEpoch);
  EXPECT_TRUE(state.check(marker_batch(2, 1, 3), &marker, ProducerOrigin::kCoordinator, 2))
      << "a repeated marker does no harm";
  state.apply(data_batch(2, 1, 3, 1, 1, true), nullptr);
  EXPECT_FALSE(state.check(marker_batch(3, 1, 3), &marker, ProducerOrigin::kCoordinator, 2))
      << "version 2 wants a new epoch";
  EXPECT_TRUE(state.check(marker_batch(3, 1, 4), &marker, ProducerOrigin::kCoordinator, 2));
}

TEST(ProducerState, APlainBatchInsideATransactionIsRefused) {
  ProducerState state;
  state.apply(data_batch(0, 1, 0, 0, 1, true), nullptr);
  EXPECT_EQ(state.check(data_batch(1, 1, 0, 1, 1, false), nullptr, ProducerOrigin::kClient, 0).error(),
            ProducerRefusal::kInvalidTxnState);
}

TEST(ProducerState, ExpiryKeepsOpenTransactions) {
  ProducerState state;
  state.apply(data_batch(0, 1, 0, 0, 1), nullptr);        // at 1000
  state.apply(data_batch(500, 2, 0, 0, 1), nullptr);      // at 1500
  state.apply(data_batch(1, 3, 0, 0, 1, true), nullptr);  // at 1001
  state.expire(2000, 1000);
  EXPECT_EQ(state.find(ProducerId(1)), nullptr);
  EXPECT_NE(state.find(ProducerId(2)), nullptr);
  EXPECT_NE(state.find(ProducerId(3)), nullptr);
}

TEST(ProducerSnapshot, KeepsTheLastBatchAndTheOpenTransaction) {
  ProducerState state;
  state.apply(data_batch(0, 9, 1, 0, 3), nullptr);
  state.apply(data_batch(3, 9, 1, 3, 2), nullptr);
  state.apply(data_batch(5, 4, 2, 0, 1, true), nullptr);
  const EndMarker marker{true, 7};
  state.apply(marker_batch(6, 11, 0), &marker);
  const ByteVector content = encode_producer_snapshot(state);
  EXPECT_EQ(content.size(), 10U + 3 * 46U);
  auto entries = parse_producer_snapshot(content);
  ASSERT_TRUE(entries) << entries.error().message();
  ProducerState loaded;
  loaded.load(*std::move(entries), Offset(7));
  EXPECT_EQ(loaded.first_unstable_offset(), Offset(5));
  EXPECT_EQ(loaded.find(ProducerId(9))->last_sequence(), 4);
  EXPECT_EQ(loaded.find(ProducerId(9))->batches().size(), 1U);
  EXPECT_EQ(loaded.find(ProducerId(11))->coordinator_epoch, 7);
  EXPECT_TRUE(loaded.find(ProducerId(11))->batches().empty());
  EXPECT_EQ(encode_producer_snapshot(loaded), content);
}

TEST(ProducerSnapshot, RefusesDamage) {
  ProducerState state;
  state.apply(data_batch(0, 9, 1, 0, 3), nullptr);
  const ByteVector good = encode_producer_snapshot(state);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_producer_snapshot(Bytes(good).first(size))) << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    ByteVector bad = good;
    bad[at] ^= std::byte{0x10};
    EXPECT_FALSE(parse_producer_snapshot(bad)) << at;
  }
}

}  // namespace
}  // namespace moldau::storage
