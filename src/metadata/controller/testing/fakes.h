// Tests: a small config schema and seeded entropy.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/controller/config_schema.h"

namespace moldau::metadata::testing {

// Knows min.insync.replicas (default 1), unclean.leader.election.enable (false), retention.ms, segment.bytes and
// cleanup.policy (a list); refuses "refused" as a key and "bad" as a value.
class FakeSchema : public ConfigSchema {
 public:
  [[nodiscard]] bool is_list(ConfigResourceType type, std::string_view key) const override;
  [[nodiscard]] std::optional<std::string> default_value(ConfigResourceType type, std::string_view key) const override;
  [[nodiscard]] ApiError validate(const ConfigResource& resource, const ConfigMap& proposed,
                                  const ConfigMap& existing) const override;
  [[nodiscard]] std::optional<std::string> effective_topic_value(std::string_view key,
                                                                 const ConfigLayers& layers) const override;
  [[nodiscard]] std::vector<EffectiveConfig> effective_topic_configs(const ConfigLayers& layers) const override;
};

class SeededEntropy : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) override { return random_() % bound; }
  [[nodiscard]] Uuid uuid() override;
  // Given out first.
  std::deque<Uuid> planned;

 private:
  std::mt19937_64 random_;
};

}  // namespace moldau::metadata::testing
