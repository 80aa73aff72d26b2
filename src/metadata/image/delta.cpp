#include "metadata/image/delta.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::metadata {
namespace {

std::pair<std::string, std::string> unified_key(const std::string& name) {
  std::string text = name;
  std::ranges::replace(text, '.', '_');
  return {std::move(text), name};
}

bool has_collision_characters(std::string_view name) {
  return name.find_first_of("._") != std::string_view::npos;
}

template <class Map, class Key>
auto copy_or_empty(const Map& map, const Key& key) {
  using Value = std::remove_const_t<typename std::remove_cvref_t<decltype(map.begin()->value)>::element_type>;
  const auto* found = map.find(key);
  return found == nullptr ? Value{} : **found;
}

}  // namespace

bool ImageChanges::empty() const noexcept {
  return topics.empty() && deleted_topics.empty() && brokers.empty() && controllers.empty() && configs.empty() &&
         !features && !quotas && !producer_ids && !acls && !scram && !tokens;
}

Delta::Delta(std::shared_ptr<const Image> base) : base_(std::move(base)), next_(*base_), edit_(base_->edit_ + 1) {
  next_.edit_ = edit_;
}

Result<void> Delta::replay(const records::AnyMetadataRecord& record, Offset offset) {
  return std::visit(
      [&](const auto& r) -> Result<void> {
        if constexpr (requires { on(r); }) {
          return on(r);
        } else if constexpr (requires { on(r, offset); }) {
          return on(r, offset);
        } else {
          return {};  // NoOp, ZkMigrationState (nothing is migrated from ZooKeeper any more), transaction markers
        }
      },
      record);
}

std::shared_ptr<const Image> Delta::apply(Provenance provenance) {
  next_.provenance_ = provenance;
  return std::make_shared<const Image>(std::move(next_));
}

// --- brokers and controllers ---

Result<const BrokerRegistration*> Delta::registered(std::int32_t broker, std::int64_t epoch) const {
  const BrokerRegistration* registration = next_.broker(NodeId(broker));
  if (registration == nullptr) {
    return fail(ErrorKind::kCorrupt, "a record about a broker that is not registered", 0, broker);
  }
  if (registration->epoch() != BrokerEpoch(epoch)) {
    return fail(ErrorKind::kCorrupt, "a record about another epoch of a broker", 0, epoch);
  }
  return registration;
}

void Delta::put_broker(BrokerRegistration registration) {
  const NodeId id = registration.id();
  next_.brokers_.insert_or_assign(edit_, id, std::make_shared<const BrokerRegistration>(std::move(registration)));
  changes_.brokers.insert(id);
}

Result<void> Delta::on(const records::RegisterBrokerRecord& record, Offset offset) {
  if (std::ranges::any_of(record.end_points, [](const auto& endpoint) { return endpoint.name.empty(); })) {
    return fail(ErrorKind::kCorrupt, "a listener without a name in a broker's registration", 0, record.broker_id);
  }
  put_broker(BrokerRegistration(record, offset));
  return {};
}

Result<void> Delta::on(const records::UnregisterBrokerRecord& record) {
  MOLDAU_CHECK(registered(record.broker_id, record.broker_epoch));
  next_.brokers_.erase(edit_, NodeId(record.broker_id));
  changes_.brokers.insert(NodeId(record.broker_id));
  return {};
}

Result<void> Delta::on(const records::FenceBrokerRecord& record) {
  MOLDAU_TRY(current, registered(record.id, record.epoch));
  put_broker(current->with_fenced(true));
  return {};
}

Result<void> Delta::on(const records::UnfenceBrokerRecord& record) {
  MOLDAU_TRY(current, registered(record.id, record.epoch));
  put_broker(current->with_fenced(false));
  return {};
}

Result<void> Delta::on(const records::BrokerRegistrationChangeRecord& record) {
  MOLDAU_TRY(current, registered(record.broker_id, record.broker_epoch));
  MOLDAU_TRY(changed, current->changed(record));
  put_broker(std::move(changed));
  return {};
}

Result<void> Delta::on(const records::RegisterControllerRecord& record) {
  const NodeId id(record.controller_id);
  next_.controllers_.insert_or_assign(edit_, id, std::make_shared<const records::RegisterControllerRecord>(record));
  changes_.controllers.insert(id);
  return {};
}

