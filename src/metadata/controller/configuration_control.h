// Decides changes of configs: IncrementalAlterConfigs, the older AlterConfigs, and the configs of a new topic.
//
// Semantics (inventory 65): set, delete, append and subtract (the last two for list keys only, starting from the
// default when nothing is set); deleting an absent key succeeds; a record is written only for a value that changes,
// except for brokers, which reload on each (KAFKA-14136). While ELR is on, min.insync.replicas belongs to the cluster
// default and cannot be removed there; each change of it clears ELRs (ClearElr after the ConfigRecords).
// Source: Kafka's ConfigurationControlManager. Order of records within a resource: Kafka's (java_order.h).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

enum class ConfigOperation : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct ConfigAlteration {
  std::string key;
  ConfigOperation operation = ConfigOperation::kSet;
  std::optional<std::string> value;
};

struct ResourceAlterations {
  ConfigResource resource;
  std::vector<ConfigAlteration> alterations;
};

struct AlterConfigs {
  std::vector<ResourceAlterations> resources;
  bool validate_only = false;
  bool replaces_all = false;  // as the older AlterConfigs: what is not named is deleted
};

struct ResourceOutcome {
  ConfigResource resource;
  ApiError error;
};

class ConfigurationControl {
 public:
  explicit ConfigurationControl(const ControllerState& state) : state_(state) {}

  // One outcome for each resource, in the order of the request; a resource that fails changes nothing and does not stop
  // the others. Duplicate resources are refused with kInvalidRequest. With validate_only no records are given.
  [[nodiscard]] Decision<std::vector<ResourceOutcome>> alter_incrementally(
      const std::vector<ResourceAlterations>& request, bool validate_only) const;

  // Replaces all that is set: what is not named is deleted. Operations are ignored; a missing value deletes; the last
  // alteration of a key counts.
  [[nodiscard]] Decision<std::vector<ResourceOutcome>> alter_legacy(const std::vector<ResourceAlterations>& request,
                                                                    bool validate_only) const;

  // The records of one resource, to be appended by the caller; `is_new` for a topic that is being created.
  [[nodiscard]] std::expected<RecordBatch, ApiError> records_for(const ResourceAlterations& request, bool is_new) const;

 private:
  using AlterOne = std::expected<RecordBatch, ApiError> (ConfigurationControl::*)(const ResourceAlterations&) const;
  [[nodiscard]] Decision<std::vector<ResourceOutcome>> alter(const std::vector<ResourceAlterations>& request,
                                                             bool validate_only, AlterOne alter_one) const;
  [[nodiscard]] std::expected<RecordBatch, ApiError> alter_existing(const ResourceAlterations& request) const;
  [[nodiscard]] std::expected<RecordBatch, ApiError> replace_all(const ResourceAlterations& request) const;
  [[nodiscard]] std::expected<std::optional<std::string>, ApiError> new_value(
      const ConfigResource& resource, const ConfigAlteration& alteration,
      const std::optional<std::string>& current) const;
  [[nodiscard]] ApiError check(const ConfigResource& resource, const RecordBatch& records, bool is_new) const;
  [[nodiscard]] ApiError check_exists(const ConfigResource& resource) const;
  [[nodiscard]] ApiError check_record(const records::ConfigRecord& record) const;
  void add_clear_elr(RecordBatch& records) const;

  const ControllerState& state_;
};

}  // namespace moldau::metadata
