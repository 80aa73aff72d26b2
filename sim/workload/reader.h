// The reading side of a run: makes the topic, reads at random places and at the tail while brokers come and go, asks
// for the ends of leader epochs, deletes records from the front, and in the end reads every partition whole, then looks
// records up by offset and by time. Its fetches name the epoch of the record before, where it knows one, and it goes
// back when it is told of a divergence.
//
// Invariants: one request on its way at a time, so that what answers say comes in the order in which it was true.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_records_response.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/offset_for_leader_epoch_response.h"
#include "sim/workload/client.h"

namespace moldau::sim {

struct ReaderOptions {
  std::vector<std::pair<std::string, std::string>> topic_configs;
  std::uint32_t delete_ppm = 0;  // of the steps
  std::uint32_t lookups = 12;    // of each kind and partition, in the end
};

class Reader final : public Client {
 public:
  Reader(runtime::World world, Workload& workload, SimRandom random, ReaderOptions options);

  // From now on: the whole reading, then finished().
  void read_whole() { wants_whole_ = true; }
  [[nodiscard]] bool finished() const noexcept { return phase_ == Phase::kFinished; }
  [[nodiscard]] bool topic_made() const noexcept { return phase_ != Phase::kMakeTopic; }

 private:
  enum class Phase : std::uint8_t { kMakeTopic, kTail, kWhole, kLookUp, kFinished };

  void on_up() override { step(); }
  void on_down() override { next_.cancel(); }
  void step();
  void pause();
  void make_topic();
  void on_topic(const protocol::CreateTopicsResponse& response);
  void read_tail();
  void ask_epoch_end();
  void on_epoch_end(const protocol::OffsetForLeaderEpochResponse& response, std::uint32_t partition, LeaderEpoch asked,
                    Offset high_watermark);
  void begin_whole();
  void delete_records();
  void read_on();
  void look_up();
  void finish_partition();

  // Gives what of the answer's only partition there is to give, or gives the connection up.
  void fetch(std::uint32_t partition, Offset from, std::int32_t bytes_max, Function<void(Offset next)> then);
  // What was known when a fetch was sent.
  struct Fetch {
    std::uint32_t partition;
    Offset from;
    LeaderEpoch last_epoch;  // kNoLeaderEpoch: not told
    PartitionHistory::Known known;
  };
  void on_fetched(const protocol::FetchResponse& response, const Fetch& asked, Function<void(Offset)>& then);
  // Gives where to go on.
  [[nodiscard]] Offset on_diverging(const protocol::fetch_response::PartitionData& data, const Fetch& asked);

  ReaderOptions options_;
  Phase phase_ = Phase::kMakeTopic;
  bool wants_whole_ = false;
  std::vector<Offset> tails_;
  std::uint32_t partition_ = 0;  // of kWhole and kLookUp
  Offset at_{0};
  Offset end_{0};
  std::uint32_t lookups_done_ = 0;
  runtime::Timer next_;
};

}  // namespace moldau::sim
