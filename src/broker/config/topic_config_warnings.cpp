#include "broker/config/topic_config_warnings.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config_schema/config_value.h"

namespace moldau::broker {
namespace {
constexpr std::string_view kArea = "config";
}

void TopicConfigWarnings::look_at_all(const metadata::Image& image) {
  look_at_defaults(image);
  for (const auto& [id, topic] : image.topics()) {
    look_at_topic(image, topic->name);
  }
}

void TopicConfigWarnings::look_at(const metadata::Image& image, const metadata::ImageChanges& changes) {
  for (const metadata::ConfigResource& resource : changes.configs) {
    if (resource.type == metadata::ConfigResourceType::kTopic) {
      look_at_topic(image, resource.name);
    } else if (resource.type == metadata::ConfigResourceType::kBroker) {
      look_at_defaults(image);
    }
  }
}

void TopicConfigWarnings::look_at_topic(const metadata::Image& image, std::string_view topic) {
  if (!said_compaction_) {
    judge(configs_.layers_of(image, topic), "topic " + std::string(topic));
  }
}

void TopicConfigWarnings::look_at_defaults(const metadata::Image& image) {
  if (!said_compaction_) {
    // No topic has an empty name: this is what one gets that sets nothing.
    judge(configs_.layers_of(image, ""), "the broker's defaults for topics");
  }
}

void TopicConfigWarnings::judge(const metadata::ConfigLayers& layers, std::string_view whose) {
  const std::string policy = configs_.effective_topic_value("cleanup.policy", layers).value_or("");
  const auto policies = config::parse_list(policy);
  if (std::find(policies.begin(), policies.end(), "compact") != policies.end() &&
      !std::exchange(said_compaction_, true)) {
    log(logger_, LogLevel::kWarn, kArea,
        "{}: cleanup.policy={}: this release does not compact, every record is kept; other topics are not named", whose,
        policy);
  }
}

}  // namespace moldau::broker
