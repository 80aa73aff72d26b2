// Decides who is a member of the cluster: registrations of brokers and controllers, their checks.
//
// What a registration does to partitions is ReplicationControl's: it adds those records before the registration's.
// Source: Kafka's ClusterControlManager; KIP-631, KIP-866, KIP-966 (clean shutdown detection by previous broker epoch).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

struct ListenerEndpoint {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  std::int16_t security_protocol = 0;  // 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
};

struct FeatureRange {
  std::string name;
  std::int16_t min = 0;
  std::int16_t max = 0;
};

// What BrokerRegistration (API 62) asks.
struct RegisterBroker {
  NodeId broker = kNoNode;
  std::string cluster_id;
  Uuid incarnation_id;
  std::vector<ListenerEndpoint> listeners;
  std::vector<FeatureRange> features;
  std::optional<std::string> rack;
  bool is_migrating_zk_broker = false;
  std::vector<Uuid> log_dirs;
  // The epoch under which the broker last stopped cleanly, -1 if it did not; nothing: asked with a version below
  // 3, which cannot tell, and every restart counts as unclean.
  std::optional<BrokerEpoch> previous_epoch;
  // The caller knows that the previous process of this broker is gone, because it holds the lock of the same
  // directories as this controller: its session is not waited for. Never set for a request from a connection.
  bool previous_process_is_gone = false;
};

// What ControllerRegistration (API 70) asks.
struct RegisterController {
  NodeId controller = kNoNode;
  Uuid incarnation_id;
  std::vector<ListenerEndpoint> listeners;
  std::vector<FeatureRange> features;
};

class ClusterControl {
 public:
  explicit ClusterControl(const ControllerState& state) : state_(state) {}

  // kStaleBrokerEpoch if the broker is not registered under this epoch.
  [[nodiscard]] ApiError check_epoch(NodeId broker, BrokerEpoch epoch) const;

  // The registration record if the request is acceptable. A new incarnation gets `new_epoch` and starts fenced; the
  // same incarnation keeps what it has.
  // kInconsistentClusterId, kDuplicateBrokerRegistration (another incarnation has a live session),
  // kBrokerIdNotRegistered (ZooKeeper brokers), kInvalidRegistration (directories, features), kUnsupportedVersion (a
  // finalized feature outside the broker's range).
  [[nodiscard]] std::expected<records::RegisterBrokerRecord, ApiError> registration(const RegisterBroker& request,
                                                                                    BrokerEpoch new_epoch,
                                                                                    Instant now) const;

  // kUnsupportedVersion below metadata.version 15.
  [[nodiscard]] Decision<> register_controller(const RegisterController& request) const;

 private:
  [[nodiscard]] ApiError check_directories(const RegisterBroker& request) const;
  [[nodiscard]] ApiError check_features(const RegisterBroker& request) const;

  const ControllerState& state_;
};

}  // namespace moldau::metadata
