// What every exporter of Prometheus tells of its process: processor time, memory, open files.
//
// Shard: any; reads /proc/self.
#pragma once

#include <chrono>
#include <string>

namespace moldau::apps {

// Families whose figures cannot be read are left out.
[[nodiscard]] std::string process_metrics(std::chrono::system_clock::time_point started);

}  // namespace moldau::apps
