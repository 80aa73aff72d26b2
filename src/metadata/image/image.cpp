#include "metadata/image/image.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::metadata {
namespace {

// Compares entries in order; values are shared pointers, compared by what they point at.
template <class Map>
bool equal_maps(const Map& a, const Map& b) {
  if (a.same_as(b)) {
    return true;
  }
  if (a.size() != b.size()) {
    return false;
  }
  auto left = a.begin();
  auto right = b.begin();
  for (; left != a.end(); ++left, ++right) {
    if (!(left->key == right->key)) {
      return false;
    }
    if constexpr (requires { *left->value; }) {
      if (left->value != right->value && !(*left->value == *right->value)) {
        return false;
      }
    } else if (!(left->value == right->value)) {
      return false;
    }
  }
  return true;
}

template <class Map, class Key>
auto find_pointee(const Map& map, const Key& key) noexcept -> decltype(map.begin()->value.get()) {
  const auto* value = map.find(key);
  return value == nullptr ? nullptr : value->get();
}

// Kafka's Topic.unifyCollisionChars.
std::string unified(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '.', '_');
  return text;
}

// A view of a ConfigResource, to look one up without a copy of its name.
struct ResourceView {
  ConfigResourceType type;
  std::string_view name;
  friend bool operator<(const ResourceView& a, const ConfigResource& b) noexcept {
    return a.type != b.type ? a.type < b.type : a.name < b.name;
  }
  friend bool operator<(const ConfigResource& a, const ResourceView& b) noexcept {
    return a.type != b.type ? a.type < b.type : a.name < b.name;
  }
};

}  // namespace

bool operator==(const Topic& a, const Topic& b) {
  return a.name == b.name && a.id == b.id && equal_maps(a.partitions, b.partitions);
}

const PartitionRegistration* Topic::partition(PartitionIndex index) const noexcept {
  return find_pointee(partitions, index);
}

bool Image::empty() const noexcept {
  return !metadata_version_ && features_.empty() && topics_.empty() && brokers_.empty() && controllers_.empty() &&
         configs_.empty() && quotas_.empty() && next_producer_id_ < 0 && acls_.empty() && scram_.empty() &&
         tokens_.empty();
}

std::int16_t Image::feature_level(std::string_view name) const noexcept {
  if (name == kMetadataVersionFeature) {
    return metadata_version_ ? metadata_version_->value() : std::int16_t{0};
  }
  const std::int16_t* level = features_.find(name);
  return level == nullptr ? std::int16_t{0} : *level;
}

const Topic* Image::topic(const Uuid& id) const noexcept {
  return find_pointee(topics_, id);
}

const Topic* Image::topic(std::string_view name) const noexcept {
  const Uuid* id = topic_names_.find(name);
  return id == nullptr ? nullptr : topic(*id);
}

const PartitionRegistration* Image::partition(const TopicIdPartition& id) const noexcept {
  const Topic* found = topic(id.topic_id);
  return found == nullptr ? nullptr : found->partition(id.partition);
}

const std::string* Image::colliding_topic(std::string_view name) const {
  if (name.find_first_of("._") == std::string_view::npos) {
    return nullptr;
  }
  const std::string key = unified(name);
  const auto first = unified_names_.lower_bound(std::pair<std::string, std::string>(key, ""));
  return first != unified_names_.end() && first->key.first == key ? &first->key.second : nullptr;
}

const BrokerRegistration* Image::broker(NodeId id) const noexcept {
  return find_pointee(brokers_, id);
}

const ConfigMap& Image::config(ConfigResourceType type, std::string_view name) const noexcept {
  static const ConfigMap kNothing;
  const ConfigMap* found = find_pointee(configs_, ResourceView{type, name});
  return found == nullptr ? kNothing : *found;
}

bool operator==(const Image& a, const Image& b) {
  return a.metadata_version_ == b.metadata_version_ && equal_maps(a.features_, b.features_) &&
         equal_maps(a.topics_, b.topics_) && equal_maps(a.brokers_, b.brokers_) &&
         equal_maps(a.controllers_, b.controllers_) && equal_maps(a.configs_, b.configs_) &&
         equal_maps(a.quotas_, b.quotas_) && a.next_producer_id_ == b.next_producer_id_ &&
         equal_maps(a.acls_, b.acls_) && equal_maps(a.scram_, b.scram_) && equal_maps(a.tokens_, b.tokens_);
}

void Image::check_invariants() const {
  MOLDAU_ASSERT(topics_.size() == topic_names_.size());
  std::size_t partitions = 0;
  std::size_t with_collision_characters = 0;
  for (const auto& entry : topics_) {
    const Topic& topic = *entry.value;
    MOLDAU_ASSERT(topic.id == entry.key);
    const Uuid* by_name = topic_names_.find(topic.name);
    MOLDAU_ASSERT(by_name != nullptr && *by_name == topic.id);
    with_collision_characters += topic.name.find_first_of("._") == std::string::npos ? 0 : 1;
    topic.partitions.check_invariants();
    for (const auto& partition : topic.partitions) {
      partition.value->check_invariants();
    }
    partitions += topic.partitions.size();
  }
  MOLDAU_ASSERT(partitions == partition_count_);
  MOLDAU_ASSERT(with_collision_characters == unified_names_.size());
  for (const auto& entry : features_) {
    MOLDAU_ASSERT(entry.value != 0);
  }
  for (const auto& entry : configs_) {
    MOLDAU_ASSERT(!entry.value->empty());
  }
  for (const auto& entry : quotas_) {
    MOLDAU_ASSERT(!entry.value->empty());
  }
  topics_.check_invariants();
  topic_names_.check_invariants();
  brokers_.check_invariants();
  configs_.check_invariants();
}

}  // namespace moldau::metadata
