#include "apps/process_metrics.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "http/metrics_text.h"

namespace moldau::apps {
namespace {

using http::MetricsText;
using Type = MetricsText::Type;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<std::uint64_t> resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  if (!(statm >> all >> resident)) {
    return std::nullopt;
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_files() {
  std::error_code error;
  std::uint64_t found = 0;
  for (std::filesystem::directory_iterator file("/proc/self/fd", error), end; !error && file != end;
       file.increment(error)) {
    ++found;
  }
  if (error || found == 0) {
    return std::nullopt;
  }
  return found - 1;  // without the one that reads them
}

}  // namespace

std::string process_metrics(std::chrono::system_clock::time_point started) {
  MetricsText text;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    text.single("process_cpu_seconds_total", Type::kCounter, "Processor time of the process.",
                seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  if (const auto bytes = resident_bytes()) {
    text.single("process_resident_memory_bytes", Type::kGauge, "Resident memory of the process.", *bytes);
  }
  if (const auto files = open_files()) {
    text.single("process_open_fds", Type::kGauge, "Open files of the process.", *files);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    text.single("process_max_fds", Type::kGauge, "How many files it may open.", std::uint64_t{limit.rlim_cur});
  }
  text.single("process_start_time_seconds", Type::kGauge, "When it began, since 1970.",
              std::chrono::duration<double>(started.time_since_epoch()).count());
  return text.text();
}

}  // namespace moldau::apps
