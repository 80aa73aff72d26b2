// Files as a seam. Calls that only touch the page cache may run on a shard's thread; those marked "blocks" belong on
// Workers (or in start-up). Paths are absolute or relative to the process, '/'-separated.
//
// Durability as of POSIX: written bytes survive a process crash at once, a power cut only after sync(); a new, renamed
// or removed name survives a power cut only after sync_dir() of its directory. The simulated disk is as mean as that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace moldau::runtime {

class File {
 public:
  virtual ~File() = default;  // closes

  // Fills `into` or stops at the end of the file: the count read. kIo on failure.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const = 0;
  // All bytes at `position`, or an error after which the range is unknown. kNoSpace, kIo.
  [[nodiscard]] virtual Result<> write_at(std::uint64_t position, std::span<const Bytes> pieces) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  [[nodiscard]] virtual Result<> truncate(std::uint64_t size) = 0;
  // Makes the bytes and the size durable (fdatasync). Blocks. An error is final: the file is never synced again.
  [[nodiscard]] virtual Result<> sync() = 0;
  // Asks the kernel to start writing the range back; no promise.
  virtual void start_writeback(std::uint64_t position, std::uint64_t size) noexcept = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // read-write; made if missing
  kCreateNew,  // read-write; kExists if there
};

enum class EntryKind : std::uint8_t { kFile, kDirectory, kOther };  // kOther: symbolic links, sockets, devices

struct DirEntry {
  std::string name;
  EntryKind kind = EntryKind::kFile;
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

// Held until destroyed; also dies with the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> file_size(const std::string& path) = 0;
  [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
  // Names in no order, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<DirEntry>> list(const std::string& directory) = 0;
  // Makes the directory and missing parents; fine if it is there.
  [[nodiscard]] virtual Result<> make_dirs(const std::string& directory) = 0;
  // Atomic; replaces a file of that name.
  [[nodiscard]] virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  // kNotFound if missing.
  [[nodiscard]] virtual Result<> remove_file(const std::string& path) = 0;
  // The directory and all in it. Fine if missing.
  [[nodiscard]] virtual Result<> remove_tree(const std::string& directory) = 0;
  // Makes the names in the directory durable. Blocks.
  [[nodiscard]] virtual Result<> sync_dir(const std::string& directory) = 0;
  // fcntl lock on the file, made if missing, as Java takes it. kLocked if another process holds it.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// Whole small files: meta.properties, checkpoints. `bytes_max` bounds what is read (kTooLarge).
[[nodiscard]] Result<ByteVector> read_file(FileSystem& fs, const std::string& path, std::uint64_t bytes_max);
// Writes path.tmp, syncs it, renames it over path, syncs the directory: the old or the new content, whole. Blocks.
[[nodiscard]] Result<> replace_file(FileSystem& fs, const std::string& path, Bytes content);

[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);
[[nodiscard]] std::string parent_path(std::string_view path);

}  // namespace moldau::runtime
