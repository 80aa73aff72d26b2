#include "apps/nearest_name.h"

#include <algorithm>
#include <vector>

namespace moldau::apps {
namespace {

constexpr std::size_t kNameBytesMax = 64;  // nothing that long is a name of ours

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = steps[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
      }
    }
  }
  return steps[a.size()][b.size()];
}

std::string nearest_name(std::string_view wrong, std::span<const std::string> names) {
  std::string nearest;
  std::size_t least = 3;
  for (const std::string& name : names) {
    const std::size_t distance = wrong.size() > kNameBytesMax ? least : edit_distance(wrong, name);
    if (distance < least && distance <= std::max<std::size_t>(1, name.size() / 3)) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace moldau::apps
