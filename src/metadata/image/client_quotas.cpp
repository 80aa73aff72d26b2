#include "metadata/image/client_quotas.h"

#include <algorithm>

namespace moldau::metadata {

bool QuotaFilter::matches(const QuotaEntity& entity) const {
  if (strict && entity.size() != exact.size() + of_type.size()) {
    return false;
  }
  return std::ranges::all_of(exact,
                             [&](const auto& wanted) {
                               const auto part = entity.find(wanted.first);
                               return part != entity.end() && part->second == wanted.second;
                             }) &&
         std::ranges::all_of(of_type, [&](const std::string& type) { return entity.contains(type); });
}

}  // namespace moldau::metadata
