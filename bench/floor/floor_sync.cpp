// Floor of a durable acknowledgement that is not shared: one thread appends and syncs, over and over, as fio does with
// --rw=write --fdatasync=1.
//
//   floor_sync [--syncs 2000] [--bytes 4096] [--dir /tmp]
#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>

#include <fmt/format.h>

#include "bench/floor/floor.h"

using namespace moldau::bench;

int main(int count, char** values) {
  const std::uint64_t syncs = std::max<std::uint64_t>(1, argument(count, values, "--syncs", 2000));
  const std::uint64_t bytes = argument(count, values, "--bytes", 4096);
  const std::string path = fmt::format("{}/floor_sync.{}", text_argument(count, values, "--dir", "/tmp"), ::getpid());
  const int file = must(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open");
  ::unlink(path.c_str());

  const std::vector<char> data(bytes, 'x');
  std::vector<double> times;
  const double start = now_s();
  for (std::uint64_t i = 0; i < syncs; ++i) {
    const double begin = now_s();
    must(static_cast<int>(::pwrite(file, data.data(), data.size(), static_cast<off_t>(i * bytes))), "pwrite");
    must(::fdatasync(file), "fdatasync");
    times.push_back(now_s() - begin);
  }
  const double seconds = now_s() - start;
  std::sort(times.begin(), times.end());
  fmt::print("append and fdatasync of {} bytes, one thread: {:.0f} a second, p50 {:.0f} us, p99 {:.0f} us\n", bytes,
             static_cast<double>(syncs) / seconds, times[times.size() / 2] * 1e6, times[times.size() * 99 / 100] * 1e6);
  return 0;
}
