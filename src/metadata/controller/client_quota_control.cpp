#include "metadata/controller/client_quota_control.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/ip_address.h"
#include "metadata/image/client_quotas.h"

namespace moldau::metadata {
namespace {

// The largest value of a key, and whether it is a whole number.
struct QuotaKey {
  std::string_view name;
  double max;
  bool whole;
};
constexpr double kLongMax = 9.2233720368547758e18;
constexpr double kNoMax = HUGE_VAL;
constexpr QuotaKey kClientKeys[] = {{kProducerByteRate, kLongMax, true},
                                    {kConsumerByteRate, kLongMax, true},
                                    {kRequestPercentage, kNoMax, false},
                                    {kControllerMutationRate, kNoMax, false}};
constexpr QuotaKey kIpKeys[] = {{kConnectionCreationRate, INT32_MAX, true}};

ApiError invalid(std::string message) {
  return {ErrorCode::kInvalidRequest, std::move(message)};
}

ApiError check_entity(const QuotaEntity& entity) {
  if (entity.empty()) {
    return invalid("the quota entity is empty");
  }
  for (const auto& [type, name] : entity) {
    if (type != kQuotaUser && type != kQuotaClientId && type != kQuotaIp) {
      return invalid("no quota entity is of type " + type);
    }
    if (name && name->empty()) {
      return invalid("the name of a " + type + " cannot be empty");
    }
  }
  const auto ip = entity.find(kQuotaIp);
  if (ip == entity.end()) {
    return {};
  }
  if (entity.size() > 1) {
    return invalid("an ip cannot be combined with a user or a client id");
  }
  return ip->second && !IpAddress::parse(*ip->second) ? invalid(*ip->second + " is no IP address") : ApiError{};
}

ApiError check_value(std::span<const QuotaKey> keys, const std::string& key, double value) {
  constexpr double kFractionMax = 1e-6;
  const QuotaKey* known = nullptr;
  for (const QuotaKey& one : keys) {
    known = one.name == key ? &one : known;
  }
  if (known == nullptr) {
    return invalid("the entity has no quota " + key);
  }
  if (!(value > 0)) {  // NaN too
    return invalid(key + " must be greater than 0");
  }
  if (value > known->max) {
    return invalid(key + " is too large");
  }
  if (known->whole && std::fmod(value, 1.0) > kFractionMax) {
    return invalid(key + " must be a whole number");
  }
  return {};
}

records::ClientQuotaRecord record_of(const QuotaEntity& entity, const std::string& key) {
  records::ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    auto& part = record.entity.emplace_back();
    part.entity_type = type;
    part.entity_name = name;
  }
  record.key = key;
  return record;
}

}  // namespace

Decision<std::vector<QuotaOutcome>> ClientQuotaControl::alter(const std::vector<QuotaAlteration>& request,
                                                              bool validate_only) const {
  ControllerResult<std::vector<QuotaOutcome>> result;
  result.atomic = true;
  std::map<QuotaEntity, std::size_t> places;
  for (const QuotaAlteration& alteration : request) {
    const auto [place, is_new] = places.emplace(alteration.entity, result.response.size());
    if (!is_new) {
      result.response[place->second].error = invalid("the entity is named twice");
      continue;
    }
    auto records = alter_entity(alteration);
    result.response.push_back({alteration.entity, records ? ApiError{} : std::move(records.error())});
    if (records) {
      std::ranges::move(*records, std::back_inserter(result.records));
    }
    if (result.records.size() > kRecordsPerOperationMax) {
      return std::unexpected(ApiError{ErrorCode::kPolicyViolation, "the request needs too many records"});
    }
  }
  if (validate_only) {
    result.records.clear();
  }
  return result;
}

std::expected<RecordBatch, ApiError> ClientQuotaControl::alter_entity(const QuotaAlteration& alteration) const {
  std::set<std::string_view> named;
  for (const QuotaAlteration::Operation& operation : alteration.operations) {
    if (!named.insert(operation.key).second) {
      return std::unexpected(invalid("the quota " + operation.key + " is given twice"));
    }
  }
  if (ApiError error = check_entity(alteration.entity); error.failed()) {
    return std::unexpected(std::move(error));
  }
  const bool is_ip = alteration.entity.contains(kQuotaIp);
  const std::span<const QuotaKey> keys = is_ip ? std::span<const QuotaKey>(kIpKeys) : kClientKeys;
  const auto* set = state_.image->quotas().find(alteration.entity);
  RecordBatch records;
  for (const auto& [key, value] : alteration.operations) {
    const double* current = nullptr;
    if (set != nullptr) {
      const auto found = (*set)->find(key);
      current = found == (*set)->end() ? nullptr : &found->second;
    }
    records::ClientQuotaRecord record = record_of(alteration.entity, key);
    if (value) {
      if (ApiError error = check_value(keys, key, *value); error.failed()) {
        return std::unexpected(std::move(error));
      }
      if (current != nullptr && *current == *value) {
        continue;
      }
      record.value = *value;
    } else if (current != nullptr) {
      record.remove = true;
    } else {
      continue;
    }
    records.push_back({std::move(record), kRecordVersion0});
  }
  return records;
}

}  // namespace moldau::metadata
