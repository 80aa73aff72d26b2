#include "storage/testing/memory_fs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace moldau::storage::testing {

using runtime::DirEntry;
using runtime::EntryKind;
using runtime::File;
using runtime::OpenMode;

class MemoryFileSystem::OpenFile final : public File {
 public:
  OpenFile(MemoryFileSystem& fs, std::shared_ptr<Node> node)
      : fs_(fs), node_(std::move(node)), counters_(fs.counters_) {
    ++counters_->open_files;
  }
  ~OpenFile() override { --counters_->open_files; }

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    ++counters_->reads;
    if (fs_.fail_reads) {
      return fail(ErrorKind::kIo, "read refused by the test", EIO);
    }
    if (position >= node_->bytes.size()) {
      return 0U;
    }
    const std::size_t size = std::min<std::size_t>(into.size(), node_->bytes.size() - position);
    if (size > 0) {
      std::memcpy(into.data(), node_->bytes.data() + position, size);
    }
    return size;
  }
  Result<> write_at(std::uint64_t position, std::span<const Bytes> pieces) override {
    ++counters_->writes;
    if (fs_.fail_writes) {
      return fail(ErrorKind::kNoSpace, "write refused by the test", ENOSPC);
    }
    for (const Bytes piece : pieces) {
      if (node_->bytes.size() < position + piece.size()) {
        node_->bytes.resize(position + piece.size());
      }
      std::copy(piece.begin(), piece.end(), node_->bytes.begin() + static_cast<std::ptrdiff_t>(position));
      position += piece.size();
    }
    node_->unsynced = true;
    return {};
  }
  Result<std::uint64_t> size() const override { return node_->bytes.size(); }
  Result<> truncate(std::uint64_t size) override {
    node_->bytes.resize(size);
    node_->unsynced = true;
    return {};
  }
  Result<> sync() override {
    ++counters_->syncs;
    if (fs_.fail_syncs) {
      return fail(ErrorKind::kIo, "sync refused by the test", EIO);
    }
    node_->unsynced = false;
    return {};
  }
  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}

 private:
  MemoryFileSystem& fs_;
  std::shared_ptr<Node> node_;
  std::shared_ptr<Counters> counters_;
};

namespace {

class MemoryLock final : public runtime::FileLock {};

}  // namespace

void MemoryFileSystem::touch_names(const std::string& path) {
  unsynced_directories_.insert(runtime::parent_path(path));
}

std::shared_ptr<MemoryFileSystem::Node> MemoryFileSystem::put_node(const std::string& path) {
  auto& node = files_[path];
  if (!node) {
    node = std::make_shared<Node>();
    touch_names(path);
  }
  return node;
}

Result<std::shared_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode) {
  const bool there = files_.contains(path);
  if (!there && (mode == OpenMode::kRead || mode == OpenMode::kReadWrite)) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  if (there && mode == OpenMode::kCreateNew) {
    return fail(ErrorKind::kExists, "file exists", EEXIST);
  }
  if (!directories_.contains(runtime::parent_path(path))) {
    return fail(ErrorKind::kNotFound, "no such directory", ENOENT);
  }
  return std::make_shared<OpenFile>(*this, put_node(path));
}

Result<std::uint64_t> MemoryFileSystem::file_size(const std::string& path) {
  const auto it = files_.find(path);
  if (it == files_.end()) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  return it->second->bytes.size();
}

Result<bool> MemoryFileSystem::exists(const std::string& path) {
  return files_.contains(path) || directories_.contains(path);
}

Result<std::vector<DirEntry>> MemoryFileSystem::list(const std::string& directory) {
  if (!directories_.contains(directory)) {
    return fail(ErrorKind::kNotFound, "no such directory", ENOENT);
  }
  std::vector<DirEntry> entries;
  for (const auto& [path, node] : files_) {
    if (runtime::parent_path(path) == directory) {
      entries.push_back({path.substr(directory.size() + 1), node->is_symlink ? EntryKind::kOther : EntryKind::kFile});
    }
  }
  for (const std::string& path : directories_) {
    if (path != directory && runtime::parent_path(path) == directory) {
      entries.push_back({path.substr(directory.size() + 1), EntryKind::kDirectory});
    }
  }
  return entries;
}

Result<> MemoryFileSystem::make_dirs(const std::string& directory) {
  for (std::string path = directory; path != "/" && path != "." && directories_.insert(path).second;) {
    touch_names(path);
    path = runtime::parent_path(path);
  }
  return {};
}

Result<> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  if (const auto it = files_.find(from); it != files_.end()) {
    auto node = it->second;
    files_.erase(it);
    files_[to] = std::move(node);
    touch_names(from);
    touch_names(to);
    return {};
  }
  if (!directories_.contains(from)) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  std::map<std::string, std::shared_ptr<Node>> files;
  for (auto& [path, node] : files_) {
    files[path.starts_with(from + "/") ? to + path.substr(from.size()) : path] = node;
  }
  std::set<std::string> directories;
  for (const std::string& path : directories_) {
    directories.insert(path == from || path.starts_with(from + "/") ? to + path.substr(from.size()) : path);
  }
  files_ = std::move(files);
  directories_ = std::move(directories);
  touch_names(to);
  return {};
}

Result<> MemoryFileSystem::remove_file(const std::string& path) {
  if (files_.erase(path) == 0) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  touch_names(path);
  return {};
}

Result<> MemoryFileSystem::remove_tree(const std::string& directory) {
  std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(directory + "/"); });
  std::erase_if(directories_, [&](const auto& path) { return path == directory || path.starts_with(directory + "/"); });
  return {};
}

Result<> MemoryFileSystem::sync_dir(const std::string& directory) {
  ++counters_->directory_syncs;
  if (fail_syncs) {
    return fail(ErrorKind::kIo, "sync refused by the test", EIO);
  }
  unsynced_directories_.erase(directory);
  return {};
}

Result<std::unique_ptr<runtime::FileLock>> MemoryFileSystem::lock(const std::string&) {
  return std::make_unique<MemoryLock>();
}

ByteVector& MemoryFileSystem::content(const std::string& path) {
  MOLDAU_ASSERT(files_.contains(path));
  return files_.at(path)->bytes;
}

void MemoryFileSystem::put(const std::string& path, ByteVector bytes) {
  put_node(path)->bytes = std::move(bytes);
}

std::set<std::string> MemoryFileSystem::unsynced() const {
  std::set<std::string> names = unsynced_directories_;
  for (const auto& [path, node] : files_) {
    if (node->unsynced) {
      names.insert(path);
    }
  }
  return names;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::clone() const {
  auto copy = std::make_unique<MemoryFileSystem>();
  copy->directories_ = directories_;
  for (const auto& [path, node] : files_) {
    copy->files_[path] = std::make_shared<Node>(*node);
  }
  return copy;
}

}  // namespace moldau::storage::testing
