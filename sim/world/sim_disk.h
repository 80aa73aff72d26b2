// The disk of one simulated node. It outlives the node's processes: a process mounts it, dies, and the next one mounts
// what is left.
//
// Two ways to die: kill() keeps the page cache (kill -9), power_cut() loses what was not synced, in any legal
// combination. Names (creates, renames, unlinks) are atomic operations that become durable with sync_dir() of a
// directory they touch; a kept operation brings along the earlier ones on the same inode or the same name.
//
// Invariants (sim_disk_test drives them):
//   D1  bytes below the size at a successful File::sync survive every crash, until they are written or cut again;
//   D2  a name survives every crash once sync_dir() of its directory succeeded and its ancestors' names are durable;
//   D3  a failed sync makes nothing durable for certain, and later syncs do not bring it back;
//   D4  after kill(), power_cut() or a freeze, every call of the old process fails with kClosed.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/fs.h"
#include "sim/world/disk_journal.h"
#include "sim/world/inode.h"
#include "sim/world/sim_random.h"

namespace moldau::sim {

enum class DiskCall : std::uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSize,
  kTruncate,
  kSync,
  kList,
  kMakeDirs,
  kRename,
  kRemoveFile,
  kRemoveTree,
  kSyncDir,
  kLock,
};
[[nodiscard]] std::string_view to_string(DiskCall call) noexcept;

// Rates are per million calls. A changed value counts from the next call on.
struct DiskFaults {
  std::uint32_t read_error_ppm = 0;
  std::uint32_t write_error_ppm = 0;  // a random prefix of the bytes is written
  std::uint32_t sync_error_ppm = 0;
  std::uint64_t capacity_bytes = std::numeric_limits<std::uint64_t>::max();  // of file contents
};

// Hears of every call before it runs: the trace, and the world's virtual cost of blocking calls.
class DiskObserver {
 public:
  virtual ~DiskObserver() = default;
  virtual void on_disk_call(DiskCall call, std::string_view path, std::uint64_t position, std::uint64_t size) = 0;
};

class SimDisk {
 public:
  SimDisk(SimRandom random, CrashModel model, DiskObserver* observer = nullptr);
  ~SimDisk();
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // The file system of a new process; an earlier one is killed. Must not outlive the disk; its files may outlive it.
  [[nodiscard]] std::unique_ptr<runtime::FileSystem> mount();
  void kill();
  void power_cut();

  // From the `count`-th call from now on (1 is the next) every call fails with kClosed, until the next mount(). A
  // frozen write leaves a random prefix of its bytes in the page cache. 0 takes the order back.
  void freeze_after(std::uint64_t count) noexcept { freeze_at_ = count == 0 ? 0 : calls_ + count; }
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }

  // Every call on what lies at or below the path fails with kIo from now on, as on a disk of its own that has died;
  // "" takes it back.
  void fail_below(std::string path) { failed_below_ = std::move(path); }
  // From now on every call that changes something is written down; `journal` outlives the disk. Null: no more.
  void record_to(DiskJournal* journal) noexcept { journal_ = journal; }
  // The disk holds this image, all of it durable, as if nothing had ever been there. Kills the process.
  void restore(const DiskImage& image);
  // What the page cache shows.
  [[nodiscard]] DiskImage image() const;

  [[nodiscard]] DiskFaults& faults() noexcept { return faults_; }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] std::uint64_t used_bytes() const noexcept { return *used_bytes_; }
  // False if there is no such byte.
  bool flip_bit(std::string_view path, std::uint64_t position, unsigned bit);

 private:
  friend class SimFileSystem;
  friend class SimFile;
  friend class SimFileLock;

  struct NameOperation {
    InodePtr inode;
    InodePtr from_directory;  // null for a link
    std::string from_name;
    InodePtr to_directory;  // null for an unlink
    std::string to_name;
  };

  // Every call passes here first: counts, observes, freezes. `process` is the caller's generation.
  [[nodiscard]] Result<> begin(std::uint64_t process, DiskCall call, std::string_view path, std::uint64_t position = 0,
                               std::uint64_t size = 0);
  [[nodiscard]] InodePtr new_inode(bool directory);
  [[nodiscard]] InodePtr find(std::string_view path) const;
  void link(const InodePtr& directory, std::string name, const InodePtr& inode);
  void unlink(const InodePtr& directory, std::string_view name);
  void move(const InodePtr& from, std::string_view from_name, const InodePtr& to, std::string to_name);
  void sync_file(Inode& inode);
  void sync_names(const Inode& directory);
  void commit_names(std::vector<bool> kept);
  [[nodiscard]] std::vector<bool> surviving_names();
  void settle(Inode& inode);
  void record(DiskOperation operation);
  void note_name(const NameOperation& operation);
  [[nodiscard]] InodePtr restored(const DiskImage& image);

  SimRandom random_;
  CrashModel model_;
  DiskObserver* observer_;
  DiskJournal* journal_ = nullptr;
  DiskFaults faults_;
  std::shared_ptr<std::uint64_t> used_bytes_ = std::make_shared<std::uint64_t>(0);
  std::uint64_t next_inode_ = 1;
  InodePtr root_;
  std::vector<NameOperation> pending_names_;
  std::uint64_t process_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t freeze_at_ = 0;
  bool frozen_ = true;
  std::string failed_below_;
};

}  // namespace moldau::sim
