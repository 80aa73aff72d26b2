#include "runtime/fs.h"

#include <algorithm>

namespace moldau::runtime {

Result<ByteVector> read_file(FileSystem& fs, const std::string& path, std::uint64_t bytes_max) {
  MOLDAU_TRY(file, fs.open(path, OpenMode::kRead));
  MOLDAU_TRY(size, file->size());
  if (size > bytes_max) {
    return fail(ErrorKind::kTooLarge, "file beyond its maximum size", 0, static_cast<std::int64_t>(size));
  }
  ByteVector content(static_cast<std::size_t>(size));
  MOLDAU_TRY(count, file->read_at(0, content));
  content.resize(count);
  return content;
}

Result<> replace_file(FileSystem& fs, const std::string& path, Bytes content) {
  const std::string temporary = path + ".tmp";
  {
    MOLDAU_TRY(file, fs.open(temporary, OpenMode::kCreate));
    MOLDAU_CHECK(file->truncate(0));
    const Bytes pieces[] = {content};
    MOLDAU_CHECK(file->write_at(0, pieces));
    MOLDAU_CHECK(file->sync());
  }
  MOLDAU_CHECK(fs.rename(temporary, path));
  return fs.sync_dir(parent_path(path));
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') {
    path += '/';
  }
  path += name;
  return path;
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    return ".";
  }
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

}  // namespace moldau::runtime
