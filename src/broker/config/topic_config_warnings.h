// Tells the operator, once for each key, that a topic asks for something which this release stores but does not do.
//
//   cleanup.policy with compact             every record is kept: nothing is compacted
//
// Shard: home shard. Bound: one line a key for the life of the process, whatever the number of topics.
#pragma once

#include <string_view>

#include "base/log.h"
#include "broker/config/topic_configs.h"
#include "metadata/image/delta.h"
#include "metadata/image/image.h"

namespace moldau::broker {

class TopicConfigWarnings {
 public:
  TopicConfigWarnings(const TopicConfigs& configs, Logger& logger) noexcept : configs_(configs), logger_(logger) {}

  // Every topic of the image, and what a topic without own configuration gets.
  void look_at_all(const metadata::Image& image);
  // What changed.
  void look_at(const metadata::Image& image, const metadata::ImageChanges& changes);

 private:
  void look_at_topic(const metadata::Image& image, std::string_view topic);
  void look_at_defaults(const metadata::Image& image);
  void judge(const metadata::ConfigLayers& layers, std::string_view whose);

  const TopicConfigs& configs_;
  Logger& logger_;
  bool said_compaction_ = false;
};

}  // namespace moldau::broker
