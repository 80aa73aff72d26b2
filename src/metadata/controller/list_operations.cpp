#include "metadata/controller/list_operations.h"

#include <algorithm>
#include <cstddef>

namespace moldau::metadata {
namespace {

std::vector<std::string_view> filled_elements(std::string_view list) {
  std::vector<std::string_view> elements = split_list(list);
  std::erase(elements, "");
  return elements;
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  if (text.empty()) {
    return {text};
  }
  std::vector<std::string_view> elements;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    elements.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  while (!elements.empty() && elements.back().empty()) {
    elements.pop_back();
  }
  return elements;
}

std::string join_list(const std::vector<std::string_view>& elements) {
  std::string text;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    text += i == 0 ? "" : ",";
    text += elements[i];
  }
  return text;
}

std::string append_to_list(std::string_view list, std::string_view added) {
  std::vector<std::string_view> elements = filled_elements(list);
  for (const std::string_view one : split_list(added)) {
    if (std::ranges::find(elements, one) == elements.end()) {
      elements.push_back(one);
    }
  }
  return join_list(elements);
}

std::string subtract_from_list(std::string_view list, std::string_view removed) {
  std::vector<std::string_view> elements = filled_elements(list);
  for (const std::string_view one : split_list(removed)) {
    if (const auto found = std::ranges::find(elements, one); found != elements.end()) {
      elements.erase(found);
    }
  }
  return join_list(elements);
}

}  // namespace moldau::metadata
