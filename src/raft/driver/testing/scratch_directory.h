// A directory of its own for one test, gone with it; can begin as one of tests/golden/directories.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/assert.h"
#include "runtime/asio/posix_fs.h"

namespace moldau::raft::testing {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "moldau-raft-XXXXXX").string();
    MOLDAU_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  // The content of tests/golden/directories/<golden>.tar.gz.
  explicit ScratchDirectory(const std::string& golden, const std::string& source_dir) : ScratchDirectory() {
    const std::string archive = source_dir + "/tests/golden/directories/" + golden + ".tar.gz";
    const std::string command = "tar -xzf '" + archive + "' -C '" + path_ + "'";
    MOLDAU_ASSERT(std::system(command.c_str()) == 0);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace moldau::raft::testing
