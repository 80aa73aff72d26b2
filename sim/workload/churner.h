// A client that creates a topic, writes to it with acks=all, deletes records from its front, reads it whole, deletes
// it, and creates it again under the same name, through all crashes. One request is on its way at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/record/scratch.h"
#include "sim/checker/topic_life.h"
#include "sim/workload/topic_client.h"

namespace moldau::sim {

inline constexpr std::string_view kChurnTopic = "churn";

class Churner final : public TopicClient {
 public:
  Churner(runtime::World world, Workload& workload, SimRandom random);

 private:
  enum class Phase : std::uint8_t { kCreate, kUse, kRead, kDelete };

  void on_up() override;
  void step() override;
  void pause();
  void use();
  void make();
  void remove();
  void on_removed(const protocol::DeleteTopicsResponse& response);
  void write();
  void remove_front();
  void begin_reading();
  void read_on();
  void take(Bytes batches);

  TopicLife::Report report_;
  TopicLife life_;
  Phase phase_ = Phase::kCreate;
  std::uint64_t number_ = 0;  // of the next record
  bool unacked_ = false;      // the one before it is not acknowledged
  Offset at_{0};              // of the reading
  Offset end_{0};
  record::Scratch scratch_;
};

}  // namespace moldau::sim
