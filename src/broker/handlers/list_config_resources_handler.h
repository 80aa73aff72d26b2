// ListConfigResources v0-v1: the resources that have a configuration, by type. v0 asks for client metrics
// subscriptions.
//
// Groups and subscriptions are those for which something is set; of brokers and loggers, the brokers that the listener
// of the connection reaches; of topics, all. Errors: UNSUPPORTED_VERSION for a type that the version does not have.
// Source: KafkaApis.handleListConfigResources; KIP-714, KIP-1142. Difference: by name within a type.
#pragma once

#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class ListConfigResourcesHandler final : public Handler {
 public:
  explicit ListConfigResourcesHandler(ShardContext& context) : context_(context) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
};

}  // namespace moldau::broker
