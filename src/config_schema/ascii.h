// Characters as Kafka's own parsers see them: ASCII, whatever the locale.
#pragma once

namespace moldau::config {

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

}  // namespace moldau::config
