#include "base/assert.h"
#include "metadata/image/image.h"

namespace moldau::metadata {
namespace {

constexpr std::int16_t kVersion0 = 0;

records::FeatureLevelRecord feature_record(std::string_view name, std::int16_t level) {
  records::FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

records::ConfigRecord config_record(const ConfigResource& resource, const std::string& name, const std::string& value) {
  records::ConfigRecord record;
  record.resource_type = static_cast<std::int8_t>(resource.type);
  record.resource_name = resource.name;
  record.name = name;
  record.value = value;
  return record;
}

records::ClientQuotaRecord quota_record(const QuotaEntity& entity, const std::string& key, double value) {
  records::ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    auto& part = record.entity.emplace_back();
    part.entity_type = type;
    part.entity_name = name;
  }
  record.key = key;
  record.value = value;
  return record;
}

}  // namespace

void Image::write(RecordSink& sink) const {
  MOLDAU_ASSERT(metadata_version_.has_value());
  const MetadataVersion version = *metadata_version_;
  // metadata.version comes first: it decides how the records behind it are read.
  sink.write({feature_record(kMetadataVersionFeature, version.value()), kVersion0});
  for (const auto& feature : features_) {
    sink.write({feature_record(feature.key, feature.value), kVersion0});
  }
  for (const auto& broker : brokers_) {
    sink.write({broker.value->record(), register_broker_record_version(version)});
  }
  for (const auto& controller : controllers_) {
    sink.write({*controller.value, kVersion0});
  }
  for (const auto& entry : topics_) {
    records::TopicRecord topic;
    topic.name = entry.value->name;
    topic.topic_id = entry.key;
    sink.write({std::move(topic), kVersion0});
    for (const auto& partition : entry.value->partitions) {
      sink.write({partition.value->to_record(entry.key, partition.key, version), partition_record_version(version)});
    }
  }
  for (const auto& resource : configs_) {
    for (const auto& [name, value] : *resource.value) {
      sink.write({config_record(resource.key, name, value), kVersion0});
    }
  }
  for (const auto& entity : quotas_) {
    for (const auto& [key, value] : *entity.value) {
      sink.write({quota_record(entity.key, key, value), kVersion0});
    }
  }
  if (next_producer_id_ >= 0) {
    records::ProducerIdsRecord record;
    record.broker_id = kNoNode.value();
    record.next_producer_id = next_producer_id_;
    sink.write({std::move(record), kVersion0});
  }
  for (const auto& acl : acls_) {
    sink.write({*acl.value, kVersion0});
  }
  for (const auto& credential : scram_) {
    sink.write({*credential.value, kVersion0});
  }
  for (const auto& token : tokens_) {
    sink.write({*token.value, kVersion0});
  }
}

}  // namespace moldau::metadata
