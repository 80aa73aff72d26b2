// Floor of Fetch: a file in the page cache leaves by sendfile; the client reads and drops.
//
//   floor_sendfile [--bytes 8000000000] [--region 1048576] [--dir /tmp]
#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/sendfile.h>

#include <fmt/format.h>

#include "bench/floor/floor.h"

using namespace moldau::bench;

namespace {

constexpr std::uint64_t kFileBytes = 64 << 20;

void receive_all(std::uint16_t port) {
  const int socket = connect_to(port);
  std::vector<char> buffer(1 << 20);
  while (::recv(socket, buffer.data(), buffer.size(), 0) > 0) {
  }
  ::close(socket);
}

}  // namespace

int main(int count, char** values) {
  const std::uint64_t bytes = argument(count, values, "--bytes", 8'000'000'000);
  const std::uint64_t region = std::min(argument(count, values, "--region", 1 << 20), kFileBytes);
  const std::string path =
      fmt::format("{}/floor_sendfile.{}", text_argument(count, values, "--dir", "/tmp"), ::getpid());
  const int file = must(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open");
  ::unlink(path.c_str());
  const std::vector<char> content(kFileBytes, 'x');
  for (std::uint64_t written = 0; written < kFileBytes;) {
    written += static_cast<std::uint64_t>(must(
        static_cast<int>(::pwrite(file, content.data() + written, kFileBytes - written, static_cast<off_t>(written))),
        "pwrite"));
  }
  const LoopbackListener listener;
  const pid_t client = in_child([&] { receive_all(listener.port()); });
  const int socket = listener.accept();

  const double start = now_s();
  const double cpu = cpu_s();
  std::uint64_t total = 0;
  off_t position = 0;
  while (total < bytes) {
    if (static_cast<std::uint64_t>(position) + region > kFileBytes) {
      position = 0;
    }
    total +=
        static_cast<std::uint64_t>(must(static_cast<int>(::sendfile(socket, file, &position, region)), "sendfile"));
  }
  const double seconds = now_s() - start;
  const double gigabytes = static_cast<double>(total) / 1e9;
  fmt::print("sendfile, {} byte regions: {:.2f} GB/s, server {:.3f} cpu-s/GB\n", region, gigabytes / seconds,
             (cpu_s() - cpu) / gigabytes);
  ::close(socket);
  wait_for(client);
  return 0;
}
