// DescribeConfigs v1-v4: topics, this broker, the default of all brokers, loggers, client metrics subscriptions,
// groups.
//
// Errors: each resource has its own. A resource type that Kafka does not have fails the whole request, as in Kafka.
// Bounds: up to kDescribedBytesMax of memory are described; each resource behind that is answered POLICY_VIOLATION: one
//         may be named as often as a frame has room, and Kafka then describes it as often.
// Source: ConfigHelper.describeConfigs; KIP-133, 226, 412, 569, 714, 848; inventory §6, 65.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "runtime/log_levels.h"
#include "broker/config/config_description.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class DescribeConfigsHandler final : public Handler {
 public:
  static constexpr std::size_t kDescribedBytesMax = std::size_t{64} << 20;  // some 7,000 topics with all their synonyms

  // `levels` may be null: then no logger is there.
  DescribeConfigsHandler(ShardContext& context, const TopicConfigs& topics, const BrokerConfigs& brokers,
                         const runtime::LogLevels* levels)
      : context_(context), brokers_(brokers), describer_(topics, brokers), levels_(levels) {}
  void handle(Request request) override;

 private:
  using Described = std::expected<std::vector<DescribedConfig>, metadata::ApiError>;
  [[nodiscard]] Described describe(const metadata::Image& image, std::int8_t type, std::string_view name,
                                   const WantedKeys& wanted) const;
  [[nodiscard]] Described describe_loggers(std::string_view name, const WantedKeys& wanted) const;

  ShardContext& context_;
  const BrokerConfigs& brokers_;
  ConfigDescriber describer_;
  const runtime::LogLevels* levels_;
};

}  // namespace moldau::broker
