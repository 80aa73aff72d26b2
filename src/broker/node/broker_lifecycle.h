// The life of this node as a broker of its cluster: registers, catches up, is unfenced, keeps its session, leaves.
//
//   start -> registering -> starting (fenced, heartbeats) -> running -> leaving (controlled shutdown) -> left
//
// Shard:      the home shard.
// Invariants: B1 the wish to be unfenced is told only after ready() and once the metadata was read up to the
//                registration.
//             B2 each process is a new incarnation and gets a new broker epoch.
// Errors:     a refused registration is tried again while the controller says that it may help; DUPLICATE_BROKER and
//             INCONSISTENT_CLUSTER_ID end the start.
// Source:     kafka.server.BrokerLifecycleManager; KIP-631, KIP-966; inventory §6, 61.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "metadata/loader/controller_shell.h"
#include "runtime/shard.h"
#include "runtime/timer.h"

namespace moldau::broker {

class BrokerLifecycle {
 public:
  struct Options {
    metadata::RegisterBroker registration;
    std::chrono::milliseconds heartbeat_interval{2000};
  };
  struct Events {
    Function<void(BrokerEpoch)> on_registered;
    Callback on_running;                                   // unfenced for the first time
    Function<void(const metadata::ApiError&)> on_refused;  // the registration is hopeless
  };

  BrokerLifecycle(runtime::Shard& shard, Logger& logger, metadata::ControllerShell& controller,
                  metadata::MetadataLoader& loader, Options options, Events events);

  // The controller of this node leads: registers if that has not happened yet.
  void on_controller_active();
  // Recovery is done: the node may be unfenced.
  void ready();
  // These log directories, all that have failed in this process, are told with the next heartbeat, which is soon.
  void on_directories_lost(std::vector<Uuid> ids);
  void on_cordoned(std::vector<Uuid> ids);
  // The registration in force lacks something: it is sent again, as the same incarnation under the same epoch.
  void amend_registration();
  // Controlled shutdown; `left` runs when the controller lets the broker go, or after `patience`.
  void leave(std::chrono::milliseconds patience, Callback left);

  [[nodiscard]] bool running() const noexcept { return state_ == State::kRunning; }
  [[nodiscard]] BrokerEpoch epoch() const noexcept { return epoch_; }

 private:
  enum class State : std::uint8_t { kIdle, kRegistering, kStarting, kRunning, kLeaving, kLeft };

  void register_now();
  void on_registration(std::expected<metadata::BrokerRegistrationReply, metadata::ApiError> reply);
  void heartbeat();
  void on_heartbeat(std::expected<metadata::BrokerHeartbeatReply, metadata::ApiError> reply);
  void finish_leaving();

  runtime::Shard& shard_;
  Logger& logger_;
  metadata::ControllerShell& controller_;
  metadata::MetadataLoader& loader_;
  Options options_;
  Events events_;
  State state_ = State::kIdle;
  BrokerEpoch epoch_ = kNoBrokerEpoch;
  bool ready_ = false;
  bool in_flight_ = false;
  bool amending_ = false;
  std::vector<Uuid> lost_directories_;
  std::vector<Uuid> cordoned_directories_;
  bool told_directories_ = true;
  Callback left_;
  runtime::Timer timer_;
  runtime::Timer patience_;
};

}  // namespace moldau::broker