// --- topics ---

Result<void> Delta::on(const records::TopicRecord& record) {
  if (next_.topics_.contains(record.topic_id) || next_.topic_names_.contains(record.name)) {
    return fail(ErrorKind::kCorrupt, "a topic is created twice");
  }
  auto topic = std::make_shared<Topic>();
  topic->name = record.name;
  topic->id = record.topic_id;
  next_.topics_.insert_or_assign(edit_, record.topic_id, std::move(topic));
  next_.topic_names_.insert_or_assign(edit_, record.name, record.topic_id);
  if (has_collision_characters(record.name)) {
    next_.unified_names_.insert_or_assign(edit_, unified_key(record.name), {});
  }
  changes_.topics.try_emplace(record.topic_id);
  return {};
}

void Delta::put_partition(const Topic& topic, PartitionIndex index, PartitionRegistration partition) {
  const Uuid id = topic.id;
  auto next = std::make_shared<Topic>(topic);
  next_.partition_count_ += next->partitions.contains(index) ? 0 : 1;
  next->partitions.insert_or_assign(edit_, index, std::make_shared<const PartitionRegistration>(std::move(partition)));
  next_.topics_.insert_or_assign(edit_, id, std::move(next));
  changes_.topics[id].insert(index);
}

Result<void> Delta::on(const records::PartitionRecord& record) {
  const Topic* topic = next_.topic(record.topic_id);
  if (topic == nullptr) {
    return fail(ErrorKind::kCorrupt, "a partition of an unknown topic", 0, record.partition_id);
  }
  if (record.partition_id < 0) {
    return fail(ErrorKind::kCorrupt, "number of a partition", 0, record.partition_id);
  }
  MOLDAU_TRY(partition, PartitionRegistration::from_record(record));
  put_partition(*topic, PartitionIndex(record.partition_id), std::move(partition));
  return {};
}

Result<void> Delta::on(const records::PartitionChangeRecord& record) {
  const Topic* topic = next_.topic(record.topic_id);
  const PartitionIndex index(record.partition_id);
  const PartitionRegistration* current = topic == nullptr ? nullptr : topic->partition(index);
  if (current == nullptr) {
    return fail(ErrorKind::kCorrupt, "a change of an unknown partition", 0, record.partition_id);
  }
  MOLDAU_TRY(partition, current->merged(record));
  put_partition(*topic, index, std::move(partition));
  return {};
}

Result<void> Delta::on(const records::RemoveTopicRecord& record) {
  const Topic* topic = next_.topic(record.topic_id);
  if (topic == nullptr) {
    return fail(ErrorKind::kCorrupt, "removal of an unknown topic");
  }
  const std::string name = topic->name;
  next_.partition_count_ -= topic->partitions.size();
  next_.topics_.erase(edit_, record.topic_id);
  next_.topic_names_.erase(edit_, name);
  if (has_collision_characters(name)) {
    next_.unified_names_.erase(edit_, unified_key(name));
  }
  changes_.topics.erase(record.topic_id);
  if (base_->topic(record.topic_id) != nullptr) {
    changes_.deleted_topics.emplace(record.topic_id, name);
  }
  drop_config({ConfigResourceType::kTopic, name});
  return {};
}

void Delta::clear_elr(const Uuid& topic_id) {
  const std::shared_ptr<const Topic> topic = *next_.topics_.find(topic_id);
  for (const auto& entry : topic->partitions) {
    if (entry.value->elr.empty() && entry.value->last_known_elr.empty()) {
      continue;
    }
    PartitionRegistration partition = *entry.value;
    partition.elr.clear();
    partition.last_known_elr.clear();
    ++partition.partition_epoch;
    put_partition(*next_.topic(topic_id), entry.key, std::move(partition));
  }
}

Result<void> Delta::on(const records::ClearElrRecord& record) {
  if (!record.topic_name.empty()) {
    const Topic* topic = next_.topic(record.topic_name);
    if (topic == nullptr) {
      return fail(ErrorKind::kCorrupt, "clears the ELR of an unknown topic");
    }
    clear_elr(topic->id);
    return {};
  }
  std::vector<Uuid> ids;
  ids.reserve(next_.topics_.size());
  for (const auto& entry : next_.topics_) {
    ids.push_back(entry.key);
  }
  for (const Uuid& id : ids) {
    clear_elr(id);
  }
  return {};
}

