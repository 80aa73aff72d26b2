// What is decided of a request to alter configurations before the controller sees it. Source: see
// alter_configs_handler.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/handlers/alter_configs_handler.h"
#include "metadata/controller/configuration_control.h"

namespace moldau::broker {

// A resource of the request; `outcome` once it is decided.
struct AskedAlteration {
  metadata::ResourceAlterations wanted;
  std::optional<metadata::ApiError> outcome;
};

struct AlterationRequest {
  std::vector<AskedAlteration> resources;
  bool validate_only = false;
  bool replaces_all = false;  // AlterConfigs
};

// Gives outcomes to what needs no controller, and sets levels of loggers. At the controller's listener a resource that
// is named more than once stays in the request once.
void judge_alterations(const AlterConfigsEnvironment& environment, AlterationRequest& request);

}  // namespace moldau::broker
