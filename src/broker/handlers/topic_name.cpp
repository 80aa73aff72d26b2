#include "broker/handlers/topic_name.h"

#include <algorithm>

namespace moldau::broker {

bool is_valid_topic_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kTopicNameBytesMax || name == "." || name == "..") {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace moldau::broker
