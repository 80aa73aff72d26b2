#include "storage/directory/open_directories.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace moldau::storage {
namespace {

struct Place {
  LogDirectory* directory;
  FoundPartition found;
};

// "" if every partition is in one directory only. A topic of the same name is another one. Where a directory failed
// while a partition was made there, the partition was made in another one: what is left of the first try has no
// records, and is dropped.
std::string settle_duplicates(const std::vector<std::unique_ptr<LogDirectory>>& directories) {
  std::map<std::pair<TopicPartition, Uuid>, Place> seen;
  std::vector<Place> leftovers;
  for (const auto& directory : directories) {
    for (const FoundPartition& found : directory->contents().partitions) {
      if (!found.topic_id) {
        continue;
      }
      Place here{directory.get(), found};
      const auto [other, fresh] = seen.emplace(std::pair(found.name, *found.topic_id), here);
      if (fresh) {
        continue;
      }
      if (directory->never_used(found)) {
        leftovers.push_back(std::move(here));
      } else if (other->second.directory->never_used(other->second.found)) {
        leftovers.push_back(std::exchange(other->second, std::move(here)));
      } else {
        return fmt::format("partition {} is in {} and in {}; remove the one that is out of date",
                           partition_directory_name(found.name), other->second.found.directory, found.directory);
      }
    }
  }
  for (const Place& leftover : leftovers) {
    leftover.directory->drop(leftover.found.directory);
  }
  return {};
}

}  // namespace

std::string plain_path(std::string_view path) {
  std::string plain;
  for (const char c : path) {
    if (c != '/' || plain.empty() || plain.back() != '/') {
      plain.push_back(c);
    }
  }
  if (plain.size() > 1 && plain.back() == '/') {
    plain.pop_back();
  }
  return plain;
}

std::expected<OpenedDirectories, std::string> open_log_directories(runtime::FileSystem& fs, Logger& logger,
                                                                   std::span<const std::string> paths,
                                                                   const ClusterIdentity& expected) {
  OpenedDirectories opened;
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    names.push_back(plain_path(path));
    if (std::ranges::count(names, names.back()) > 1) {
      return std::unexpected(fmt::format("log.dirs names {} twice", names.back()));
    }
  }
  std::vector<DirectoryIdentity> identities;
  for (const std::string& name : names) {
    auto directory = LogDirectory::open(fs, logger, name);
    if (!directory && directory.error().refuse) {
      return std::unexpected(directory.error().text);
    }
    if (!directory) {
      log(logger, LogLevel::kError, "storage", "{}", directory.error().text);
      opened.offline.push_back(std::move(directory).error());
      continue;
    }
    identities.push_back({name, (*directory)->identity()});
    opened.online.push_back(*std::move(directory));
  }
  if (opened.online.empty()) {
    return std::unexpected(opened.offline.empty() ? std::string("log.dirs names no directory")
                                                  : "no log directory works: " + opened.offline.front().text);
  }
  auto identity = agree_on_identity(identities, expected);
  if (!identity) {
    return std::unexpected(std::move(identity).error());
  }
  opened.identity = *std::move(identity);
  if (std::string duplicate = settle_duplicates(opened.online); !duplicate.empty()) {
    return std::unexpected(std::move(duplicate));
  }
  return opened;
}

Result<> assign_directory_id(LogDirectory& directory, runtime::Random& random) {
  if (directory.identity() && !directory.identity()->directory_id) {
    MetaProperties identity = *directory.identity();
    do {
      identity.directory_id = random.uuid();
    } while (is_reserved_directory_id(*identity.directory_id));
    MOLDAU_CHECK(directory.write_identity(identity));
  }
  return {};
}

}  // namespace moldau::storage
