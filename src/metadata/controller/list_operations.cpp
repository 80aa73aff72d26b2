#include "metadata/controller/list_operations.h"

#include <algorithm>
#include <vector>

namespace moldau::metadata {
namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) {
      parts.push_back(text.substr(0, comma));
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::string join(const std::vector<std::string_view>& parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += text.empty() ? "" : ",";
    text += part;
  }
  return text;
}

}  // namespace

std::string append_to_list(std::string_view list, std::string_view added) {
  std::vector<std::string_view> parts = split(list);
  for (const std::string_view part : split(added)) {
    if (std::ranges::find(parts, part) == parts.end()) {
      parts.push_back(part);
    }
  }
  return join(parts);
}

std::string subtract_from_list(std::string_view list, std::string_view removed) {
  std::vector<std::string_view> parts = split(list);
  for (const std::string_view part : split(removed)) {
    if (const auto found = std::ranges::find(parts, part); found != parts.end()) {
      parts.erase(found);
    }
  }
  return join(parts);
}

}  // namespace moldau::metadata
