#include "tools/topics/topic_report.h"

#include <algorithm>

#include "client/core/broker_connection.h"
#include "protocol/errors/error_code.h"
#include "tools/output/json_writer.h"
#include "tools/output/table.h"

namespace moldau::tools {
namespace {

using protocol::ErrorCode;
using Topic = protocol::MetadataResponse::MetadataResponseTopic;
using Align = Table::Align;

constexpr std::int8_t kSetOnTopic = 1;  // DescribeConfigs' source DYNAMIC_TOPIC_CONFIG

std::string_view hint_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTopicAlreadyExists: return "choose another name, or pass --if-not-exists";
    case ErrorCode::kUnknownTopicOrPartition: return "'moldau topic list' shows what there is";
    case ErrorCode::kInvalidPartitions: return "partitions can be added, never taken away";
    case ErrorCode::kInvalidReplicationFactor: return "it can be at most the number of brokers";
    case ErrorCode::kTopicDeletionDisabled: return "the broker is configured with delete.topic.enable=false";
    default: return "";
  }
}

// In the order of their names; the internal ones only if they are wanted.
std::vector<const Topic*> sorted(const protocol::MetadataResponse& answer, bool internal) {
  std::vector<const Topic*> topics;
  for (const Topic& topic : answer.topics) {
    if (internal || !topic.is_internal) {
      topics.push_back(&topic);
    }
  }
  std::ranges::sort(topics, {}, [](const Topic* topic) { return topic->name.value_or(""); });
  return topics;
}

std::size_t replication_of(const Topic& topic) {
  return topic.partitions.empty() ? 0 : topic.partitions.front().replica_nodes.size();
}

std::string joined(const std::vector<std::int32_t>& ids) {
  std::string text;
  for (const std::int32_t id : ids) {
    text += (text.empty() ? "" : ",") + std::to_string(id);
  }
  return text.empty() ? "-" : text;
}

void write_ids(JsonWriter& json, std::string_view key, const std::vector<std::int32_t>& ids) {
  json.key(key).begin_array();
  for (const std::int32_t id : ids) {
    json.value(id);
  }
  json.end_array();
}

void refuse(CommandResult& result, const std::string& line) {
  result.exit_code = kExitRefused;
  result.errors += line;
}

}  // namespace

std::string refusal_line(std::string_view what, std::int16_t error_code,
                         const std::optional<std::string_view>& message) {
  const ErrorCode code = protocol::error_from_wire(error_code);
  std::string line(what);
  line += ": ";
  line += protocol::name(code);
  line += ": ";
  line += message && !message->empty() ? *message : protocol::default_message(code);
  if (const std::string_view hint = hint_of(code); !hint.empty()) {
    line += " (";
    line += hint;
    line += ')';
  }
  return line + '\n';
}

CommandResult failed_call(std::string_view what, const Error& error) {
  return {.exit_code = kExitRefused, .output = {}, .errors = std::string(what) + ": " + client::explain(error) + "\n"};
}

CommandResult report_created(const protocol::CreateTopicsResponse& answer, bool if_not_exists, bool json) {
  CommandResult result;
  JsonWriter writer;
  writer.begin_array();
  for (const auto& topic : answer.topics) {
    const ErrorCode code = protocol::error_from_wire(topic.error_code);
    const bool was_there = if_not_exists && code == ErrorCode::kTopicAlreadyExists;
    if (topic.error_code != 0 && !was_there) {
      refuse(result, refusal_line("topic " + std::string(topic.name) + " was not created", topic.error_code,
                                  topic.error_message));
      continue;
    }
    writer.begin_object().member("name", topic.name).member("created", !was_there);
    if (was_there) {
      result.output += json ? "" : "topic " + std::string(topic.name) + " exists already\n";
    } else {
      writer.member("id", topic.topic_id.to_string());
      writer.member("partitions", topic.num_partitions).member("replicationFactor", topic.replication_factor);
      result.output += json ? "" : "created topic " + std::string(topic.name) + "\n";
    }
    writer.end_object();
  }
  writer.end_array();
  if (json) {
    result.output = writer.take() + "\n";
  }
  return result;
}

CommandResult report_altered(const protocol::CreatePartitionsResponse& answer, std::int32_t partitions, bool json) {
  CommandResult result;
  JsonWriter writer;
  writer.begin_array();
  for (const auto& topic : answer.results) {
    const std::string name(topic.name);
    if (topic.error_code != 0) {
      refuse(result, refusal_line("topic " + name + " was not altered", topic.error_code, topic.error_message));
      continue;
    }
    writer.begin_object().member("name", name).member("partitions", partitions).end_object();
    result.output += json ? "" : "topic " + name + " has " + std::to_string(partitions) + " partitions now\n";
  }
  writer.end_array();
  if (json) {
    result.output = writer.take() + "\n";
  }
  return result;
}

