// The names of client quotas and of what they belong to, and which of them a description asks for. Pure.
//
// Source: Kafka's ClientQuotaEntity, QuotaConfig, ClientQuotasImage.describe; KIP-546.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "metadata/image/image.h"

namespace moldau::metadata {

inline constexpr const char* kQuotaUser = "user";
inline constexpr const char* kQuotaClientId = "client-id";
inline constexpr const char* kQuotaIp = "ip";

inline constexpr std::string_view kProducerByteRate = "producer_byte_rate";
inline constexpr std::string_view kConsumerByteRate = "consumer_byte_rate";
inline constexpr std::string_view kRequestPercentage = "request_percentage";
inline constexpr std::string_view kControllerMutationRate = "controller_mutation_rate";
inline constexpr std::string_view kConnectionCreationRate = "connection_creation_rate";

struct QuotaFilter {
  std::map<std::string, std::optional<std::string>> exact;  // by type; no name: the default entity of the type
  std::set<std::string> of_type;                            // a part of the type, whatever its name
  bool strict = false;                                      // and no part that is not asked for

  [[nodiscard]] bool matches(const QuotaEntity& entity) const;
};

}  // namespace moldau::metadata
