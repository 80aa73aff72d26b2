// ScratchDirectory: a directory of its own for one test, gone with it; can begin as one of tests/golden/directories.
#pragma once

#include <string>

namespace moldau::testing {

class ScratchDirectory {
 public:
  // Empty, where temporary files go.
  ScratchDirectory();
  // The content of tests/golden/directories/<golden>.tar.gz. In memory where there is such a place: hundreds of syncs
  // on a busy disk take seconds.
  ScratchDirectory(const std::string& golden, const std::string& source_dir);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace moldau::testing
