#include "sim/world/sim_fs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace moldau::sim {

using runtime::DirEntry;
using runtime::EntryKind;
using runtime::OpenMode;

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    start = end + 1;
  }
  return parts;
}

Result<SimFileSystem::Place> SimFileSystem::place_of(std::string_view path) const {
  std::vector<std::string_view> parts = path_parts(path);
  if (parts.empty()) {
    return Place{nullptr, "/", disk_.root_};
  }
  InodePtr directory = disk_.root_;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto next = directory->names.find(parts[i]);
    if (next == directory->names.end()) {
      return fail(ErrorKind::kNotFound, "simulated path", ENOENT);
    }
    if (!next->second->directory) {
      return fail(ErrorKind::kIo, "simulated path", ENOTDIR);
    }
    directory = next->second;
  }
  const auto last = directory->names.find(parts.back());
  return Place{directory, std::string(parts.back()), last == directory->names.end() ? nullptr : last->second};
}

Result<InodePtr> SimFileSystem::existing(std::string_view path) const {
  MOLDAU_TRY(place, place_of(path));
  if (place.inode == nullptr) {
    return fail(ErrorKind::kNotFound, "simulated path", ENOENT);
  }
  return place.inode;
}

Result<std::shared_ptr<runtime::File>> SimFileSystem::open(const std::string& path, OpenMode mode) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kOpen, path));
  MOLDAU_TRY(place, place_of(path));
  const bool creating = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
  if (place.inode == nullptr && !creating) {
    return fail(ErrorKind::kNotFound, "simulated open", ENOENT);
  }
  if (place.inode != nullptr && mode == OpenMode::kCreateNew) {
    return fail(ErrorKind::kExists, "simulated open", EEXIST);
  }
  if (place.inode != nullptr && place.inode->directory) {
    return fail(ErrorKind::kIo, "simulated open", EISDIR);
  }
  if (place.inode == nullptr) {
    place.inode = disk_.new_inode(false);
    disk_.link(place.directory, place.name, place.inode);
  }
  return std::make_shared<SimFile>(disk_, process_, place.inode, path, mode != OpenMode::kRead);
}

Result<std::uint64_t> SimFileSystem::file_size(const std::string& path) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kSize, path));
  MOLDAU_TRY(inode, existing(path));
  return inode->file.cached().size();
}

Result<bool> SimFileSystem::exists(const std::string& path) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kSize, path));
  return disk_.find(path) != nullptr;
}

Result<std::vector<DirEntry>> SimFileSystem::list(const std::string& directory) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kList, directory));
  MOLDAU_TRY(inode, existing(directory));
  if (!inode->directory) {
    return fail(ErrorKind::kIo, "simulated list", ENOTDIR);
  }
  std::vector<DirEntry> entries;
  for (const auto& [name, child] : inode->names) {
    entries.push_back({name, child->directory ? EntryKind::kDirectory : EntryKind::kFile});
  }
  for (std::size_t i = entries.size(); i > 1; --i) {  // readdir promises no order: let nobody lean on one
    std::swap(entries[i - 1], entries[disk_.random_.below(i)]);
  }
  return entries;
}

Result<> SimFileSystem::make_dirs(const std::string& directory) {
  InodePtr inode = disk_.root_;
  for (const std::string_view part : path_parts(directory)) {
    MOLDAU_CHECK(disk_.begin(process_, DiskCall::kMakeDirs, directory));
    const auto next = inode->names.find(part);
    if (next == inode->names.end()) {
      const InodePtr child = disk_.new_inode(true);
      disk_.link(inode, std::string(part), child);
      inode = child;
    } else if (next->second->directory) {
      inode = next->second;
    } else {
      return fail(ErrorKind::kExists, "simulated mkdir", EEXIST);
    }
  }
  return {};
}

Result<> SimFileSystem::rename(const std::string& from, const std::string& to) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRename, from));
  MOLDAU_TRY(source, place_of(from));
  MOLDAU_TRY(target, place_of(to));
  if (source.inode == nullptr) {
    return fail(ErrorKind::kNotFound, "simulated rename", ENOENT);
  }
  const std::vector<std::string_view> from_parts = path_parts(from);
  const std::vector<std::string_view> to_parts = path_parts(to);
  if (source.directory == nullptr || target.directory == nullptr ||
      (to_parts.size() > from_parts.size() &&
       std::ranges::equal(from_parts, std::span(to_parts).first(from_parts.size())))) {
    return fail(ErrorKind::kIo, "simulated rename", EINVAL);
  }
  if (source.inode == target.inode) {
    return {};
  }
  if (target.inode != nullptr) {
    if (target.inode->directory != source.inode->directory) {
      return fail(ErrorKind::kIo, "simulated rename", target.inode->directory ? EISDIR : ENOTDIR);
    }
    if (!target.inode->names.empty()) {
      return fail(ErrorKind::kIo, "simulated rename", ENOTEMPTY);
    }
  }
  disk_.move(source.directory, source.name, target.directory, target.name);
  return {};
}

Result<> SimFileSystem::remove_file(const std::string& path) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRemoveFile, path));
  MOLDAU_TRY(place, place_of(path));
  if (place.inode == nullptr) {
    return fail(ErrorKind::kNotFound, "simulated unlink", ENOENT);
  }
  if (place.inode->directory) {
    return fail(ErrorKind::kIo, "simulated unlink", EISDIR);
  }
  disk_.unlink(place.directory, place.name);
  return {};
}

