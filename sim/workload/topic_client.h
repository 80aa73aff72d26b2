// A client with a topic of one partition of its own: makes it, writes to it, reads it, deletes its front. One request
// is on its way at a time; what a broken connection took with it is begun again by step().
//
// Invariants: T1 every callback comes on the connection that its request was sent on, or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "sim/checker/stored_log.h"
#include "sim/workload/client.h"

namespace moldau::sim {

class TopicClient : public Client {
 public:
  using Configs = std::vector<std::pair<std::string, std::string>>;

  // `topic` outlives this object.
  TopicClient(runtime::World world, Workload& workload, SimRandom random, std::string_view topic);

  // From now on: one more whole reading of the topic, then finished().
  void finish() { finishing_ = true; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  // Of the last whole reading: what the stored log must cover.
  [[nodiscard]] const ReadRange& read_range() const noexcept { return read_range_; }
  [[nodiscard]] std::string_view topic() const noexcept { return topic_; }

 protected:
  static constexpr std::int64_t kLatest = -1;
  static constexpr std::int64_t kEarliest = -2;

  // Goes on wherever it was.
  virtual void step() = 0;
  void on_up() override { step(); }
  void on_down() override { next_.cancel(); }
  // step() after a while; at once at the end of the run.
  void pause(std::uint64_t pause_max_us);

  // `made` once it is there; false: not yet.
  void create(const Configs& configs, Function<void(bool)> made);
  void request_producer_id(Function<void(ProducerId)> then);
  struct Appended {
    Offset base{0};
    Offset log_start{0};
  };
  // nullopt: refused, for now.
  void produce(Bytes batch, std::int16_t acks, Function<void(std::optional<Appended>)> then);
  void delete_records(Offset target, Function<void(std::optional<Offset> low)> then);
  struct Fetched {
    Bytes batches;
    Offset log_start{0};
    Offset high_watermark{0};
  };
  // nullopt: out of range. Gives the connection up after any other error.
  void fetch(Offset from, std::int32_t bytes_max, Function<void(std::optional<Fetched>)> then);
  void list_offset(std::int64_t timestamp, Function<void(Offset)> then) {
    Client::list_offset(topic_, 0, timestamp, std::move(then));
  }

  [[nodiscard]] std::int64_t now_ms() const { return shard_.clock().wall_ms(); }
  void fault(const std::string& what);

  bool finishing_ = false;
  bool finished_ = false;
  ReadRange read_range_;

 private:
  std::string_view topic_;
  runtime::Timer next_;
};

}  // namespace moldau::sim
