#include "broker/net/connection_quota.h"

#include <algorithm>
#include <deque>

#include "base/assert.h"

namespace moldau::broker {

// Read and written on the home shard; shared, since the last slots may come back after the quota has gone.
struct ConnectionCount {
  ConnectionCount(runtime::Shard& shard, ConnectionLimits::Config config) : home(shard), limits(std::move(config)) {}

  runtime::Shard& home;
  ConnectionLimits limits;
  std::deque<Callback> waiting;  // bounded by the number of listeners

  void give_back(ConnectionLimits::ListenerIndex listener, const std::optional<IpAddress>& address) {
    limits.leave(listener, address);
    tell_waiting();
  }
  void tell_waiting() {
    for (std::deque<Callback> told = std::exchange(waiting, {}); Callback & one : told) {
      one();
    }
  }
  [[nodiscard]] QuotaTime now() const { return std::chrono::floor<QuotaTime>(home.clock().now().time_since_epoch()); }
};

ConnectionSlot::~ConnectionSlot() {
  if (count_) {
    runtime::Shard& home = count_->home;
    home.post(
        [count = std::move(count_), listener = listener_, address = address_] { count->give_back(listener, address); });
  }
}

ConnectionShares connection_shares(std::size_t descriptors_max) noexcept {
  constexpr std::size_t kWaitingMax = 1024;
  return {.broker = descriptors_max / 2,
          .controller = descriptors_max / 8,
          .waiting = std::min(kWaitingMax, descriptors_max / 32)};
}

ConnectionQuota::ConnectionQuota(runtime::Shard& home, ConnectionLimits::Config config)
    : count_(std::make_shared<ConnectionCount>(home, std::move(config))) {}

ConnectionQuota::~ConnectionQuota() {
  count_->waiting.clear();
}

ConnectionQuota::ListenerIndex ConnectionQuota::add_listener(const ConnectionLimits::Listener& listener) {
  return count_->limits.add_listener(listener);
}

void ConnectionQuota::set(ConnectionLimits::Config config) {
  count_->limits.set(std::move(config));
  count_->tell_waiting();
}

void ConnectionQuota::set(ListenerIndex listener, const ConnectionLimits::Listener& limits) {
  count_->limits.set(listener, limits);
  count_->tell_waiting();
}

void ConnectionQuota::set_rates(std::shared_ptr<const QuotaLimits> rates) {
  count_->limits.set_rates(std::move(rates));
}

QuotaTime ConnectionQuota::arrive(ListenerIndex listener) {
  return count_->limits.arrive(listener, count_->now());
}

bool ConnectionQuota::has_room(ListenerIndex listener) const {
  return count_->limits.has_room(listener);
}

ConnectionQuota::Admission ConnectionQuota::admit(ListenerIndex listener, const std::optional<IpAddress>& address) {
  Admission admission{.judgement = count_->limits.admit(listener, address, count_->now()), .slot = {}};
  if (admission.judgement.verdict == ConnectionLimits::Verdict::kAdmitted) {
    admission.slot = ConnectionSlot(count_, listener, address);
  }
  return admission;
}

void ConnectionQuota::wait(Callback on_slot) {
  count_->waiting.push_back(std::move(on_slot));
}

runtime::Shard& ConnectionQuota::home() const noexcept {
  return count_->home;
}

const ConnectionLimits& ConnectionQuota::limits() const noexcept {
  return count_->limits;
}

}  // namespace moldau::broker