CommandResult report_deleted(const protocol::DeleteTopicsResponse& answer, bool if_exists, bool json) {
  CommandResult result;
  JsonWriter writer;
  writer.begin_array();
  for (const auto& topic : answer.responses) {
    const std::string name(topic.name.value_or(""));
    const bool was_gone =
        if_exists && protocol::error_from_wire(topic.error_code) == ErrorCode::kUnknownTopicOrPartition;
    if (topic.error_code != 0 && !was_gone) {
      refuse(result, refusal_line("topic " + name + " was not deleted", topic.error_code, topic.error_message));
      continue;
    }
    writer.begin_object().member("name", name).member("deleted", !was_gone).end_object();
    result.output += json ? "" : was_gone ? "topic " + name + " does not exist\n" : "deleted topic " + name + "\n";
  }
  writer.end_array();
  if (json) {
    result.output = writer.take() + "\n";
  }
  return result;
}

CommandResult report_list(const protocol::MetadataResponse& answer, bool internal, bool json) {
  CommandResult result;
  JsonWriter writer;
  Table table({{"TOPIC"}, {"PARTITIONS", Align::kRight}, {"REPLICATION", Align::kRight}, {"ID"}});
  writer.begin_array();
  for (const Topic* topic : sorted(answer, internal)) {
    const std::string name(topic->name.value_or(""));
    if (topic->error_code != 0) {
      refuse(result, refusal_line("topic " + name, topic->error_code, std::nullopt));
      continue;
    }
    const auto partitions = static_cast<std::int64_t>(topic->partitions.size());
    const auto replication = static_cast<std::int64_t>(replication_of(*topic));
    writer.begin_object().member("name", name).member("id", topic->topic_id.to_string());
    writer.member("partitions", partitions).member("replicationFactor", replication);
    writer.member("internal", topic->is_internal).end_object();
    table.add({name, std::to_string(partitions), std::to_string(replication), topic->topic_id.to_string()});
  }
  writer.end_array();
  result.output = json ? writer.take() + "\n" : table.empty() ? "" : table.text();
  if (table.empty() && !json && result.exit_code == kExitDone) {
    result.errors = "there are no topics yet; 'moldau topic create NAME' makes one\n";
  }
  return result;
}

TopicOverrides overrides_of(const protocol::DescribeConfigsResponse& answer) {
  TopicOverrides overrides;
  for (const auto& topic : answer.results) {
    for (const auto& config : topic.configs) {
      if (config.config_source == kSetOnTopic) {
        overrides[std::string(topic.resource_name)].emplace_back(config.name, config.value.value_or(""));
      }
    }
  }
  return overrides;
}

namespace {

void describe_as_json(JsonWriter& writer, const Topic& topic, const TopicOverrides& overrides) {
  const std::string_view name = topic.name.value_or("");
  writer.begin_object().member("name", name).member("id", topic.topic_id.to_string());
  writer.member("internal", topic.is_internal).key("configs").begin_object();
  if (const auto found = overrides.find(name); found != overrides.end()) {
    for (const auto& [key, value] : found->second) {
      writer.member(key, value);
    }
  }
  writer.end_object().key("partitions").begin_array();
  for (const auto& partition : topic.partitions) {
    writer.begin_object().member("partition", partition.partition_index).member("leader", partition.leader_id);
    writer.member("leaderEpoch", partition.leader_epoch);
    write_ids(writer, "replicas", partition.replica_nodes);
    write_ids(writer, "isr", partition.isr_nodes);
    write_ids(writer, "offline", partition.offline_replicas);
    writer.end_object();
  }
  writer.end_array().end_object();
}

std::string describe_as_text(const Topic& topic, const TopicOverrides& overrides) {
  const std::string_view name = topic.name.value_or("");
  std::string text = "topic " + std::string(name) + "  id " + topic.topic_id.to_string() + "  partitions " +
                     std::to_string(topic.partitions.size()) + "  replication factor " +
                     std::to_string(replication_of(topic)) + (topic.is_internal ? "  internal" : "") + "\n";
  if (const auto found = overrides.find(name); found != overrides.end()) {
    for (const auto& [key, value] : found->second) {
      text += "  " + key + "=" + value + "\n";
    }
  }
  Table table({{"  PARTITION", Align::kRight},
               {"LEADER", Align::kRight},
               {"EPOCH", Align::kRight},
               {"REPLICAS"},
               {"ISR"},
               {"OFFLINE"}});
  for (const auto& partition : topic.partitions) {
    table.add({std::to_string(partition.partition_index),
               partition.leader_id < 0 ? "none" : std::to_string(partition.leader_id),
               std::to_string(partition.leader_epoch), joined(partition.replica_nodes), joined(partition.isr_nodes),
               joined(partition.offline_replicas)});
  }
  return text + table.text();
}

}  // namespace

CommandResult report_described(const protocol::MetadataResponse& answer, const TopicOverrides& overrides,
                               const std::vector<std::string>& asked, bool json) {
  CommandResult result;
  JsonWriter writer;
  writer.begin_array();
  for (const Topic* topic : sorted(answer, !asked.empty())) {
    if (topic->error_code != 0) {
      refuse(result, refusal_line("topic " + std::string(topic->name.value_or("")), topic->error_code, std::nullopt));
    } else if (json) {
      describe_as_json(writer, *topic, overrides);
    } else {
      result.output += (result.output.empty() ? "" : "\n") + describe_as_text(*topic, overrides);
    }
  }
  writer.end_array();
  if (json) {
    result.output = writer.take() + "\n";
  }
  return result;
}

}  // namespace moldau::tools
