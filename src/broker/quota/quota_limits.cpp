#include "broker/quota/quota_limits.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "metadata/image/client_quotas.h"

namespace moldau::broker {
namespace {

std::optional<QuotaKind> kind_of(std::string_view key) {
  constexpr std::pair<std::string_view, QuotaKind> kKinds[] = {
      {metadata::kProducerByteRate, QuotaKind::kProduce},
      {metadata::kConsumerByteRate, QuotaKind::kFetch},
      {metadata::kRequestPercentage, QuotaKind::kRequest},
      {metadata::kControllerMutationRate, QuotaKind::kMutation},
  };
  const auto* found = std::ranges::find(kKinds, key, &std::pair<std::string_view, QuotaKind>::first);
  return found == std::end(kKinds) ? std::nullopt : std::optional(found->second);
}

}  // namespace

const double* QuotaLimits::Level::of(std::string_view name) const {
  if (const auto found = named.find(name); found != named.end()) {
    return &found->second;
  }
  return any ? &*any : nullptr;
}

void QuotaLimits::Level::set(const std::optional<std::string>& name, double limit) {
  if (name) {
    named.insert_or_assign(*name, limit);
  } else {
    any = limit;
  }
}

QuotaLimits::QuotaLimits(const metadata::Image& image) {
  for (const auto& quota : image.quotas()) {
    for (const auto& [key, limit] : *quota.value) {
      if (std::isfinite(limit) && limit > 0) {  // a record may hold anything
        add(quota.key, key, limit);
      }
    }
  }
}

void QuotaLimits::add(const Entity& entity, std::string_view key, double limit) {
  if (const auto ip = entity.find(metadata::kQuotaIp); ip != entity.end()) {
    if (key != metadata::kConnectionCreationRate) {
      return;
    }
    if (!ip->second) {
      any_ip_ = limit;
    } else if (const auto address = IpAddress::parse(*ip->second)) {
      ips_.insert_or_assign(*address, limit);
    }
    return;
  }
  const auto kind = kind_of(key);
  const auto user = entity.find(metadata::kQuotaUser);
  const auto client = entity.find(metadata::kQuotaClientId);
  if (!kind || (user == entity.end() && client == entity.end())) {
    return;
  }
  Kind& of_kind = kinds_[static_cast<std::size_t>(*kind)];
  if (user == entity.end()) {
    of_kind.clients.set(client->second, limit);
  } else if (client == entity.end()) {
    of_kind.users.set(user->second, limit);
  } else {
    (user->second ? of_kind.clients_of_user[*user->second] : of_kind.clients_of_any_user).set(client->second, limit);
  }
}

std::optional<QuotaLimit> QuotaLimits::of(QuotaKind kind, const QuotaClient& client) const {
  const Kind& quotas = kinds_[static_cast<std::size_t>(kind)];
  const auto under = [](QuotaClient counted_as, double limit) { return QuotaLimit{counted_as, limit}; };
  const bool named = !client.client_id.empty();
  if (const auto own = quotas.clients_of_user.find(client.user); named && own != quotas.clients_of_user.end()) {
    if (const double* limit = own->second.of(client.client_id)) {
      return under(client, *limit);
    }
  }
  if (const auto user = quotas.users.named.find(client.user); user != quotas.users.named.end()) {
    return under(QuotaClient{client.user, ""}, user->second);
  }
  if (const double* limit = quotas.clients_of_any_user.of(client.client_id); named && limit != nullptr) {
    return under(client, *limit);
  }
  if (quotas.users.any) {
    return under(QuotaClient{client.user, ""}, *quotas.users.any);
  }
  if (const double* limit = quotas.clients.of(client.client_id); named && limit != nullptr) {
    return under({"", client.client_id}, *limit);
  }
  return std::nullopt;
}

std::optional<double> QuotaLimits::connection_rate(const IpAddress& address) const {
  const auto found = ips_.find(address);
  return found == ips_.end() ? any_ip_ : found->second;
}

bool QuotaLimits::none() const noexcept {
  return std::ranges::all_of(kinds_, &Kind::empty);
}

}  // namespace moldau::broker
