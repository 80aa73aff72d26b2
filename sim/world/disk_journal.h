// What a workload did to a disk, call by call, and a disk's content as a value: what crash images are made of.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace moldau::sim {

// One call that changes something or makes it durable. Inodes are numbers that are never used twice; the root's is 1.
struct DiskOperation {
  enum class Kind : std::uint8_t {
    kWrite,     // `data` at `position` of file `inode`
    kTruncate,  // file `inode` to `position` bytes, shorter or longer
    kSync,      // of file `inode`
    kName,      // `inode` gets a name, loses one, or both: a link, an unlink, a rename
    kSyncDir,   // of directory `inode`
  };
  Kind kind = Kind::kWrite;
  std::uint64_t inode = 0;
  bool directory = false;  // of a kName: what the inode is
  std::uint64_t position = 0;
  ByteVector data = {};
  std::uint64_t from = 0;  // directories; 0: none
  std::string from_name = {};
  std::uint64_t to = 0;
  std::string to_name = {};

  // Neither a sync nor the sync of a directory.
  [[nodiscard]] bool changes() const noexcept { return kind != Kind::kSync && kind != Kind::kSyncDir; }
};

struct DiskJournal {
  std::vector<DiskOperation> operations;
};

// A tree of directories and files.
struct DiskImage {
  bool directory = true;
  ByteVector content = {};
  std::map<std::string, DiskImage> names = {};
};

}  // namespace moldau::sim
