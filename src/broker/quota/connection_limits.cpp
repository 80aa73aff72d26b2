#include "broker/quota/connection_limits.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace moldau::broker {

ConnectionLimits::ListenerIndex ConnectionLimits::add_listener(const Listener& listener) {
  listeners_.push_back({.limits = listener, .open = 0, .rate = {}});
  return listeners_.size() - 1;
}

QuotaTime ConnectionLimits::count(Rate& rate, double limit, QuotaTime now) const {
  rate.record(config_.window, 1, now);
  return std::min(rate.excess(config_.window, limit, now), config_.window.sample);
}

QuotaTime ConnectionLimits::arrive(ListenerIndex listener, QuotaTime now) {
  ListenerState& at = listeners_[listener];
  const QuotaTime of_listener = count(at.rate, at.limits.creation_rate, now);
  return at.limits.between_brokers ? of_listener : std::max(of_listener, count(rate_, config_.creation_rate, now));
}

bool ConnectionLimits::has_room(ListenerIndex listener) const {
  const ListenerState& at = listeners_[listener];
  return open_ < config_.descriptors_max && at.open < at.limits.connections_max &&
         (at.limits.between_brokers || open_ < config_.connections_max);
}

ConnectionLimits::Judgement ConnectionLimits::admit(ListenerIndex listener, const std::optional<IpAddress>& address,
                                                    QuotaTime now) {
  MOLDAU_ASSERT(has_room(listener), static_cast<std::int64_t>(listener));
  ListenerState& at = listeners_[listener];
  if (address) {
    if (const QuotaTime late = judge_rate(at, *address, now); late.count() > 0) {
      return {.verdict = Verdict::kTooFast, .most = 0, .close_after = late};
    }
    const auto own = config_.per_address_overrides.find(*address);
    const std::size_t most = own == config_.per_address_overrides.end() ? config_.per_address_max : own->second;
    const auto counted = open_of_.find(*address);
    if ((counted == open_of_.end() ? 0 : counted->second) >= most) {
      return {.verdict = Verdict::kTooMany, .most = most, .close_after = {}};
    }
    ++open_of_[*address];
  }
  ++open_;
  ++at.open;
  return {};
}

void ConnectionLimits::leave(ListenerIndex listener, const std::optional<IpAddress>& address) {
  MOLDAU_ASSERT(open_ > 0 && listeners_[listener].open > 0, static_cast<std::int64_t>(listener));
  --open_;
  --listeners_[listener].open;
  if (address) {
    const auto counted = open_of_.find(*address);
    MOLDAU_ASSERT(counted != open_of_.end() && counted->second > 0);
    if (--counted->second == 0) {
      open_of_.erase(counted);
    }
  }
}

// Zero: within its rate. Otherwise the connection is taken out of every rate again.
QuotaTime ConnectionLimits::judge_rate(ListenerState& listener, const IpAddress& address, QuotaTime now) {
  const std::optional<double> limit = rates_->connection_rate(address);
  if (!limit) {
    return QuotaTime(0);
  }
  Rate& rate = rate_of(address);
  const QuotaTime late = count(rate, *limit, now);
  if (late.count() > 0) {
    rate.record(config_.window, -1, now);
    listener.rate.record(config_.window, -1, now);
    if (!listener.limits.between_brokers) {
      rate_.record(config_.window, -1, now);
    }
  }
  return late;
}

Rate& ConnectionLimits::rate_of(const IpAddress& address) {
  if (const auto found = rate_index_.find(address); found != rate_index_.end()) {
    address_rates_.splice(address_rates_.end(), address_rates_, found->second);
    return found->second->rate;
  }
  if (address_rates_.size() >= config_.addresses_max) {
    rate_index_.erase(address_rates_.front().address);
    address_rates_.pop_front();
  }
  address_rates_.push_back({.address = address, .rate = {}});
  rate_index_.emplace(address, std::prev(address_rates_.end()));
  return address_rates_.back().rate;
}

}  // namespace moldau::broker
