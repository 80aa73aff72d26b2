// What the active controller knows of its brokers from their heartbeats: soft state, lost with the leadership.
//
// Invariants: 1 a broker is tracked iff it is registered in the controller's image (the caller keeps it so).
//             2 a broker in controlled shutdown is not fenced.
// Bound:      one entry per registered broker.
// Source:     Kafka's BrokerHeartbeatManager and BrokerHeartbeatTracker. Difference: a replayed registration change
//             keeps the metadata offset that the broker last told (Kafka forgets it until the next heartbeat).
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.h"
#include "metadata/controller/controller_result.h"

namespace moldau::metadata {

enum class BrokerControlState : std::uint8_t { kFenced, kUnfenced, kControlledShutdown, kShutdownNow };

[[nodiscard]] constexpr bool is_fenced(BrokerControlState state) noexcept {
  return state == BrokerControlState::kFenced || state == BrokerControlState::kShutdownNow;
}

// The wishes in one heartbeat that decide the broker's next state.
struct HeartbeatWish {
  Offset metadata_offset{0};
  bool fence = false;
  bool shut_down = false;
};

class Heartbeats {
 public:
  explicit Heartbeats(Instant session_timeout) : session_timeout_(session_timeout) {}

  // A registration or a change of one was replayed. A new broker has no session until its first heartbeat.
  void on_registered(NodeId broker, BrokerEpoch epoch, bool fenced);
  void remove(NodeId broker) { brokers_.erase(broker); }
  // The broker was heard of: its session lives until now + timeout.
  void on_contact(NodeId broker, BrokerEpoch epoch, Instant now);
  void touch(NodeId broker, bool fenced, Offset metadata_offset);
  // Set once; the broker may stop when every active broker has passed the offset.
  void enter_controlled_shutdown(NodeId broker, Offset offset);

  [[nodiscard]] bool has_session(NodeId broker, BrokerEpoch epoch, Instant now) const noexcept;
  [[nodiscard]] bool in_controlled_shutdown(NodeId broker) const noexcept;
  [[nodiscard]] BrokerControlState current_state(NodeId broker) const;
  // `leads` says whether the broker leads any partition; `registered_at` is the offset of its registration.
  [[nodiscard]] BrokerControlState next_state(NodeId broker, const HeartbeatWish& wish, Offset registered_at,
                                              bool leads) const;

  // Some broker whose session ended; its session is forgotten, so that the next call names another.
  [[nodiscard]] std::optional<NodeId> take_expired(Instant now);
  // When to look for expired sessions next; nothing if there are none to expire.
  [[nodiscard]] std::optional<Instant> next_expiry() const noexcept;

 private:
  struct State {
    BrokerEpoch epoch = kNoBrokerEpoch;
    bool fenced = true;
    Offset metadata_offset = kNoOffset;
    std::optional<Offset> shutdown_offset;
    std::optional<Instant> last_contact;
  };
  [[nodiscard]] bool expired(const State& state, Instant now) const noexcept;
  [[nodiscard]] std::optional<Offset> lowest_active_offset() const noexcept;

  Instant session_timeout_;
  std::map<NodeId, State> brokers_;
};

}  // namespace moldau::metadata
