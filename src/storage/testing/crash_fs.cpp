#include "storage/testing/crash_fs.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace moldau::storage::testing {

using runtime::DirEntry;
using runtime::EntryKind;
using runtime::OpenMode;

class CrashFileSystem::OpenFile final : public runtime::File {
 public:
  OpenFile(CrashFileSystem& fs, std::shared_ptr<Node> node) : fs_(fs), node_(std::move(node)) {}

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    if (position >= node_->bytes.size()) {
      return 0U;
    }
    const std::size_t size = std::min<std::size_t>(into.size(), node_->bytes.size() - position);
    std::copy_n(node_->bytes.begin() + static_cast<std::ptrdiff_t>(position), size, into.begin());
    return size;
  }
  Result<> write_at(std::uint64_t position, std::span<const Bytes> pieces) override {
    MOLDAU_CHECK(fs_.spend());
    for (const Bytes piece : pieces) {
      node_->bytes.resize(std::max<std::size_t>(node_->bytes.size(), position + piece.size()));
      std::copy(piece.begin(), piece.end(), node_->bytes.begin() + static_cast<std::ptrdiff_t>(position));
      position += piece.size();
    }
    return {};
  }
  Result<std::uint64_t> size() const override { return node_->bytes.size(); }
  Result<> truncate(std::uint64_t size) override {
    MOLDAU_CHECK(fs_.spend());
    node_->bytes.resize(size);
    return {};
  }
  Result<> sync() override {
    MOLDAU_CHECK(fs_.spend());
    node_->synced = node_->bytes;
    return {};
  }
  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}

 private:
  CrashFileSystem& fs_;
  std::shared_ptr<Node> node_;
};

CrashFileSystem::CrashFileSystem(const MemoryFileSystem& disk, const std::string& directory) : directories_{directory} {
  const auto copy = disk.clone();
  for (const DirEntry& entry : copy->list(directory).value_or(std::vector<DirEntry>{})) {
    const std::string path = runtime::join_path(directory, entry.name);
    names_[path] = std::make_shared<Node>(Node{copy->content(path), copy->content(path)});
  }
  durable_ = names_;
}

Result<> CrashFileSystem::spend() {
  if (calls_left_ && *calls_left_ == 0) {
    return fail(ErrorKind::kIo, "the power is cut", EIO);
  }
  ++changes_;
  if (calls_left_) {
    --*calls_left_;
  }
  return {};
}

void CrashFileSystem::apply(const Change& change, Names& names) {
  if (!change.from.empty()) {
    if (const auto it = names.find(change.from); it != names.end() && it->second == change.node) {
      names.erase(it);
    }
  }
  if (!change.to.empty()) {
    names[change.to] = change.node;
  }
}

std::unique_ptr<MemoryFileSystem> CrashFileSystem::image(const Names& names, bool all_bytes) const {
  auto disk = std::make_unique<MemoryFileSystem>();
  for (const std::string& directory : directories_) {
    static_cast<void>(disk->make_dirs(directory));
  }
  for (const auto& [path, node] : names) {
    disk->put(path, all_bytes ? node->bytes : node->synced);
  }
  return disk;
}

std::vector<std::unique_ptr<MemoryFileSystem>> CrashFileSystem::images() const {
  std::vector<std::unique_ptr<MemoryFileSystem>> found;
  found.push_back(image(names_, true));
  found.push_back(image(names_, false));
  found.push_back(image(durable_, false));
  found.push_back(image(durable_, true));
  for (std::size_t lost = 0; lost < pending_.size(); ++lost) {
    Names names = durable_;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      // What never got its first name cannot get another.
      const bool there = pending_[i].from.empty() || names.contains(pending_[i].from);
      if (i != lost && there) {
        apply(pending_[i], names);
      }
    }
    found.push_back(image(names, true));
    found.push_back(image(names, false));
  }
  return found;
}

Result<std::shared_ptr<runtime::File>> CrashFileSystem::open(const std::string& path, OpenMode mode) {
  const auto it = names_.find(path);
  if (it != names_.end()) {
    if (mode == OpenMode::kCreateNew) {
      return fail(ErrorKind::kExists, "file exists", EEXIST);
    }
    return std::make_shared<OpenFile>(*this, it->second);
  }
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  MOLDAU_CHECK(spend());
  pending_.push_back({"", path, std::make_shared<Node>()});
  apply(pending_.back(), names_);
  return std::make_shared<OpenFile>(*this, names_.at(path));
}

Result<std::uint64_t> CrashFileSystem::file_size(const std::string& path) {
  const auto it = names_.find(path);
  return it == names_.end() ? Result<std::uint64_t>(fail(ErrorKind::kNotFound, "no such file", ENOENT))
                            : Result<std::uint64_t>(it->second->bytes.size());
}

Result<bool> CrashFileSystem::exists(const std::string& path) {
  return names_.contains(path) || std::ranges::find(directories_, path) != directories_.end();
}

Result<std::vector<DirEntry>> CrashFileSystem::list(const std::string& directory) {
  std::vector<DirEntry> entries;
  for (const auto& [path, node] : names_) {
    if (runtime::parent_path(path) == directory) {
      entries.push_back({path.substr(directory.size() + 1), EntryKind::kFile});
    }
  }
  return entries;
}

Result<> CrashFileSystem::make_dirs(const std::string& directory) {
  MOLDAU_CHECK(spend());
  directories_.push_back(directory);
  return {};
}

Result<> CrashFileSystem::rename(const std::string& from, const std::string& to) {
  const auto it = names_.find(from);
  if (it == names_.end()) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  MOLDAU_CHECK(spend());
  pending_.push_back({from, to, it->second});
  apply(pending_.back(), names_);
  return {};
}

Result<> CrashFileSystem::remove_file(const std::string& path) {
  const auto it = names_.find(path);
  if (it == names_.end()) {
    return fail(ErrorKind::kNotFound, "no such file", ENOENT);
  }
  MOLDAU_CHECK(spend());
  pending_.push_back({path, "", it->second});
  apply(pending_.back(), names_);
  return {};
}

Result<> CrashFileSystem::remove_tree(const std::string&) {
  return fail(ErrorKind::kUnsupported, "whole trees are not removed here");
}

Result<> CrashFileSystem::sync_dir(const std::string& directory) {
  MOLDAU_CHECK(spend());
  std::erase_if(pending_, [&](const Change& change) {
    const std::string& name = change.to.empty() ? change.from : change.to;
    if (runtime::parent_path(name) != directory) {
      return false;
    }
    apply(change, durable_);
    return true;
  });
  return {};
}

Result<std::unique_ptr<runtime::FileLock>> CrashFileSystem::lock(const std::string&) {
  return fail(ErrorKind::kUnsupported, "no locks here");
}

}  // namespace moldau::storage::testing
