#include "metadata/image/broker_registration.h"

#include <algorithm>

namespace moldau::metadata {

const BrokerRegistration::Endpoint* BrokerRegistration::endpoint(std::string_view listener) const noexcept {
  const auto found = std::ranges::find(record_.end_points, listener, &Endpoint::name);
  return found == record_.end_points.end() ? nullptr : &*found;
}

bool BrokerRegistration::has_online_directory(const Uuid& directory) const noexcept {
  if (directory == kUnassignedDirectory || directory == kZeroUuid) {
    return true;
  }
  if (directory == kLostDirectory) {
    return false;
  }
  return record_.log_dirs.empty() || std::ranges::find(record_.log_dirs, directory) != record_.log_dirs.end();
}

bool BrokerRegistration::has_uncordoned_directory() const noexcept {
  if (record_.log_dirs.empty() || !record_.cordoned_log_dirs) {
    return true;
  }
  const std::vector<Uuid>& cordoned = *record_.cordoned_log_dirs;
  return std::ranges::any_of(record_.log_dirs, [&](const Uuid& directory) {
    return std::ranges::find(cordoned, directory) == cordoned.end();
  });
}

Uuid BrokerRegistration::default_directory() const noexcept {
  switch (record_.log_dirs.size()) {
    case 0: return kZeroUuid;
    case 1: return record_.log_dirs.front();
    default: return kUnassignedDirectory;
  }
}

BrokerRegistration BrokerRegistration::with_fenced(bool fenced) const {
  BrokerRegistration next = *this;
  next.record_.fenced = fenced;
  return next;
}

Result<BrokerRegistration> BrokerRegistration::changed(const records::BrokerRegistrationChangeRecord& change) const {
  BrokerRegistration next = *this;
  switch (change.fenced) {
    case -1: next.record_.fenced = false; break;
    case 0: break;
    case 1: next.record_.fenced = true; break;
    default: return fail(ErrorKind::kCorrupt, "fencing in a registration change", 0, change.fenced);
  }
  switch (change.in_controlled_shutdown) {
    case 0: break;
    case 1: next.record_.in_controlled_shutdown = true; break;
    default: return fail(ErrorKind::kCorrupt, "shutdown in a registration change", 0, change.in_controlled_shutdown);
  }
  if (!change.log_dirs.empty()) {
    next.record_.log_dirs = change.log_dirs;
  }
  if (change.cordoned_log_dirs) {
    next.record_.cordoned_log_dirs = change.cordoned_log_dirs;
  }
  return next;
}

}  // namespace moldau::metadata
