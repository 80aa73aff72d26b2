// DescribeConfigs v1-v4 and IncrementalAlterConfigs v0-v1, for topics.
//
// Answers: topics only in this release; another resource type is INVALID_REQUEST. Values that are secrets never leave.
// Bounds:  DescribeConfigs describes up to kDescribedBytesMax of memory and answers POLICY_VIOLATION for each resource
//          behind that: one may be named as often as a frame has room, and Kafka then describes it as often.
// Source:  ConfigHelper.describeConfigs, ControllerApis.incrementalAlterConfigs; KIP-133, 226, 339, 569; inventory
// §6, 65.
#pragma once

#include <cstddef>

#include "broker/config/topic_configs.h"
#include "broker/handlers/controller_channel.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeConfigsHandler final : public Handler {
 public:
  static constexpr std::size_t kDescribedBytesMax = std::size_t{64} << 20;  // some 7,000 topics with all their synonyms

  DescribeConfigsHandler(ShardContext& context, const TopicConfigs& configs) : context_(context), configs_(configs) {}
  void handle(Request request) override;

 private:
  ShardContext& context_;
  const TopicConfigs& configs_;
};

class IncrementalAlterConfigsHandler final : public Handler {
 public:
  explicit IncrementalAlterConfigsHandler(ControllerChannel& controller) : controller_(controller) {}
  void handle(Request request) override;

 private:
  ControllerChannel& controller_;
};

}  // namespace moldau::broker
