#include "config_schema/config_key.h"

#include <algorithm>

namespace moldau::config {

const ConfigKey* find(Scope scope, std::string_view name) noexcept {
  const auto all = keys(scope);
  const auto at = std::ranges::lower_bound(all, name, {}, &ConfigKey::name);
  return at != all.end() && at->name == name ? &*at : nullptr;
}

}  // namespace moldau::config
