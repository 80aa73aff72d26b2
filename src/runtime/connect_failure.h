// What a socket that Network::connect() made knows of why it could not connect. A socket may be one; ask by
// dynamic_cast.
//
// Shard: the socket's.
#pragma once

#include <optional>

#include "base/result.h"

namespace moldau::runtime {

class ConnectFailure {
 public:
  virtual ~ConnectFailure() = default;
  // Nothing while it connects and once it was connected. kNotFound: the name; kIo with os_error(): the last address
  // that was tried.
  [[nodiscard]] virtual std::optional<Error> connect_failure() const noexcept = 0;
};

}  // namespace moldau::runtime
