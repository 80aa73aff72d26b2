// What many runs amount to: counts, and how often each probe was reached; and which of the branches that the workload
// is there for were never reached.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/apps/run.h"

namespace moldau::sim {

// From so many runs on, every wanted probe must have been reached.
inline constexpr std::uint64_t kRunsThatReachAll = 200;

class Summary {
 public:
  void add(const RunResult& result);
  // The probes of this process.
  void take_probes();
  void merge(const Summary& other);

  // To and from the text that a child process sends its parent.
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static Summary decode(std::string_view text);

  // For people: one line of counts, one of probes.
  [[nodiscard]] std::string describe(double seconds) const;
  // Empty while there were fewer than kRunsThatReachAll runs.
  [[nodiscard]] std::vector<std::string> never_reached() const;

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::map<std::string, std::uint64_t, std::less<>> probes_;
};

}  // namespace moldau::sim
