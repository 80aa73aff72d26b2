// Floor of Produce: receive, CRC-32C, append. A client sends bytes over one loopback connection; the server reads them
// in pieces, sums each piece while it is in the cache and writes it behind a file, which starts anew when it is full:
// with a file as large as all bytes, memory is touched for the first time as a log does it.
//
//   floor_append [--bytes 2000000000] [--read 65536] [--file 256000000] [--dir /tmp]
#include <vector>

#include <fcntl.h>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "bench/floor/floor.h"

using namespace moldau;
using namespace moldau::bench;

namespace {

void send_bytes(std::uint16_t port, std::uint64_t bytes) {
  const int socket = connect_to(port);
  const std::vector<char> data(1 << 20, 'x');
  for (std::uint64_t sent = 0; sent < bytes;) {
    sent += static_cast<std::uint64_t>(must(static_cast<int>(::send(socket, data.data(), data.size(), 0)), "send"));
  }
  ::close(socket);
}

}  // namespace

int main(int count, char** values) {
  const std::uint64_t bytes = argument(count, values, "--bytes", 2'000'000'000);
  const std::uint64_t file_bytes = argument(count, values, "--file", 256'000'000);
  const std::uint64_t read_bytes = argument(count, values, "--read", 65'536);
  const std::string path = fmt::format("{}/floor_append.{}", text_argument(count, values, "--dir", "/tmp"), ::getpid());
  const LoopbackListener listener;
  const pid_t client = in_child([&] { send_bytes(listener.port(), bytes); });
  const int socket = listener.accept();
  const int file = must(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open");
  ::unlink(path.c_str());

  ByteVector buffer(read_bytes);
  std::uint64_t total = 0;
  std::uint64_t in_file = 0;
  std::uint32_t sum = 0;
  const double start = now_s();
  const double cpu = cpu_s();
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      break;
    }
    const Bytes piece = Bytes(buffer).first(static_cast<std::size_t>(got));
    sum ^= crc32c(piece);
    must(static_cast<int>(::pwrite(file, piece.data(), piece.size(), static_cast<off_t>(in_file))), "pwrite");
    total += piece.size();
    in_file += piece.size();
    if (in_file >= file_bytes) {
      must(::ftruncate(file, 0), "ftruncate");
      in_file = 0;
    }
  }
  const double seconds = now_s() - start;
  const double gigabytes = static_cast<double>(total) / 1e9;
  fmt::print("receive+crc32c+append, {} byte reads: {:.2f} GB/s, server {:.3f} cpu-s/GB (sum {:08x})\n", read_bytes,
             gigabytes / seconds, (cpu_s() - cpu) / gigabytes, sum);
  wait_for(client);
  return 0;
}