// --- configs, features, quotas, producer ids ---

void Delta::drop_config(const ConfigResource& resource) {
  if (next_.configs_.erase(edit_, resource)) {
    changes_.configs.insert(resource);
  }
}

Result<void> Delta::on(const records::ConfigRecord& record) {
  const ConfigResource resource{static_cast<ConfigResourceType>(record.resource_type), record.resource_name};
  ConfigMap map = copy_or_empty(next_.configs_, resource);
  if (record.value) {
    map.insert_or_assign(record.name, *record.value);
  } else {
    map.erase(record.name);
  }
  changes_.configs.insert(resource);
  if (map.empty()) {
    next_.configs_.erase(edit_, resource);
  } else {
    next_.configs_.insert_or_assign(edit_, resource, std::make_shared<const ConfigMap>(std::move(map)));
  }
  return {};
}

Result<void> Delta::on(const records::FeatureLevelRecord& record) {
  if (record.name == kKRaftVersionFeature) {
    return {};  // some 3.9 releases wrote it by mistake (KAFKA-18979)
  }
  const SupportedFeature* known = find_supported_feature(record.name);
  const bool is_version = record.name == kMetadataVersionFeature;
  if (record.feature_level != 0 || is_version) {
    if (known == nullptr) {
      return fail(ErrorKind::kUnsupported, "a feature that this release does not know", 0, record.feature_level);
    }
    if (record.feature_level < known->min || record.feature_level > known->max) {
      return fail(ErrorKind::kUnsupported, "level of a feature", 0, record.feature_level);
    }
  }
  changes_.features = true;
  if (is_version) {
    next_.metadata_version_ = MetadataVersion(record.feature_level);
  } else if (record.feature_level == 0) {
    next_.features_.erase(edit_, record.name);
  } else {
    next_.features_.insert_or_assign(edit_, record.name, record.feature_level);
  }
  return {};
}

Result<void> Delta::on(const records::ClientQuotaRecord& record) {
  QuotaEntity entity;
  for (const auto& part : record.entity) {
    entity.insert_or_assign(part.entity_type, part.entity_name);
  }
  QuotaMap map = copy_or_empty(next_.quotas_, entity);
  if (record.remove) {
    map.erase(record.key);
  } else {
    map.insert_or_assign(record.key, record.value);
  }
  changes_.quotas = true;
  if (map.empty()) {
    next_.quotas_.erase(edit_, entity);
  } else {
    next_.quotas_.insert_or_assign(edit_, std::move(entity), std::make_shared<const QuotaMap>(std::move(map)));
  }
  return {};
}

Result<void> Delta::on(const records::ProducerIdsRecord& record) {
  next_.next_producer_id_ = record.next_producer_id;
  changes_.producer_ids = true;
  return {};
}

// --- access ---

Result<void> Delta::on(const records::AccessControlEntryRecord& record) {
  next_.acls_.insert_or_assign(edit_, record.id, std::make_shared<const records::AccessControlEntryRecord>(record));
  changes_.acls = true;
  return {};
}

Result<void> Delta::on(const records::RemoveAccessControlEntryRecord& record) {
  if (!next_.acls_.erase(edit_, record.id)) {
    return fail(ErrorKind::kCorrupt, "removal of an unknown access control entry");
  }
  changes_.acls = true;
  return {};
}

Result<void> Delta::on(const records::UserScramCredentialRecord& record) {
  next_.scram_.insert_or_assign(edit_, {record.mechanism, record.name},
                                std::make_shared<const records::UserScramCredentialRecord>(record));
  changes_.scram = true;
  return {};
}

Result<void> Delta::on(const records::RemoveUserScramCredentialRecord& record) {
  next_.scram_.erase(edit_, ScramKey(record.mechanism, record.name));
  changes_.scram = true;
  return {};
}

Result<void> Delta::on(const records::DelegationTokenRecord& record) {
  next_.tokens_.insert_or_assign(edit_, record.token_id,
                                 std::make_shared<const records::DelegationTokenRecord>(record));
  changes_.tokens = true;
  return {};
}

Result<void> Delta::on(const records::RemoveDelegationTokenRecord& record) {
  next_.tokens_.erase(edit_, record.token_id);
  changes_.tokens = true;
  return {};
}

}  // namespace moldau::metadata
