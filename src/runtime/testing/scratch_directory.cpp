#include "runtime/testing/scratch_directory.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "base/assert.h"

namespace moldau::testing {
namespace {

std::string make_directory_in(const std::filesystem::path& place) {
  std::string path = (place / "moldau-test-XXXXXX").string();
  MOLDAU_ASSERT(::mkdtemp(path.data()) != nullptr);
  return path;
}

std::filesystem::path place_in_memory() {
  constexpr const char* kMemory = "/dev/shm";
  return ::access(kMemory, W_OK) == 0 ? kMemory : std::filesystem::temp_directory_path();
}

}  // namespace

ScratchDirectory::ScratchDirectory() : path_(make_directory_in(std::filesystem::temp_directory_path())) {}

ScratchDirectory::ScratchDirectory(const std::string& golden, const std::string& source_dir)
    : path_(make_directory_in(place_in_memory())) {
  const std::string archive = source_dir + "/tests/golden/directories/" + golden + ".tar.gz";
  const std::string command = "tar -xzf '" + archive + "' -C '" + path_ + "'";
  MOLDAU_ASSERT(std::system(command.c_str()) == 0);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace moldau::testing
