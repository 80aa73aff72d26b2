// IncrementalAlterConfigs v0-v1 and AlterConfigs v0-v2, which replaces all that is set.
//
// At a broker's listener the broker judges what concerns itself, and sets levels of loggers; the rest, and what it
// found well, goes to the controller. At the controller's listener nothing is judged before: as in Kafka. Order:
// outcomes come in the order of the request; levels are set before the controller decides. Source:
// kafka.server.ConfigAdminManager, ControllerApis, RuntimeLoggerManager; KIP-133, 226, 339, 412; inventory §6, 65.
//         Difference: an unknown operation is INVALID_REQUEST wherever it stands; Kafka fails inside for a topic's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log_levels.h"
#include "broker/config/broker_configs.h"
#include "broker/handlers/controller_channel.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

// What both handlers work with. `levels` may be null: then no logger is there.
struct AlterConfigsEnvironment {
  ShardContext& context;
  ControllerChannel& controller;
  const BrokerConfigs& brokers;
  runtime::LogLevels* levels = nullptr;
  ListenerKind listener = ListenerKind::kBroker;
};

class IncrementalAlterConfigsHandler final : public Handler {
 public:
  explicit IncrementalAlterConfigsHandler(const AlterConfigsEnvironment& environment) : environment_(environment) {}
  void handle(Request request) override;

 private:
  AlterConfigsEnvironment environment_;
};

class AlterConfigsHandler final : public Handler {
 public:
  explicit AlterConfigsHandler(const AlterConfigsEnvironment& environment) : environment_(environment) {}
  void handle(Request request) override;

 private:
  AlterConfigsEnvironment environment_;
};

}  // namespace moldau::broker
