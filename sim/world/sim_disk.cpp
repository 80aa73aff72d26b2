#include "sim/world/sim_disk.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"
#include "sim/world/sim_fs.h"

namespace moldau::sim {

std::string_view to_string(DiskCall call) noexcept {
  switch (call) {
    case DiskCall::kOpen: return "open";
    case DiskCall::kRead: return "read";
    case DiskCall::kWrite: return "write";
    case DiskCall::kSize: return "size";
    case DiskCall::kTruncate: return "truncate";
    case DiskCall::kSync: return "sync";
    case DiskCall::kList: return "list";
    case DiskCall::kMakeDirs: return "make_dirs";
    case DiskCall::kRename: return "rename";
    case DiskCall::kRemoveFile: return "remove_file";
    case DiskCall::kRemoveTree: return "remove_tree";
    case DiskCall::kSyncDir: return "sync_dir";
    case DiskCall::kLock: return "lock";
  }
  return "?";
}

SimDisk::SimDisk(SimRandom random, CrashModel model, DiskObserver* observer)
    : random_(random), model_(model), observer_(observer), root_(new_inode(true)) {}

SimDisk::~SimDisk() = default;

std::unique_ptr<runtime::FileSystem> SimDisk::mount() {
  kill();
  frozen_ = false;
  freeze_at_ = 0;
  return std::make_unique<SimFileSystem>(*this, process_);
}

namespace {
void release_locks(Inode& inode) {
  inode.locked = false;
  for (auto& [name, child] : inode.names) {
    release_locks(*child);
  }
}
}  // namespace

void SimDisk::kill() {
  ++process_;
  frozen_ = true;
  release_locks(*root_);
}

void SimDisk::power_cut() {
  kill();
  commit_names(surviving_names());
  pending_names_.clear();
  settle(*root_);
}

bool SimDisk::flip_bit(std::string_view path, std::uint64_t position, unsigned bit) {
  const InodePtr inode = find(path);
  if (inode == nullptr || inode->directory || position >= inode->file.cached().size()) {
    return false;
  }
  inode->file.flip_bit(position, bit);
  return true;
}

Result<> SimDisk::begin(std::uint64_t process, DiskCall call, std::string_view path, std::uint64_t position,
                        std::uint64_t size) {
  if (process != process_ || frozen_) {
    return fail(ErrorKind::kClosed, "the simulated process is dead");
  }
  ++calls_;
  if (observer_ != nullptr) {
    observer_->on_disk_call(call, path, position, size);
  }
  if (calls_ == freeze_at_) {
    frozen_ = true;
    return fail(ErrorKind::kClosed, "the simulated process dies at this call");
  }
  if (!failed_below_.empty() && path.starts_with(failed_below_) &&
      (path.size() == failed_below_.size() || path[failed_below_.size()] == '/')) {
    return fail(ErrorKind::kIo, "the simulated disk of this directory has failed");
  }
  return {};
}

InodePtr SimDisk::new_inode(bool directory) {
  return std::make_shared<Inode>(next_inode_++, directory, used_bytes_);
}

InodePtr SimDisk::find(std::string_view path) const {
  InodePtr inode = root_;
  for (const std::string_view part : path_parts(path)) {
    if (!inode->directory) {
      return nullptr;
    }
    const auto place = inode->names.find(part);
    if (place == inode->names.end()) {
      return nullptr;
    }
    inode = place->second;
  }
  return inode;
}

void SimDisk::record(DiskOperation operation) {
  if (journal_ != nullptr) {
    journal_->operations.push_back(std::move(operation));
  }
}

void SimDisk::note_name(const NameOperation& operation) {
  record({.kind = DiskOperation::Kind::kName,
          .inode = operation.inode->id,
          .directory = operation.inode->directory,
          .from = operation.from_directory ? operation.from_directory->id : 0,
          .from_name = operation.from_name,
          .to = operation.to_directory ? operation.to_directory->id : 0,
          .to_name = operation.to_name});
}

void SimDisk::restore(const DiskImage& image) {
  kill();
  pending_names_.clear();
  root_ = restored(image);
}

InodePtr SimDisk::restored(const DiskImage& image) {
  InodePtr inode = new_inode(image.directory);
  inode->file.restore(image.content);
  for (const auto& [name, child] : image.names) {
    inode->names.emplace(name, restored(child));
  }
  inode->durable_names = inode->names;
  return inode;
}

namespace {
DiskImage image_of(const Inode& inode) {
  DiskImage image{.directory = inode.directory, .content = to_vector(inode.file.cached())};
  for (const auto& [name, child] : inode.names) {
    image.names.emplace(name, image_of(*child));
  }
  return image;
}
}  // namespace

DiskImage SimDisk::image() const {
  return image_of(*root_);
}

void SimDisk::link(const InodePtr& directory, std::string name, const InodePtr& inode) {
  directory->names[name] = inode;
  pending_names_.push_back({inode, nullptr, {}, directory, std::move(name)});
  note_name(pending_names_.back());
}

void SimDisk::unlink(const InodePtr& directory, std::string_view name) {
  const auto place = directory->names.find(name);
  MOLDAU_ASSERT(place != directory->names.end());
  pending_names_.push_back({place->second, directory, std::string(name), nullptr, {}});
  note_name(pending_names_.back());
  directory->names.erase(place);
}

void SimDisk::move(const InodePtr& from, std::string_view from_name, const InodePtr& to, std::string to_name) {
  const auto place = from->names.find(from_name);
  MOLDAU_ASSERT(place != from->names.end());
  const InodePtr inode = place->second;
  from->names.erase(place);
  to->names[to_name] = inode;
  pending_names_.push_back({inode, from, std::string(from_name), to, std::move(to_name)});
  note_name(pending_names_.back());
}

void SimDisk::sync_file(Inode& inode) {
  record({.kind = DiskOperation::Kind::kSync, .inode = inode.id});
  inode.file.sync();
  if (model_ == CrashModel::kOrdered) {
    commit_names(std::vector<bool>(pending_names_.size(), true));
  }
}

void SimDisk::sync_names(const Inode& directory) {
  record({.kind = DiskOperation::Kind::kSyncDir, .inode = directory.id});
  std::vector<bool> kept(pending_names_.size(), model_ == CrashModel::kOrdered);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const NameOperation& operation = pending_names_[i];
    kept[i] = kept[i] || operation.from_directory.get() == &directory || operation.to_directory.get() == &directory;
  }
  commit_names(std::move(kept));
}

