#include "broker/handlers/request_places.h"

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

using Numbers = std::vector<std::vector<std::size_t>>;

Numbers repeated(RequestPlaces& places) {
  Numbers all;
  places.for_each_repeated(
      [&](std::span<const std::size_t> numbers) { all.emplace_back(numbers.begin(), numbers.end()); });
  return all;
}

TEST(RequestPlaces, FindsWhatIsNamedAgainInWhateverEntry) {
  RequestPlaces places;
  const std::size_t a = places.topic({}, "a");
  const std::size_t b = places.topic({}, "b");
  places.add(a, 0);
  places.add(a, 1);
  places.add(b, 0);
  places.add(b, 1);
  places.add(places.topic({}, "a"), 1);
  places.add(b, 1);
  places.add(a, 1);
  EXPECT_EQ(repeated(places), (Numbers{{1, 4, 6}, {3, 5}}));
  EXPECT_EQ(places.topics(), 2U);
}

TEST(RequestPlaces, TellsTopicsApartByIdAndByName) {
  RequestPlaces places;
  places.add(places.topic(Uuid{1, 2}, ""), 0);
  places.add(places.topic(Uuid{2, 1}, ""), 0);
  places.add(places.topic({}, ""), 0);
  places.add(places.topic({}, "a"), 0);
  EXPECT_EQ(repeated(places), Numbers{});
}

}  // namespace
}  // namespace moldau::broker
