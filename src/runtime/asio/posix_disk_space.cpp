#include "runtime/asio/posix_disk_space.h"

#include <cerrno>

#include <sys/statvfs.h>

namespace moldau::runtime {

Result<SpaceOnDisk> PosixDiskSpace::space_at(const std::string& path) {
  struct statvfs found{};
  while (::statvfs(path.c_str(), &found) != 0) {
    if (errno != EINTR) {
      return fail(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo, "statvfs", errno);
    }
  }
  return SpaceOnDisk{.total_bytes = std::uint64_t{found.f_blocks} * found.f_frsize,
                     .usable_bytes = std::uint64_t{found.f_bavail} * found.f_frsize};
}

}  // namespace moldau::runtime