// Applies the chosen operations, and the earlier ones they stand on, to the durable names; the others stay pending.
void SimDisk::commit_names(std::vector<bool> kept) {
  std::set<std::uint64_t> inodes;
  std::set<std::pair<std::uint64_t, std::string>> names;
  for (std::size_t i = kept.size(); i-- > 0;) {
    const NameOperation& operation = pending_names_[i];
    const auto* from = operation.from_directory.get();
    const auto* to = operation.to_directory.get();
    kept[i] = kept[i] || inodes.contains(operation.inode->id) ||
              (from != nullptr && names.contains({from->id, operation.from_name})) ||
              (to != nullptr && names.contains({to->id, operation.to_name}));
    if (!kept[i]) {
      continue;
    }
    inodes.insert(operation.inode->id);
    if (from != nullptr) {
      names.emplace(from->id, operation.from_name);
    }
    if (to != nullptr) {
      names.emplace(to->id, operation.to_name);
    }
  }
  std::vector<NameOperation> left;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    NameOperation& operation = pending_names_[i];
    if (!kept[i]) {
      left.push_back(std::move(operation));
      continue;
    }
    if (operation.from_directory != nullptr) {
      operation.from_directory->durable_names.erase(operation.from_name);
    }
    if (operation.to_directory != nullptr) {
      operation.to_directory->durable_names[operation.to_name] = operation.inode;
    }
  }
  pending_names_ = std::move(left);
}

std::vector<bool> SimDisk::surviving_names() {
  const std::size_t count = pending_names_.size();
  std::vector<bool> kept(count, false);
  const std::uint64_t style = random_.below(4);
  std::size_t prefix = 0;
  switch (style) {
    case 0: prefix = 0; break;
    case 1: prefix = count; break;
    default: prefix = random_.below(count + 1); break;
  }
  const bool subset = model_ == CrashModel::kAnything && style == 3;
  for (std::size_t i = 0; i < count; ++i) {
    kept[i] = subset ? random_.below(2) == 0 : i < prefix;
  }
  return kept;
}

void SimDisk::settle(Inode& inode) {
  inode.names = inode.durable_names;
  if (!inode.directory) {
    inode.file.crash(model_, random_);
  }
  for (auto& [name, child] : inode.names) {
    settle(*child);
  }
}

}  // namespace moldau::sim
