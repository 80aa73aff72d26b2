// How long the requests of one shard took, by API.
//
// Shard:  one per shard.
// Bound:  one entry per API that was asked for.
// Source: Kafka's RequestMetrics. Here a request works and waits in turns of its shard: there are no queues between
//         threads, so none of their times.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "broker/request/time_summary.h"
#include "protocol/api/api_key.h"
#include "runtime/clock.h"

namespace moldau::broker {

struct ApiTimes {
  TimeSummary total;
  TimeSummary worked;    // in the turn of the answer
  TimeSummary waited;    // before it: for other shards, disks, replicas, enough to read
  TimeSummary throttle;  // that the answer tells its client to be held off
};

class RequestTimes {
 public:
  struct Taken {
    std::chrono::nanoseconds waited{0};
    std::chrono::nanoseconds worked{0};
    std::chrono::milliseconds throttle{0};
  };
  void on_answer(protocol::ApiKey key, const Taken& taken, runtime::MonoTime now) {
    std::unique_ptr<ApiTimes>& times = by_api_[static_cast<std::size_t>(std::to_underlying(key))];
    if (!times) [[unlikely]] {
      times = std::make_unique<ApiTimes>();
    }
    times->total.add(taken.waited + taken.worked, now);
    times->worked.add(taken.worked, now);
    times->waited.add(taken.waited, now);
    times->throttle.add(taken.throttle, now);
  }

  // Null if nobody has asked for it.
  [[nodiscard]] const ApiTimes* of(protocol::ApiKey key) const noexcept {
    return by_api_[static_cast<std::size_t>(std::to_underlying(key))].get();
  }

 private:
  static constexpr std::size_t kKeys = 128;  // as in the Dispatcher
  std::array<std::unique_ptr<ApiTimes>, kKeys> by_api_;
};

}  // namespace moldau::broker
