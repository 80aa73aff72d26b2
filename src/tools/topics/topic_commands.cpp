#include "tools/topics/topic_commands.h"

#include <algorithm>

#include "protocol/messages/create_partitions_request.h"
#include "protocol/messages/create_partitions_response.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/messages/describe_configs_request.h"
#include "protocol/messages/describe_configs_response.h"
#include "protocol/messages/metadata_request.h"
#include "protocol/messages/metadata_response.h"
#include "tools/topics/topic_report.h"

namespace moldau::tools {
namespace {

constexpr std::int32_t kBrokerTimeoutMs = 25'000;  // below the client's own, so that the broker's answer comes first
constexpr std::int8_t kTopicResource = 2;
constexpr std::int16_t kDeleteByStateVersion = 6;  // DeleteTopics names topics in another field from here on

protocol::MetadataRequest ask_for(const std::vector<std::string>& names) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (names.empty()) {
    request.topics.reset();  // null: all
  }
  for (const std::string& name : names) {
    request.topics->push_back({.topic_id = {}, .name = name});
  }
  return request;
}

}  // namespace

runtime::Task<CommandResult> create_topics(client::BrokerConnection& broker, CreateTopicsOptions options) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  for (const std::string& name : options.names) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = options.partitions;
    topic.replication_factor = options.replication_factor;
    for (const auto& [key, value] : options.configs) {
      topic.configs.push_back({.name = key, .value = value});
    }
  }
  const auto answer = co_await broker.call(std::move(request));
  if (!answer) {
    co_return failed_call("the topics may not have been created", answer.error());
  }
  co_return report_created(answer->message, options.if_not_exists, options.json);
}

runtime::Task<CommandResult> list_topics(client::BrokerConnection& broker, ListTopicsOptions options) {
  const auto answer = co_await broker.call(ask_for({}));
  if (!answer) {
    co_return failed_call("the topics could not be listed", answer.error());
  }
  co_return report_list(answer->message, options.internal, options.json);
}

runtime::Task<CommandResult> describe_topics(client::BrokerConnection& broker, DescribeTopicsOptions options) {
  const auto answer = co_await broker.call(ask_for(options.names));
  if (!answer) {
    co_return failed_call("the topics could not be described", answer.error());
  }
  protocol::DescribeConfigsRequest request;
  for (const auto& topic : answer->message.topics) {
    if (topic.error_code == 0 && (!topic.is_internal || !options.names.empty())) {
      request.resources.push_back({.resource_type = kTopicResource,
                                   .resource_name = topic.name.value_or(""),
                                   .configuration_keys = std::nullopt});
    }
  }
  TopicOverrides overrides;
  if (!request.resources.empty()) {
    const auto configs = co_await broker.call(std::move(request));
    if (!configs) {
      co_return failed_call("the configuration of the topics could not be read", configs.error());
    }
    overrides = overrides_of(configs->message);
  }
  co_return report_described(answer->message, overrides, options.names, options.json);
}

runtime::Task<CommandResult> alter_topics(client::BrokerConnection& broker, AlterTopicsOptions options) {
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  for (const std::string& name : options.names) {
    request.topics.push_back({.name = name, .count = options.partitions, .assignments = std::nullopt});
  }
  const auto answer = co_await broker.call(std::move(request));
  if (!answer) {
    co_return failed_call("the topics may not have been altered", answer.error());
  }
  co_return report_altered(answer->message, options.partitions, options.json);
}

runtime::Task<CommandResult> delete_topics(client::BrokerConnection& broker, DeleteTopicsOptions options) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = kBrokerTimeoutMs;
  const auto version = broker.version_of(protocol::ApiKey::kDeleteTopics);
  if (!version) {
    co_return failed_call("the topics were not deleted", version.error());
  }
  for (const std::string& name : options.names) {
    if (*version >= kDeleteByStateVersion) {
      request.topics.push_back({.name = name, .topic_id = {}});
    } else {
      request.topic_names.push_back(name);
    }
  }
  const auto answer = co_await broker.call_as(std::move(request), *version);
  if (!answer) {
    co_return failed_call("the topics may not have been deleted", answer.error());
  }
  co_return report_deleted(answer->message, options.if_exists, options.json);
}

}  // namespace moldau::tools
