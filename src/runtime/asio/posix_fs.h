// The FileSystem of production: POSIX calls, nothing cached. Relative paths are relative to the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/fs.h"

namespace moldau::runtime {

// One open descriptor, close-on-exec. The network sends ranges of it by sendfile.
class PosixFile final : public File {
 public:
  explicit PosixFile(int descriptor) noexcept : descriptor_(descriptor) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override;

  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override;
  [[nodiscard]] Result<> write_at(std::uint64_t position, std::span<const Bytes> pieces) override;
  [[nodiscard]] Result<std::uint64_t> size() const override;
  [[nodiscard]] Result<> truncate(std::uint64_t size) override;
  [[nodiscard]] Result<> sync() override;
  void start_writeback(std::uint64_t position, std::uint64_t size) noexcept override;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

// Shard:  any thread.
// Locks:  fcntl(F_SETLK, whole file, exclusive), what Java's FileChannel.tryLock takes, so that Apache Kafka and Moldau
//         exclude each other. Such a lock belongs to the process and dies when any descriptor of the file is closed:
//         this object refuses (kLocked) a second lock on a file that it holds, before it opens the file.
class PosixFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<std::uint64_t> file_size(const std::string& path) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<std::vector<DirEntry>> list(const std::string& directory) override;
  [[nodiscard]] Result<> make_dirs(const std::string& directory) override;
  [[nodiscard]] Result<> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<> remove_file(const std::string& path) override;
  [[nodiscard]] Result<> remove_tree(const std::string& directory) override;
  [[nodiscard]] Result<> sync_dir(const std::string& directory) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  struct HeldLocks {
    using FileId = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
    std::mutex mutex;
    std::set<FileId> files;
  };
  class PosixFileLock;

  std::shared_ptr<HeldLocks> held_ = std::make_shared<HeldLocks>();  // locks may outlive the file system
};

}  // namespace moldau::runtime
