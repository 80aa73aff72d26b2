// W4: upserts and tombstones of a few keys in a compacted topic, through all crashes; whole readings in between and at
// the end. With acks=all alone and sequences, then now and then a last batch again, also one of a producer that is
// quiet while what it wrote is superseded; or without sequences and with acks of both kinds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/batch.h"
#include "protocol/record/scratch.h"
#include "sim/checker/compacted_topic.h"
#include "sim/workload/topic_client.h"

namespace moldau::sim {

inline constexpr std::string_view kKeyedTopic = "keyed";

struct UpserterOptions {
  CompactedTopic::Rules rules;
  std::uint32_t keys = 8;
  std::uint32_t segment_bytes = 2048;
  std::uint32_t dirty_ratio_percent = 30;
  std::uint32_t acks_leader_ppm = 500'000;  // of the batches without sequences
  std::uint64_t pause_max_us = 10'000;
};

class Upserter final : public TopicClient {
 public:
  Upserter(runtime::World world, Workload& workload, SimRandom random, const UpserterOptions& options);

 private:
  enum class Phase : std::uint8_t { kCreate, kUse, kRead };
  struct Batch {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    std::int16_t acks = -1;
    std::size_t producer = 0;
    ByteVector bytes;
  };
  struct Producer {
    ProducerId id = kNoProducerId;
    std::int32_t next_sequence = 0;
    // The last one that was acknowledged, and where; nothing was sent since.
    std::optional<std::pair<Batch, Offset>> last;
  };

  void on_up() override;
  void step() override;
  void pause() { TopicClient::pause(options_.pause_max_us); }
  void make();
  void use();
  void make_batch();
  void send();
  void send_again(const Producer& producer);
  void begin_reading();
  void read_on();
  void take(Bytes batches);
  void take(const record::BatchView& batch);

  UpserterOptions options_;
  CompactedTopic::Report report_;
  CompactedTopic checker_;
  Phase phase_ = Phase::kCreate;
  std::array<Producer, 2> producers_;  // the second one is quiet most of the time
  std::optional<Batch> unacked_;
  Offset at_{0};  // of the reading
  Offset end_{0};
  record::Scratch scratch_;
};

}  // namespace moldau::sim
