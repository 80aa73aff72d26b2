// The order in which a java.util.HashMap of strings is walked.
//
// Kafka writes the ConfigRecords of one operation in that order; ours are compared with Kafka's record for record.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace moldau::metadata {

// Java's String.hashCode for text whose UTF-16 units equal its bytes (config keys are ASCII).
[[nodiscard]] constexpr std::uint32_t java_string_hash(std::string_view text) noexcept {
  std::uint32_t hash = 0;
  for (const char c : text) {
    hash = hash * 31 + static_cast<unsigned char>(c);
  }
  return hash;
}

// Sorts `items`, given in the order in which they were put into the map. `key_of(item)` is a string_view.
template <class Item, class KeyOf>
void sort_in_java_order(std::vector<Item>& items, KeyOf key_of) {
  std::uint32_t table = 16;
  while (items.size() * 4 > static_cast<std::size_t>(table) * 3) {
    table *= 2;
  }
  std::vector<std::pair<std::uint32_t, std::size_t>> order;  // bucket, then the order of insertion
  order.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::uint32_t hash = java_string_hash(key_of(items[i]));
    order.emplace_back((hash ^ (hash >> 16)) & (table - 1), i);
  }
  std::ranges::sort(order);
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  for (const auto& [bucket, index] : order) {
    sorted.push_back(std::move(items[index]));
  }
  items = std::move(sorted);
}

}  // namespace moldau::metadata
