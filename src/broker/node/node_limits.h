// What is limited on the home shard: new connections, where they are accepted, and changes of metadata, where they are
// decided. Told of the quotas with each image.
//
// Shard: home. The controller's listeners have limits of their own, as in Kafka: clients cannot lock the controller
// out.
#pragma once

#include <deque>
#include <memory>

#include "broker/config/node_config.h"
#include "broker/net/connection_quota.h"
#include "broker/node/acceptor.h"
#include "broker/quota/mutation_ledger.h"
#include "broker/quota/quota_limits.h"
#include "metadata/loader/metadata_loader.h"
#include "runtime/shard.h"

namespace moldau::broker {

class NodeLimits final : public metadata::MetadataPublisher {
 public:
  NodeLimits(runtime::Shard& home, const NodeConfig& config)
      : shares_(connection_shares(config.descriptors_max)),
        broker_(home, connection_limits(config, shares_.broker)),
        controller_(home, connection_limits(config, shares_.controller)),
        mutations_({.window = config.mutation_quota_window}) {}

  void on_image(const metadata::ImageUpdate& update) override {
    if (update.changes->quotas) {
      const auto limits = std::make_shared<const QuotaLimits>(*update.after);
      broker_.set_rates(limits);
      controller_.set_rates(limits);
      mutations_.set_limits(limits);
    }
  }

  // A configuration that was changed while the node runs: for the connections to come.
  void set(const NodeConfig& config, std::deque<Acceptor>& acceptors) {
    broker_.set(connection_limits(config, shares_.broker));
    controller_.set(connection_limits(config, shares_.controller));
    for (Acceptor& acceptor : acceptors) {
      if (const ListenerConfig* listener = config.find_listener(acceptor.config().name)) {
        acceptor.set_limits(*listener);
      }
    }
  }

  [[nodiscard]] const ConnectionShares& shares() const noexcept { return shares_; }
  [[nodiscard]] ConnectionQuota& connections_of(const ListenerConfig& listener) noexcept {
    return listener.is_controller ? controller_ : broker_;
  }
  [[nodiscard]] MutationLedger& mutations() noexcept { return mutations_; }

 private:
  ConnectionShares shares_;
  ConnectionQuota broker_;
  ConnectionQuota controller_;
  MutationLedger mutations_;
};

}  // namespace moldau::broker
