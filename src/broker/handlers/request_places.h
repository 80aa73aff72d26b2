// Which of the partitions of one request are named more than once, in however many entries of their topics.
//
// Bound: O(n log n) whatever names and ids the peer chose: nothing is hashed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace moldau::broker {

class RequestPlaces {
 public:
  // The number of the topic, from 0 in the order of first mention. `name` is viewed from then on.
  [[nodiscard]] std::size_t topic(const Uuid& id, std::string_view name) {
    return topics_.emplace(std::pair(id, name), topics_.size()).first->second;
  }
  [[nodiscard]] std::size_t topics() const noexcept { return topics_.size(); }
  // The partitions are numbered in the order of these calls.
  void add(std::size_t topic, std::int32_t partition) { places_.push_back({topic, partition, places_.size()}); }

  // Calls `f` with the numbers under which a partition was added, ascending, for each that has several. Call it once.
  template <class F>
  void for_each_repeated(F f) {
    std::ranges::sort(places_);
    std::vector<std::size_t> numbers;
    for (auto first = places_.begin(); first != places_.end();) {
      const auto end = std::find_if(first, places_.end(), [&](const Place& p) {
        return p.topic != first->topic || p.partition != first->partition;
      });
      if (end - first > 1) {
        numbers.clear();
        std::for_each(first, end, [&](const Place& place) { numbers.push_back(place.number); });
        f(std::span<const std::size_t>(numbers));
      }
      first = end;
    }
  }

 private:
  struct Place {
    std::size_t topic = 0;
    std::int32_t partition = 0;
    std::size_t number = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  std::map<std::pair<Uuid, std::string_view>, std::size_t> topics_;
  std::vector<Place> places_;
};

}  // namespace moldau::broker