Result<> SimFileSystem::remove_below(const InodePtr& directory, const std::string& path) {
  while (!directory->names.empty()) {
    const std::string name = directory->names.begin()->first;
    const InodePtr child = directory->names.begin()->second;
    if (child->directory) {
      MOLDAU_CHECK(remove_below(child, runtime::join_path(path, name)));
    }
    MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRemoveTree, path));
    disk_.unlink(directory, name);
  }
  return {};
}

Result<> SimFileSystem::remove_tree(const std::string& directory) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRemoveTree, directory));
  auto place = place_of(directory);
  if (!place && place.error().kind() == ErrorKind::kNotFound) {
    return {};
  }
  if (!place) {
    return std::unexpected(place.error());
  }
  if (place->inode == nullptr) {
    return {};
  }
  if (place->inode->directory) {
    MOLDAU_CHECK(remove_below(place->inode, directory));
  }
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRemoveTree, directory));
  if (place->directory != nullptr) {
    disk_.unlink(place->directory, place->name);
  }
  return {};
}

Result<> SimFileSystem::sync_dir(const std::string& directory) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kSyncDir, directory));
  MOLDAU_TRY(inode, existing(directory));
  if (!inode->directory) {
    return fail(ErrorKind::kIo, "simulated fsync of a directory", ENOTDIR);
  }
  if (disk_.random_.chance(disk_.faults_.sync_error_ppm)) {
    return fail(ErrorKind::kIo, "simulated fsync of a directory", EIO);
  }
  disk_.sync_names(*inode);
  return {};
}

Result<std::unique_ptr<runtime::FileLock>> SimFileSystem::lock(const std::string& path) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kLock, path));
  MOLDAU_TRY(place, place_of(path));
  if (place.inode == nullptr) {
    place.inode = disk_.new_inode(false);
    disk_.link(place.directory, place.name, place.inode);
  }
  if (std::exchange(place.inode->locked, true)) {
    return fail(ErrorKind::kLocked, "simulated lock");
  }
  return std::make_unique<SimFileLock>(disk_, process_, place.inode);
}

SimFileLock::~SimFileLock() {
  if (disk_.process_ == process_) {
    inode_->locked = false;
  }
}

Result<std::size_t> SimFile::read_at(std::uint64_t position, MutableBytes into) const {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kRead, path_, position, into.size()));
  if (disk_.random_.chance(disk_.faults_.read_error_ppm)) {
    return fail(ErrorKind::kIo, "simulated read", EIO);
  }
  const Bytes content = inode_->file.cached();
  if (position >= content.size()) {
    return 0;
  }
  const Bytes part = content.subspan(position, std::min<std::uint64_t>(into.size(), content.size() - position));
  std::ranges::copy(part, into.begin());
  return part.size();
}

void SimFile::write_prefix(std::uint64_t position, std::span<const Bytes> pieces, std::uint64_t size) {
  DiskOperation operation{.kind = DiskOperation::Kind::kWrite, .inode = inode_->id, .position = position};
  for (const Bytes& piece : pieces) {
    const Bytes part = piece.first(std::min<std::uint64_t>(piece.size(), size));
    inode_->file.write(position, part);
    if (disk_.journal_ != nullptr) {
      operation.data.insert(operation.data.end(), part.begin(), part.end());
    }
    position += part.size();
    size -= part.size();
  }
  if (!operation.data.empty()) {
    disk_.record(std::move(operation));
  }
}

Result<> SimFile::write_at(std::uint64_t position, std::span<const Bytes> pieces) {
  std::uint64_t size = 0;
  for (const Bytes& piece : pieces) {
    size += piece.size();
  }
  const bool alive = disk_.process_ == process_ && !disk_.frozen_;
  if (auto begun = disk_.begin(process_, DiskCall::kWrite, path_, position, size); !begun) {
    if (alive && writable_) {  // it dies in this very write
      write_prefix(position, pieces, disk_.random_.between(0, size));
    }
    return begun;
  }
  if (!writable_) {
    return fail(ErrorKind::kIo, "simulated write", EBADF);
  }
  if (disk_.random_.chance(disk_.faults_.write_error_ppm)) {
    write_prefix(position, pieces, disk_.random_.between(0, size));
    return fail(ErrorKind::kIo, "simulated write", EIO);
  }
  const std::uint64_t old_size = inode_->file.cached().size();
  const std::uint64_t growth = position + size > old_size ? position + size - old_size : 0;
  const std::uint64_t used = *disk_.used_bytes_;
  const std::uint64_t room = disk_.faults_.capacity_bytes > used ? disk_.faults_.capacity_bytes - used : 0;
  if (growth > room) {
    write_prefix(position, pieces, disk_.random_.between(0, size - std::min(size, growth - room)));
    return fail(ErrorKind::kNoSpace, "simulated write", ENOSPC);
  }
  write_prefix(position, pieces, size);
  return {};
}

Result<std::uint64_t> SimFile::size() const {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kSize, path_));
  return inode_->file.cached().size();
}

Result<> SimFile::truncate(std::uint64_t size) {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kTruncate, path_, size));
  if (!writable_) {
    return fail(ErrorKind::kIo, "simulated truncate", EINVAL);
  }
  inode_->file.truncate(size);
  disk_.record({.kind = DiskOperation::Kind::kTruncate, .inode = inode_->id, .position = size});
  return {};
}

Result<> SimFile::sync() {
  MOLDAU_CHECK(disk_.begin(process_, DiskCall::kSync, path_));
  if (disk_.random_.chance(disk_.faults_.sync_error_ppm)) {
    inode_->file.fail_sync(disk_.model_, disk_.random_);
    return fail(ErrorKind::kIo, "simulated fdatasync", EIO);
  }
  disk_.sync_file(*inode_);
  return {};
}

}  // namespace moldau::sim
