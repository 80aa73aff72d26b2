// The FileSystem face of a SimDisk for one process: what product code calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/fs.h"
#include "sim/world/sim_disk.h"

namespace moldau::sim {

// The names on the way from the root; "a//b/./c" is "/a/b/c". ".." is not resolved: product code makes no such path.
[[nodiscard]] std::vector<std::string_view> path_parts(std::string_view path);

class SimFileSystem final : public runtime::FileSystem {
 public:
  SimFileSystem(SimDisk& disk, std::uint64_t process) noexcept : disk_(disk), process_(process) {}

  [[nodiscard]] Result<std::shared_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
  [[nodiscard]] Result<std::uint64_t> file_size(const std::string& path) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<std::vector<runtime::DirEntry>> list(const std::string& directory) override;
  [[nodiscard]] Result<> make_dirs(const std::string& directory) override;
  [[nodiscard]] Result<> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<> remove_file(const std::string& path) override;
  [[nodiscard]] Result<> remove_tree(const std::string& directory) override;
  [[nodiscard]] Result<> sync_dir(const std::string& directory) override;
  [[nodiscard]] Result<std::unique_ptr<runtime::FileLock>> lock(const std::string& path) override;

 private:
  struct Place {  // where a name is or would be
    InodePtr directory;
    std::string name;
    InodePtr inode;  // null if there is none
  };
  // kNotFound if a directory on the way is missing.
  [[nodiscard]] Result<Place> place_of(std::string_view path) const;
  [[nodiscard]] Result<InodePtr> existing(std::string_view path) const;
  // kClosed when the process dies within.
  [[nodiscard]] Result<> remove_below(const InodePtr& directory, const std::string& path);

  SimDisk& disk_;
  std::uint64_t process_;
};

class SimFile final : public runtime::File {
 public:
  SimFile(SimDisk& disk, std::uint64_t process, InodePtr inode, std::string path, bool writable) noexcept
      : disk_(disk), process_(process), inode_(std::move(inode)), path_(std::move(path)), writable_(writable) {}

  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override;
  [[nodiscard]] Result<> write_at(std::uint64_t position, std::span<const Bytes> pieces) override;
  [[nodiscard]] Result<std::uint64_t> size() const override;
  [[nodiscard]] Result<> truncate(std::uint64_t size) override;
  [[nodiscard]] Result<> sync() override;
  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}  // a crash may keep any page anyway

 private:
  void write_prefix(std::uint64_t position, std::span<const Bytes> pieces, std::uint64_t size);

  SimDisk& disk_;
  std::uint64_t process_;
  InodePtr inode_;
  std::string path_;  // as opened, for the trace
  bool writable_;
};

class SimFileLock final : public runtime::FileLock {
 public:
  SimFileLock(SimDisk& disk, std::uint64_t process, InodePtr inode) noexcept
      : disk_(disk), process_(process), inode_(std::move(inode)) {}
  SimFileLock(const SimFileLock&) = delete;
  SimFileLock& operator=(const SimFileLock&) = delete;
  ~SimFileLock() override;

 private:
  SimDisk& disk_;
  std::uint64_t process_;
  InodePtr inode_;
};

}  // namespace moldau::sim
