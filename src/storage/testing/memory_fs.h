// MemoryFileSystem: files in memory, for tests of code that stands on the file seam. Counts what is open and fails on
// demand.
//
// Shard:  one thread. Files stay readable and writable after their name was removed, as in POSIX.
// Bound:  test-only; everything is kept. It does not model crashes: the simulator's disk does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/fs.h"

namespace moldau::storage::testing {

class MemoryFileSystem final : public runtime::FileSystem {
 public:
  struct Node {
    ByteVector bytes;
    bool unsynced = false;
    bool is_symlink = false;
  };
  struct Counters {
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
    std::uint64_t directory_syncs = 0;
    std::uint64_t reads = 0;
    std::int64_t open_files = 0;
  };

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

  // --- what tests do to it ---

  // Calls that fail from now on, until set to false again.
  bool fail_writes = false;
  bool fail_syncs = false;
  bool fail_reads = false;

  [[nodiscard]] ByteVector& content(const std::string& path);  // must exist
  void put(const std::string& path, ByteVector bytes);
  void make_symlink(const std::string& path) { put_node(path)->is_symlink = true; }
  // Files with written bytes, and directories with changed names, that were not synced since.
  [[nodiscard]] std::set<std::string> unsynced() const;
  // A copy of all files, as a process that opens the directory after kill -9 finds them.
  [[nodiscard]] std::unique_ptr<MemoryFileSystem> clone() const;
  [[nodiscard]] const Counters& counters() const noexcept { return *counters_; }

 private:
  class OpenFile;
  std::shared_ptr<Node> put_node(const std::string& path);
  void touch_names(const std::string& path);

  std::map<std::string, std::shared_ptr<Node>> files_;
  std::set<std::string> directories_;
  std::set<std::string> unsynced_directories_;
  std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
};

}  // namespace moldau::storage::testing
