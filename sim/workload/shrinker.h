// W8: a topic with short retention, by age or by size, whose front DeleteRecords takes away as well; ListOffsets by
// time after each whole reading. Batches with sequences, acks=all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/scratch.h"
#include "sim/checker/shrinking_topic.h"
#include "sim/workload/topic_client.h"

namespace moldau::sim {

inline constexpr std::string_view kShrinkingTopic = "shrinking";

struct ShrinkerOptions {
  ShrinkingTopic::Rules rules;
  std::uint32_t segment_bytes = 2048;
  std::uint32_t delete_ppm = 20'000;  // of the steps
  std::uint64_t pause_max_us = 20'000;
};

class Shrinker final : public TopicClient {
 public:
  Shrinker(runtime::World world, Workload& workload, SimRandom random, const ShrinkerOptions& options);

 private:
  enum class Phase : std::uint8_t { kCreate, kUse, kRead, kLookUp };
  struct Batch {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    ByteVector bytes;
  };

  void on_up() override;
  void step() override;
  void pause() { TopicClient::pause(options_.pause_max_us); }
  void make();
  void use();
  void make_batch();
  void send();
  void remove_front();
  void begin_reading();
  void read_on();
  void take(Bytes batches);
  void look_up();

  ShrinkerOptions options_;
  ShrinkingTopic::Report report_;
  ShrinkingTopic checker_;
  Phase phase_ = Phase::kCreate;
  ProducerId producer_id_ = kNoProducerId;
  std::int32_t next_sequence_ = 0;
  std::int64_t newest_ms_ = 0;
  std::optional<Batch> unacked_;
  Offset at_{0};  // of the reading
  std::uint32_t lookups_left_ = 0;
  record::Scratch scratch_;
};

}  // namespace moldau::sim
