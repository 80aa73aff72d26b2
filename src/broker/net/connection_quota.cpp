#include "broker/net/connection_quota.h"

#include <algorithm>
#include <deque>

#include "base/assert.h"

namespace moldau::broker {

// Read and written on the home shard; shared, since the last slots may come back after the quota has gone.
struct ConnectionCount {
  explicit ConnectionCount(runtime::Shard& shard) : home(shard) {}

  runtime::Shard& home;
  std::size_t open = 0;
  std::deque<Callback> waiting;  // bounded by the number of listeners

  void give_back() {
    MOLDAU_ASSERT(open > 0);
    --open;
    if (!waiting.empty()) {
      Callback next = std::move(waiting.front());
      waiting.pop_front();
      next();
    }
  }
};

ConnectionSlot::~ConnectionSlot() {
  if (count_) {
    runtime::Shard& home = count_->home;
    home.post([count = std::move(count_)] { count->give_back(); });
  }
}

ConnectionShares connection_shares(std::size_t connections_max, std::size_t descriptors_max) noexcept {
  constexpr std::size_t kWaitingMax = 1024;
  return {.broker = std::min(connections_max, descriptors_max / 2),
          .controller = std::min(connections_max, descriptors_max / 8),
          .waiting = std::min(kWaitingMax, descriptors_max / 32)};
}

ConnectionQuota::ConnectionQuota(runtime::Shard& home, std::size_t connections_max)
    : connections_max_(connections_max), count_(std::make_shared<ConnectionCount>(home)) {}

ConnectionQuota::~ConnectionQuota() {
  count_->waiting.clear();
}

std::optional<ConnectionSlot> ConnectionQuota::try_open() {
  if (count_->open >= connections_max_) {
    return std::nullopt;
  }
  ++count_->open;
  return ConnectionSlot(count_);
}

void ConnectionQuota::wait(Callback on_slot) {
  count_->waiting.push_back(std::move(on_slot));
}

std::size_t ConnectionQuota::open() const noexcept {
  return count_->open;
}

}  // namespace moldau::broker
