#include "metadata/controller/topic_name.h"

#include <algorithm>

namespace moldau::metadata {

std::string topic_name_fault(std::string_view name) {
  if (name.empty()) {
    return "the topic name is empty";
  }
  if (name == "." || name == "..") {
    return "a topic cannot be called '" + std::string(name) + "'";
  }
  if (name.size() > kTopicNameBytesMax) {
    return "the topic name has " + std::to_string(name.size()) + " characters, more than " +
           std::to_string(kTopicNameBytesMax);
  }
  const bool legal = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  return legal ? "" : "the topic name has characters other than letters, digits, '.', '_' and '-'";
}

}  // namespace moldau::metadata
