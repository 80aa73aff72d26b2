// Opens all of log.dirs together: each alone, then whether they belong together.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "runtime/random.h"
#include "storage/directory/log_directory.h"

namespace moldau::storage {

struct OpenedDirectories {
  std::vector<std::unique_ptr<LogDirectory>> online;  // in the order of log.dirs
  std::vector<DirectoryFault> offline;
  ClusterIdentity identity;  // `expected`, completed by what the files say
};

// Nothing but lock files and missing directories is written. The error is one line that says why the start is refused:
// a directory named twice or held by another process, meta.properties of another cluster or node, the same partition in
// two directories, no directory that works. Blocks.
[[nodiscard]] std::expected<OpenedDirectories, std::string> open_log_directories(runtime::FileSystem& fs,
                                                                                 Logger& logger,
                                                                                 std::span<const std::string> paths,
                                                                                 const ClusterIdentity& expected);

// A path as LogDirectory has it: without a '/' too many, so that a directory named twice is noticed.
[[nodiscard]] std::string plain_path(std::string_view path);

// Gives an id to a formatted directory that has none, as Kafka does at its start. Blocks.
[[nodiscard]] Result<> assign_directory_id(LogDirectory& directory, runtime::Random& random);

}  // namespace moldau::storage
