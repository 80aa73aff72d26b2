#include "storage/compaction/segment_swap.h"

#include <array>

#include "storage/segment/segment_files.h"

namespace moldau::storage {
namespace {

// The .log first in every step.
constexpr std::array kRoles{FileRole::kLog, FileRole::kOffsetIndex, FileRole::kTimeIndex, FileRole::kTransactionIndex};

Result<> rename_if_there(runtime::FileSystem& fs, const std::string& from, const std::string& to) {
  auto renamed = fs.rename(from, to);
  return !renamed && renamed.error().kind() == ErrorKind::kNotFound ? Result<>{} : renamed;
}

Result<> rename_all(runtime::FileSystem& fs, const std::string& directory, Offset base, FileStage from, FileStage to) {
  for (const FileRole role : kRoles) {
    const std::string path = log_file_path(directory, base, role, from);
    MOLDAU_CHECK(rename_if_there(fs, path, log_file_path(directory, base, role, to)));
  }
  return {};
}

}  // namespace

Result<> put_in_place(runtime::FileSystem& fs, const std::string& directory, const CompactedGroup& group) {
  MOLDAU_CHECK(fs.sync_dir(directory));
  MOLDAU_CHECK(rename_all(fs, directory, group.base, FileStage::kCleaned, FileStage::kSwap));
  MOLDAU_CHECK(fs.sync_dir(directory));
  for (const SegmentFacts& old : group.replaced) {
    MOLDAU_CHECK(rename_all(fs, directory, old.base, FileStage::kLive, FileStage::kDeleted));
  }
  MOLDAU_CHECK(fs.sync_dir(directory));
  MOLDAU_CHECK(rename_all(fs, directory, group.base, FileStage::kSwap, FileStage::kLive));
  return fs.sync_dir(directory);
}

std::vector<std::string> deleted_paths(const std::string& directory, const CompactedGroup& group) {
  std::vector<std::string> paths;
  for (const SegmentFacts& old : group.replaced) {
    for (const FileRole role : kRoles) {
      paths.push_back(log_file_path(directory, old.base, role, FileStage::kDeleted));
    }
  }
  return paths;
}

Result<> remove_cleaned(runtime::FileSystem& fs, const std::string& directory, Offset base) {
  for (const FileRole role : kRoles) {
    auto removed = fs.remove_file(log_file_path(directory, base, role, FileStage::kCleaned));
    if (!removed && removed.error().kind() != ErrorKind::kNotFound) {
      return removed;
    }
  }
  return {};
}

}  // namespace moldau::storage
