#include "metadata/controller/configuration_control.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "metadata/controller/java_order.h"
#include "metadata/controller/list_operations.h"

namespace moldau::metadata {
namespace {

constexpr std::size_t kConfigValueBytesMax = 32'767;

const records::ConfigRecord* as_config(const records::MetadataRecordAndVersion& record) {
  return std::get_if<records::ConfigRecord>(&record.record);
}

records::MetadataRecordAndVersion config_record(const ConfigResource& resource, std::string name,
                                                std::optional<std::string> value) {
  records::ConfigRecord record;
  record.resource_type = static_cast<std::int8_t>(resource.type);
  record.resource_name = resource.name;
  record.name = std::move(name);
  record.value = std::move(value);
  return {std::move(record), kRecordVersion0};
}

// As a map would hold them: the first place of a key, its last value; then in the order of Java's map.
std::vector<ConfigAlteration> in_kafkas_order(const std::vector<ConfigAlteration>& alterations) {
  std::vector<ConfigAlteration> unique;
  std::map<std::string_view, std::size_t> place_of;  // not hashed: the keys are the client's choice
  for (const ConfigAlteration& alteration : alterations) {
    const auto [found, is_new] = place_of.try_emplace(alteration.key, unique.size());
    if (is_new) {
      unique.push_back(alteration);
    } else {
      unique[found->second] = alteration;
    }
  }
  sort_in_java_order(unique, [](const ConfigAlteration& a) -> std::string_view { return a.key; });
  return unique;
}

}  // namespace

Decision<std::vector<ResourceOutcome>> ConfigurationControl::alter_incrementally(
    const std::vector<ResourceAlterations>& request, bool validate_only) const {
  return alter(request, validate_only, &ConfigurationControl::alter_existing);
}

Decision<std::vector<ResourceOutcome>> ConfigurationControl::alter_legacy(
    const std::vector<ResourceAlterations>& request, bool validate_only) const {
  return alter(request, validate_only, &ConfigurationControl::replace_all);
}

Decision<std::vector<ResourceOutcome>> ConfigurationControl::alter(const std::vector<ResourceAlterations>& request,
                                                                   bool validate_only, AlterOne alter_one) const {
  ControllerResult<std::vector<ResourceOutcome>> result;
  result.atomic = true;
  std::set<ConfigResource> seen;
  std::set<ConfigResource> repeated;
  for (const ResourceAlterations& one : request) {
    if (!seen.insert(one.resource).second) {
      repeated.insert(one.resource);
    }
  }
  std::set<ConfigResource> answered;
  for (const ResourceAlterations& one : request) {
    if (repeated.contains(one.resource)) {
      if (answered.insert(one.resource).second) {
        result.response.push_back({one.resource, {ErrorCode::kInvalidRequest, "the resource is named twice"}});
      }
      continue;
    }
    auto records = (this->*alter_one)(one);
    if (!records) {
      result.response.push_back({one.resource, std::move(records.error())});
      continue;
    }
    if (result.records.size() + records->size() > kRecordsPerOperationMax) {
      return refuse(ErrorCode::kPolicyViolation, "the request changes too many configs at once");
    }
    std::ranges::move(*records, std::back_inserter(result.records));
    result.response.push_back({one.resource, {}});
  }
  add_clear_elr(result.records);
  if (validate_only) {
    result.records.clear();
  }
  return result;
}

std::expected<RecordBatch, ApiError> ConfigurationControl::alter_existing(const ResourceAlterations& request) const {
  const ConfigResourceType type = request.resource.type;
  if (type != ConfigResourceType::kTopic && type != ConfigResourceType::kBroker &&
      type != ConfigResourceType::kClientMetrics && type != ConfigResourceType::kGroup) {
    return refuse(ErrorCode::kUnsupportedVersion, "this resource type has no dynamic configs");
  }
  const ConfigMap& current = state_.image->config(type, request.resource.name);
  RecordBatch records;
  for (const ConfigAlteration& alteration : in_kafkas_order(request.alterations)) {
    const auto found = current.find(alteration.key);
    const auto before = found == current.end() ? std::nullopt : std::optional(found->second);
    auto after = new_value(request.resource, alteration, before);
    if (!after) {
      return std::unexpected(std::move(after.error()));
    }
    if (*after != before || type == ConfigResourceType::kBroker) {
      records.push_back(config_record(request.resource, alteration.key, *std::move(after)));
    }
  }
  if (ApiError error = check(request.resource, records, false); error.failed()) {
    return std::unexpected(std::move(error));
  }
  return records;
}

std::expected<RecordBatch, ApiError> ConfigurationControl::records_for(const ResourceAlterations& request,
                                                                       bool is_new) const {
  RecordBatch records;
  for (ConfigAlteration& alteration : in_kafkas_order(request.alterations)) {
    records.push_back(config_record(request.resource, std::move(alteration.key), std::move(alteration.value)));
  }
  if (ApiError error = check(request.resource, records, is_new); error.failed()) {
    return std::unexpected(std::move(error));
  }
  add_clear_elr(records);
  return records;
}

std::expected<RecordBatch, ApiError> ConfigurationControl::replace_all(const ResourceAlterations& request) const {
  const ConfigMap& current = state_.image->config(request.resource.type, request.resource.name);
  RecordBatch records;
  const std::vector<ConfigAlteration> wanted = in_kafkas_order(request.alterations);
  for (const ConfigAlteration& one : wanted) {
    const auto found = current.find(one.key);
    const auto before = found == current.end() ? std::nullopt : std::optional(found->second);
    if (one.value != before || request.resource.type == ConfigResourceType::kBroker) {
      records.push_back(config_record(request.resource, one.key, one.value));
    }
  }
  std::set<std::string_view> wanted_keys;
  for (const ConfigAlteration& one : wanted) {
    wanted_keys.insert(one.key);
  }
  for (const auto& [key, value] : current) {
    if (!wanted_keys.contains(key)) {
      records.push_back(config_record(request.resource, key, std::nullopt));
    }
  }
  if (ApiError error = check(request.resource, records, false); error.failed()) {
    return std::unexpected(std::move(error));
  }
  return records;
}

std::expected<std::optional<std::string>, ApiError> ConfigurationControl::new_value(
    const ConfigResource& resource, const ConfigAlteration& alteration,
    const std::optional<std::string>& current) const {
  switch (alteration.operation) {
    case ConfigOperation::kSet: return alteration.value;
    case ConfigOperation::kDelete: return std::nullopt;
    case ConfigOperation::kAppend:
    case ConfigOperation::kSubtract: break;
    default: return refuse(ErrorCode::kInvalidRequest, "unknown operation on config " + alteration.key);
  }
  if (!state_.schema.is_list(resource.type, alteration.key)) {
    return refuse(ErrorCode::kInvalidConfig, "config " + alteration.key + " is not a list");
  }
  if (!alteration.value) {
    return refuse(ErrorCode::kInvalidRequest, "config " + alteration.key + " has no value");
  }
  const std::string before =
      current ? *current : state_.schema.default_value(resource.type, alteration.key).value_or("");
  return alteration.operation == ConfigOperation::kAppend ? append_to_list(before, *alteration.value)
                                                          : subtract_from_list(before, *alteration.value);
}

ApiError ConfigurationControl::check(const ConfigResource& resource, const RecordBatch& records, bool is_new) const {
  const ConfigMap& existing = state_.image->config(resource.type, resource.name);
  ConfigMap proposed = existing;
  for (const auto& record : records) {
    const records::ConfigRecord& config = *as_config(record);
    if (ApiError error = check_record(config); error.failed()) {
      return error;
    }
    if (config.value) {
      proposed.insert_or_assign(config.name, *config.value);
    } else {
      proposed.erase(config.name);
    }
  }
  if (ApiError error = state_.schema.validate(resource, proposed, existing); error.failed()) {
    return error;
  }
  return is_new ? ApiError{} : check_exists(resource);
}

ApiError ConfigurationControl::check_exists(const ConfigResource& resource) const {
  if (resource.type == ConfigResourceType::kTopic && state_.image->topic(resource.name) == nullptr) {
    return {ErrorCode::kUnknownTopicOrPartition, "there is no topic '" + resource.name + "'"};
  }
  if (resource.type == ConfigResourceType::kBroker && !resource.name.empty()) {
    std::int32_t id = -1;
    const char* const end = resource.name.data() + resource.name.size();
    if (const auto [stop, error] = std::from_chars(resource.name.data(), end, id);
        error != std::errc{} || stop != end) {
      return {ErrorCode::kInvalidRequest, "'" + resource.name + "' is no broker id"};
    }
    if (state_.image->broker(NodeId(id)) == nullptr && !state_.image->controllers().contains(NodeId(id))) {
      return {ErrorCode::kBrokerIdNotRegistered, "no node " + resource.name + " is registered"};
    }
  }
  return {};
}

ApiError ConfigurationControl::check_record(const records::ConfigRecord& record) const {
  const bool of_broker = record.resource_type == static_cast<std::int8_t>(ConfigResourceType::kBroker);
  if (record.name == kMinInsyncReplicasConfig && of_broker && state_.image->elr_enabled()) {
    if (!record.resource_name.empty()) {
      return {ErrorCode::kInvalidConfig,
              "with eligible leader replicas, min.insync.replicas is set for the cluster, "
              "not for one broker"};
    }
    if (!record.value) {
      return {ErrorCode::kInvalidConfig, "with eligible leader replicas, the cluster's min.insync.replicas must stay"};
    }
  }
  if (record.name == kCordonedLogDirsConfig && of_broker && !has_cordoned_directories(state_.version())) {
    return {ErrorCode::kInvalidConfig, "cordoned.log.dirs needs metadata.version 30"};
  }
  if (record.value && record.value->size() > kConfigValueBytesMax) {
    return {ErrorCode::kInvalidConfig, "the value is longer than " + std::to_string(kConfigValueBytesMax) + " bytes"};
  }
  return {};
}

void ConfigurationControl::add_clear_elr(RecordBatch& records) const {
  if (!state_.image->elr_enabled()) {
    return;
  }
  const std::size_t count = records.size();
  for (std::size_t i = 0; i < count; ++i) {
    const records::ConfigRecord& config = *as_config(records[i]);
    if (config.name != kMinInsyncReplicasConfig) {
      continue;
    }
    records::ClearElrRecord clear;
    if (config.resource_type == static_cast<std::int8_t>(ConfigResourceType::kTopic)) {
      clear.topic_name = config.resource_name;
    }
    records.push_back({std::move(clear), kRecordVersion0});
  }
}

}  // namespace moldau::metadata
