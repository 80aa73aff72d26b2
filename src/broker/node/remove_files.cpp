#include "broker/node/remove_files.h"

#include <utility>

namespace moldau::broker {

void remove_files(const runtime::World& world, runtime::Shard& shard, std::vector<std::string> paths) {
  if (paths.empty()) {
    return;
  }
  world.workers.run(
      [&fs = world.fs, &logger = world.logger, paths = std::move(paths)] {
        for (const std::string& path : paths) {
          if (const Result<> removed = fs.remove_file(path);
              !removed && removed.error().kind() != ErrorKind::kNotFound) {
            log(logger, LogLevel::kWarn, "storage", "{} was not removed: {}", path, removed.error().message());
          }
        }
      },
      shard, [] {});
}

}  // namespace moldau::broker
