#include "broker/node/topic_journal.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "metadata/image/image.h"

namespace moldau::broker {
namespace {

constexpr const char* kArea = "topics";

// "a=1, b=2, c no longer set"; "" if nothing differs.
std::string differences(const metadata::ConfigMap& before, const metadata::ConfigMap& after) {
  std::string text;
  const auto add = [&text](const std::string& what) {
    if (text.size() < kConfigBytesMax) {
      text += (text.empty() ? "" : ", ") + what;
    }
  };
  for (const auto& [key, value] : after) {
    if (const auto was = before.find(key); was == before.end() || was->second != value) {
      add(key + "=" + value);
    }
  }
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) {
      add(key + " no longer set");
    }
  }
  if (text.size() > kConfigBytesMax) {
    text.resize(kConfigBytesMax);
    text += "...";
  }
  return text;
}

std::string config_differences(const metadata::ImageUpdate& update, std::string_view topic) {
  constexpr auto kTopic = metadata::ConfigResourceType::kTopic;
  return differences(update.before->config(kTopic, topic), update.after->config(kTopic, topic));
}

bool is_new(const metadata::ImageUpdate& update, const metadata::Topic& topic) {
  return update.before->topic(topic.id) == nullptr;
}

void log_created(Logger& logger, const metadata::ImageUpdate& update, const metadata::Topic& topic) {
  const auto* first = topic.partition(PartitionIndex(0));
  const std::string config = config_differences(update, topic.name);
  log(logger, LogLevel::kInfo, kArea, "topic {} created: partitions {}, replication factor {}, id {}{}{}", topic.name,
      topic.partitions.size(), first == nullptr ? 0 : first->replicas.size(), topic.id.to_string(),
      config.empty() ? "" : ", ", config);
}

}  // namespace

void log_topic_changes(Logger& logger, const metadata::ImageUpdate& update) {
  for (const auto& [id, name] : update.changes->deleted_topics) {
    log(logger, LogLevel::kInfo, kArea, "topic {} deleted, id {}", name, id.to_string());
  }
  for (const auto& [id, indexes] : update.changes->topics) {
    const metadata::Topic& topic = *update.after->topic(id);
    if (is_new(update, topic)) {
      log_created(logger, update, topic);
    } else if (const std::size_t had = update.before->topic(id)->partitions.size(); had < topic.partitions.size()) {
      log(logger, LogLevel::kInfo, kArea, "topic {} has {} partitions now, before {}", topic.name,
          topic.partitions.size(), had);
    }
  }
  for (const metadata::ConfigResource& resource : update.changes->configs) {
    const metadata::Topic* topic = resource.type == metadata::ConfigResourceType::kTopic
                                       ? update.after->topic(std::string_view(resource.name))
                                       : nullptr;
    if (topic == nullptr || is_new(update, *topic)) {
      continue;  // told with the creation or the deletion
    }
    if (const std::string changed = config_differences(update, topic->name); !changed.empty()) {
      log(logger, LogLevel::kInfo, kArea, "topic {} configured: {}", topic->name, changed);
    }
  }
}

}  // namespace moldau::broker
