#include "protocol/errors/error_code.h"

namespace moldau::protocol {
namespace {

const detail::ErrorEntry& entry(ErrorCode code) noexcept {
  return detail::kErrors[to_wire(error_from_wire(to_wire(code))) + 1];
}

}  // namespace

std::string_view name(ErrorCode code) noexcept {
  return entry(code).name;
}
std::string_view default_message(ErrorCode code) noexcept {
  return entry(code).message;
}
bool is_retriable(ErrorCode code) noexcept {
  return entry(code).retriable;
}
bool needs_metadata_refresh(ErrorCode code) noexcept {
  return entry(code).refresh;
}

}  // namespace moldau::protocol
