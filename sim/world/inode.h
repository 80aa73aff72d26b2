// One file or directory of a simulated disk, in two versions: what the page cache shows, and what is durable.
//
// A file is its durable content plus the operations since its last sync; a crash keeps a legal part of those. Rules of
// legality, per file:
//   - whole sectors: each sector holds one of the versions it had since the last sync (512 B or 4 KiB, drawn per
//   crash);
//   - the size is one of the sizes the file had since the last sync (CrashModel::kAnything: data of sectors that were
//   not
//     written reads as zeros; kOrdered: the size stops before the first such sector, as ext4 in ordered mode does);
//   - a truncation frees blocks: once its size is visible, no older byte beyond it is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sim/world/sim_random.h"

namespace moldau::sim {

enum class CrashModel : std::uint8_t {
  kOrdered,   // like ext4 data=ordered: names survive as a prefix of their order, any sync commits all names before it
  kAnything,  // all that POSIX allows a journaling file system: names survive in any closed subset
};

class FileContent {
 public:
  // `used_bytes` counts the page-cache size of all files of the disk.
  explicit FileContent(std::shared_ptr<std::uint64_t> used_bytes) noexcept : used_bytes_(std::move(used_bytes)) {}
  FileContent(const FileContent&) = delete;
  FileContent& operator=(const FileContent&) = delete;
  ~FileContent() { *used_bytes_ -= cached_.size(); }

  [[nodiscard]] Bytes cached() const noexcept { return cached_; }
  [[nodiscard]] Bytes durable() const noexcept { return durable_; }
  [[nodiscard]] bool dirty() const noexcept { return !pending_.empty(); }

  void write(std::uint64_t position, Bytes data);
  void truncate(std::uint64_t size);
  // Changes both versions behind the product's back: bit rot.
  void flip_bit(std::uint64_t position, unsigned bit);

  void sync();
  // The kernel forgets that the pages are dirty; a legal part of them reached the disk, the page cache shows all.
  void fail_sync(CrashModel model, SimRandom& random);
  // Both versions become these bytes.
  void restore(Bytes content);
  // Both versions become what survived.
  void crash(CrashModel model, SimRandom& random);

 private:
  struct Operation {
    bool truncation = false;
    bool shrinking = false;
    std::uint64_t position = 0;  // of a write
    std::uint64_t size_after = 0;
    ByteVector data;
  };

  void resize_cached(std::uint64_t size);
  [[nodiscard]] ByteVector survivor(CrashModel model, SimRandom& random) const;

  std::shared_ptr<std::uint64_t> used_bytes_;
  ByteVector cached_;
  ByteVector durable_;
  std::vector<Operation> pending_;
};

struct Inode;
using InodePtr = std::shared_ptr<Inode>;
using Names = std::map<std::string, InodePtr, std::less<>>;

struct Inode {
  Inode(std::uint64_t inode_id, bool is_directory, std::shared_ptr<std::uint64_t> used_bytes) noexcept
      : id(inode_id), directory(is_directory), file(std::move(used_bytes)) {}

  std::uint64_t id;
  bool directory;
  bool locked = false;
  FileContent file;
  Names names;  // of a directory: what the page cache shows
  Names durable_names;
};

}  // namespace moldau::sim
