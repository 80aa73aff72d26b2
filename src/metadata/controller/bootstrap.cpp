#include "metadata/controller/bootstrap.h"

#include "metadata/controller/config_schema.h"

namespace moldau::metadata {
namespace {

records::MetadataRecordAndVersion level_record(const SupportedFeature& feature) {
  records::FeatureLevelRecord record;
  record.name = feature.name;
  record.feature_level = feature.initial;
  return {std::move(record), kRecordVersion0};
}

std::int16_t level_in(const RecordBatch& bootstrap, std::string_view name) {
  std::int16_t level = 0;
  for (const auto& record : bootstrap) {
    const auto* feature = std::get_if<records::FeatureLevelRecord>(&record.record);
    if (feature != nullptr && feature->name == name) {
      level = feature->feature_level;
    }
  }
  return level;
}

records::MetadataRecordAndVersion abort_record() {
  records::AbortTransactionRecord record;
  record.reason = "Controller failover";
  return {std::move(record), kRecordVersion0};
}

}  // namespace

RecordBatch bootstrap_records() {
  RecordBatch records;
  records.push_back(level_record(*find_supported_feature(kMetadataVersionFeature)));
  for (const SupportedFeature& feature : supported_features()) {
    if (feature.initial > 0 && feature.name != kMetadataVersionFeature) {
      records.push_back(level_record(feature));
    }
  }
  return records;
}

Decision<> activation_records(const Image& image, bool open_transaction, const RecordBatch& bootstrap,
                              std::int32_t static_min_insync_replicas) {
  ControllerResult<> result;
  if (image.metadata_version()) {
    if (open_transaction) {
      result.records.push_back(abort_record());
    }
    result.atomic = true;
    return result;
  }
  const MetadataVersion version(level_in(bootstrap, kMetadataVersionFeature));
  if (version < kMetadataVersionMin) {
    return refuse(ErrorCode::kUnsupportedVersion, "the bootstrap records name no metadata.version that we support");
  }
  const bool in_transaction = has_metadata_transactions(version);
  if (open_transaction && in_transaction) {
    result.records.push_back(abort_record());
  }
  if (in_transaction) {
    records::BeginTransactionRecord begin;
    begin.name = "Bootstrap records";
    result.records.push_back({std::move(begin), kRecordVersion0});
  }
  result.records.insert(result.records.end(), bootstrap.begin(), bootstrap.end());
  if (level_in(bootstrap, kElrVersionFeature) > 0) {
    records::ConfigRecord config;
    config.resource_type = static_cast<std::int8_t>(ConfigResourceType::kBroker);
    config.name = kMinInsyncReplicasConfig;
    config.value = std::to_string(static_min_insync_replicas);
    result.records.push_back({std::move(config), kRecordVersion0});
  }
  if (in_transaction) {
    result.records.push_back({records::EndTransactionRecord{}, kRecordVersion0});
  }
  result.atomic = !in_transaction;
  return result;
}

}  // namespace moldau::metadata
