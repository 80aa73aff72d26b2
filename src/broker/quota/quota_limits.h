// Which quota a client falls under, by the quotas of one metadata image. Pure; immutable once made.
//
// Rule:   of a client's quotas of one kind the first of these that is set counts, and only that: user and client id,
// user
//         and any client id, user; any user and client id, any user and any client id, any user; client id, any client
//         id. Clients share one quota if they have the same user, or client id, as far as the quota that counts names
//         them. Of an empty client id only the quotas of users count.
// Source: Kafka's ClientQuotaManager.DefaultQuotaCallback and ClientQuotaMetadataManager; inventory §6, 64.
//         Difference: a limit that is not finite is none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace moldau::metadata {
class Image;
}

namespace moldau::broker {

enum class QuotaKind : std::uint8_t {
  kProduce,   // bytes a second
  kFetch,     // bytes a second
  kRequest,   // percent of one thread
  kMutation,  // partitions created or deleted a second
};
inline constexpr std::size_t kQuotaKinds = 4;

struct QuotaClient {
  std::string_view user;
  std::string_view client_id;
};

// Whose usage is counted together: a part that is empty does not matter. Views into the asked-for client.
struct QuotaLimit {
  QuotaClient counted_as;
  double limit = 0;
};

class QuotaLimits {
 public:
  QuotaLimits() = default;
  explicit QuotaLimits(const metadata::Image& image);

  [[nodiscard]] std::optional<QuotaLimit> of(QuotaKind kind, const QuotaClient& client) const;
  // Connections a second from an address.
  [[nodiscard]] std::optional<double> connection_rate(const IpAddress& address) const;

  // No client has a quota of the kind.
  [[nodiscard]] bool none(QuotaKind kind) const noexcept { return kinds_[static_cast<std::size_t>(kind)].empty(); }
  [[nodiscard]] bool none() const noexcept;

 private:
  struct Level {
    std::map<std::string, double, std::less<>> named;
    std::optional<double> any;

    [[nodiscard]] bool empty() const noexcept { return named.empty() && !any; }
    [[nodiscard]] const double* of(std::string_view name) const;
    void set(const std::optional<std::string>& name, double limit);
  };
  struct Kind {
    std::map<std::string, Level, std::less<>> clients_of_user;
    Level clients_of_any_user;
    Level users;
    Level clients;

    [[nodiscard]] bool empty() const noexcept {
      return clients_of_user.empty() && clients_of_any_user.empty() && users.empty() && clients.empty();
    }
  };

  // The entity's type to its name; no name: the default of the type.
  using Entity = std::map<std::string, std::optional<std::string>>;
  void add(const Entity& entity, std::string_view key, double limit);

  std::array<Kind, kQuotaKinds> kinds_;
  std::map<IpAddress, double> ips_;
  std::optional<double> any_ip_;
};

}  // namespace moldau::broker
