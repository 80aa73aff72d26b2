#include "metadata/controller/heartbeats.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::metadata {

void Heartbeats::on_registered(NodeId broker, BrokerEpoch epoch, bool fenced) {
  State& state = brokers_[broker];
  if (state.epoch != epoch) {
    state = State{};
    state.epoch = epoch;
  }
  touch(broker, fenced, state.metadata_offset);
}

void Heartbeats::on_contact(NodeId broker, BrokerEpoch epoch, Instant now) {
  const auto found = brokers_.find(broker);
  if (found != brokers_.end() && found->second.epoch == epoch) {
    found->second.last_contact = now;
  }
}

void Heartbeats::touch(NodeId broker, bool fenced, Offset metadata_offset) {
  State& state = brokers_.at(broker);
  state.fenced = fenced;
  state.metadata_offset = metadata_offset;
  if (fenced) {
    state.shutdown_offset.reset();  // a fenced broker has left its controlled shutdown: the next heartbeat ends it
  }
}

void Heartbeats::enter_controlled_shutdown(NodeId broker, Offset offset) {
  State& state = brokers_.at(broker);
  MOLDAU_ASSERT(!state.fenced, broker.value());
  if (!state.shutdown_offset) {
    state.shutdown_offset = offset;
  }
}

bool Heartbeats::expired(const State& state, Instant now) const noexcept {
  return state.last_contact && *state.last_contact + session_timeout_ < now;
}

bool Heartbeats::has_session(NodeId broker, BrokerEpoch epoch, Instant now) const noexcept {
  const auto found = brokers_.find(broker);
  return found != brokers_.end() && found->second.epoch == epoch && found->second.last_contact &&
         !expired(found->second, now);
}

bool Heartbeats::in_controlled_shutdown(NodeId broker) const noexcept {
  const auto found = brokers_.find(broker);
  return found != brokers_.end() && found->second.shutdown_offset.has_value();
}

BrokerControlState Heartbeats::current_state(NodeId broker) const {
  const State& state = brokers_.at(broker);
  if (state.shutdown_offset) {
    return BrokerControlState::kControlledShutdown;
  }
  return state.fenced ? BrokerControlState::kFenced : BrokerControlState::kUnfenced;
}

BrokerControlState Heartbeats::next_state(NodeId broker, const HeartbeatWish& wish, Offset registered_at,
                                          bool leads) const {
  const State& state = brokers_.at(broker);
  switch (current_state(broker)) {
    case BrokerControlState::kFenced:
      if (wish.shut_down) {
        return BrokerControlState::kShutdownNow;
      }
      // Not before it has read its own registration: then it knows all that was decided about it.
      return !wish.fence && wish.metadata_offset >= registered_at ? BrokerControlState::kUnfenced
                                                                  : BrokerControlState::kFenced;
    case BrokerControlState::kUnfenced:
      if (wish.fence) {
        return wish.shut_down ? BrokerControlState::kShutdownNow : BrokerControlState::kFenced;
      }
      if (wish.shut_down) {
        return leads ? BrokerControlState::kControlledShutdown : BrokerControlState::kShutdownNow;
      }
      return BrokerControlState::kUnfenced;
    case BrokerControlState::kControlledShutdown: {
      if (leads) {
        return BrokerControlState::kControlledShutdown;
      }
      const std::optional<Offset> lowest = lowest_active_offset();
      return !lowest || *state.shutdown_offset <= *lowest ? BrokerControlState::kShutdownNow
                                                          : BrokerControlState::kControlledShutdown;
    }
    case BrokerControlState::kShutdownNow: break;
  }
  return BrokerControlState::kShutdownNow;
}

std::optional<Offset> Heartbeats::lowest_active_offset() const noexcept {
  std::optional<Offset> lowest;
  for (const auto& [id, state] : brokers_) {
    if (!state.fenced && !state.shutdown_offset && (!lowest || state.metadata_offset < *lowest)) {
      lowest = state.metadata_offset;
    }
  }
  return lowest;
}

std::optional<NodeId> Heartbeats::take_expired(Instant now) {
  for (auto& [id, state] : brokers_) {
    if (expired(state, now)) {
      state.last_contact.reset();
      return id;
    }
  }
  return std::nullopt;
}

std::optional<Instant> Heartbeats::next_expiry() const noexcept {
  std::optional<Instant> next;
  for (const auto& [id, state] : brokers_) {
    if (state.last_contact && (!next || *state.last_contact + session_timeout_ < *next)) {
      next = *state.last_contact + session_timeout_;
    }
  }
  return next;
}

}  // namespace moldau::metadata
