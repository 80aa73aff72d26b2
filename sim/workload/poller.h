// W1's consumer: follows every partition of the topic by its id, in one incremental fetch session, through all crashes;
// now and then it leaves a partition out for a while. Where it comes to is judged by the partitions' histories: each
// poll goes on where the one before ended. In the end it must get to the end of every partition.
//
// Source: KIP-227 (sessions: what did not change is not asked for again, and not answered), KIP-516 (topic ids).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/uuid.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "sim/workload/client.h"

namespace moldau::sim {

class Poller final : public Client {
 public:
  Poller(runtime::World world, Workload& workload, SimRandom random);

  // From now on: up to where the partitions end now, then finished().
  void finish() { finishing_ = true; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }

 private:
  struct Position {
    Offset next{0};
    std::optional<Offset> told;  // what the session knows; nullopt: the partition is not in it
    bool left_out = false;
    std::optional<Offset> end;  // of a run that ends
  };

  void on_up() override { step(); }
  void on_down() override;
  void pause();
  void step();
  void ask_topic_id();
  void ask_end(std::uint32_t partition);
  void poll();
  void draw_left_out();
  void add_changes(protocol::FetchRequest& request);
  void on_polled(const protocol::FetchResponse& response, const std::vector<PartitionHistory::Known>& known);
  // False: the connection was given up, or the partition asks where it begins.
  [[nodiscard]] bool take(const protocol::fetch_response::PartitionData& data,
                          const std::vector<PartitionHistory::Known>& known);
  void begin_session();

  std::optional<Uuid> topic_id_;
  std::vector<Position> positions_;
  std::int32_t session_id_ = 0;
  std::int32_t session_epoch_ = 0;  // of the next request
  bool asking_ = false;             // an answer is owed
  bool finishing_ = false;
  bool finished_ = false;
  runtime::Timer next_;
};

}  // namespace moldau::sim
