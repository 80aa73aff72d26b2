// Where findings go while directories are verified, and what was counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "runtime/fs.h"
#include "tools/verify/verify_log.h"

namespace moldau::tools {

class VerifyReport {
 public:
  VerifyReport(runtime::FileSystem& fs, bool json, VerifySinks sinks)
      : fs_(fs), json_(json), sinks_(std::move(sinks)) {}

  [[nodiscard]] runtime::FileSystem& fs() noexcept { return fs_; }

  // Something is wrong in the file; the position is of bytes, or of the line in a text.
  void fault(const std::string& file, std::string_view what, std::optional<std::uint64_t> position = std::nullopt);
  void fault(const std::string& file, const Error& error) { fault(file, error.message()); }
  // Something that the next start puts right, or that nobody minds.
  void note(const std::string& file, std::string_view what, std::optional<std::uint64_t> position = std::nullopt);
  // The directory cannot be verified at all.
  void refuse(const std::string& directory, std::string_view why);
  void summarise();

  struct Counts {
    std::uint64_t partitions = 0;
    std::uint64_t segments = 0;
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  Counts counts;

  [[nodiscard]] int exit_code() const noexcept;

 private:
  void say(std::string_view kind, const std::string& file, std::string_view what,
           std::optional<std::uint64_t> position);

  runtime::FileSystem& fs_;
  bool json_;
  VerifySinks sinks_;
  std::uint64_t faults_ = 0;
  std::uint64_t notes_ = 0;
  bool refused_ = false;
};

}  // namespace moldau::tools
