// Decides changes of client quotas: AlterClientQuotas.
//
// Rules:  an entity is a user, a client id, both, or an IP address; a part without a name is the default of its kind. A
//         quota is above 0, those of bytes and connections are whole numbers; an entity has the keys of its kind only.
//         An entity that is named again is refused, the first one counts. A record is written for a value that changes.
// Source: Kafka's ClientQuotaControlManager and QuotaConfig. Differences: NaN is refused; an IP entity is an address,
//         and no host name: a controller that asks a name server cannot decide.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

struct QuotaAlteration {
  struct Operation {
    std::string key;
    std::optional<double> value;  // none: the quota is removed
  };
  QuotaEntity entity;
  std::vector<Operation> operations;
};

struct QuotaOutcome {
  QuotaEntity entity;
  ApiError error;
};

class ClientQuotaControl {
 public:
  explicit ClientQuotaControl(const ControllerState& state) : state_(state) {}

  // One outcome for each entity, in the order of the request; an entity that fails changes nothing and does not stop
  // the others. With validate_only no records are given.
  [[nodiscard]] Decision<std::vector<QuotaOutcome>> alter(const std::vector<QuotaAlteration>& request,
                                                          bool validate_only) const;

 private:
  [[nodiscard]] std::expected<RecordBatch, ApiError> alter_entity(const QuotaAlteration& alteration) const;

  const ControllerState& state_;
};

}  // namespace moldau::metadata
