// CrashFileSystem: a disk whose power can be cut after any call, and what may be found on it then.
//
// Shard:  one thread. It works on a MemoryFileSystem and remembers beside it what was synced: the bytes of each file at
//         its last sync(), the names of each directory at its last sync_dir().
// Images: after a cut, images() are disks as a machine may find them: all that was written; only what was synced; all
//         names but one of the changes since the last sync_dir, each in turn; names that were not synced with bytes
//         that were not synced either.
// Bound:  test-only; everything is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/fs.h"
#include "storage/testing/memory_fs.h"

namespace moldau::storage::testing {

class CrashFileSystem final : public runtime::FileSystem {
 public:
  // The files of one directory; what lies on `disk` is durable.
  CrashFileSystem(const MemoryFileSystem& disk, const std::string& directory);

  // Every changing call after so many more fails with kIo and changes nothing.
  void cut_after(std::uint64_t calls) { calls_left_ = calls; }
  [[nodiscard]] bool is_cut() const noexcept { return calls_left_ == 0; }
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }  // changing calls so far

  [[nodiscard]] std::vector<std::unique_ptr<MemoryFileSystem>> images() const;

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
  class OpenFile;
  struct Node {
    ByteVector bytes;
    ByteVector synced;
  };
  // A change of names: `node` now has the name `to` (empty: none), and no longer `from` (empty: it had none).
  struct Change {
    std::string from;
    std::string to;
    std::shared_ptr<Node> node;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  [[nodiscard]] Result<> spend();
  static void apply(const Change& change, Names& names);
  [[nodiscard]] std::unique_ptr<MemoryFileSystem> image(const Names& names, bool all_bytes) const;

  Names names_;
  Names durable_;
  std::vector<Change> pending_;  // since the last sync_dir of their directory, in order
  std::vector<std::string> directories_;
  std::optional<std::uint64_t> calls_left_;
  std::uint64_t changes_ = 0;
};

}  // namespace moldau::storage::testing
