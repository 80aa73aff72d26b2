// A client that creates a topic, writes to it with acks=all, deletes records from its front, reads it whole, deletes
// it, and creates it again under the same name, through all crashes. One request is on its way at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/produce_response.h"
#include "protocol/record/scratch.h"
#include "sim/checker/topic_life.h"
#include "sim/workload/client.h"

namespace moldau::sim {

inline constexpr std::string_view kChurnTopic = "churn";

class Churner final : public Client {
 public:
  Churner(runtime::World world, Workload& workload, SimRandom random);

  // From now on: one more whole reading of the topic, then finished().
  void finish() { finishing_ = true; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }

 private:
  enum class Phase : std::uint8_t { kCreate, kUse, kRead, kDelete };

  void on_up() override;
  void on_down() override { next_.cancel(); }
  void pause();
  void step();
  void use();
  void create();
  void on_created(const protocol::CreateTopicsResponse& response);
  void remove();
  void on_removed(const protocol::DeleteTopicsResponse& response);
  void produce();
  void on_produced(const protocol::ProduceResponse& response);
  void delete_records();
  void begin_reading();
  void read_on();
  void on_fetched(const protocol::FetchResponse& response);

  TopicLife::Report report_;
  TopicLife life_;
  Phase phase_ = Phase::kCreate;
  std::uint64_t number_ = 0;  // of the next record
  bool unacked_ = false;      // the one before it is not acknowledged
  Offset at_{0};              // of the reading
  Offset end_{0};
  bool finishing_ = false;
  bool finished_ = false;
  record::Scratch scratch_;
  runtime::Timer next_;
};

}  // namespace moldau::sim
