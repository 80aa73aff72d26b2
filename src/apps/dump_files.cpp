#include "apps/dump_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "runtime/asio/posix_fs.h"
#include "tools/output/command_result.h"

namespace moldau::apps {
namespace {

// Why this is nothing to read; "" if it is a file. Asked before it is opened: the open of a pipe waits for its writer.
std::string refusal_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    return std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  }
  if (S_ISDIR(found.st_mode)) {
    return "is a directory; name the files in it";
  }
  return S_ISREG(found.st_mode) ? "" : "is no regular file";
}

auto writer_to(std::FILE* stream) {
  return [stream](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stream); };
}

}  // namespace

int verify_directories(const tools::VerifyOptions& options) {
  runtime::PosixFileSystem fs;
  const int exit_code = tools::verify_logs(fs, options, {.output = writer_to(stdout), .errors = writer_to(stderr)});
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0 ? std::max(exit_code, tools::kExitRefused) : exit_code;
}

int dump_files(const tools::DumpLogOptions& options) {
  runtime::PosixFileSystem fs;
  int exit_code = tools::kExitDone;
  for (const std::string& path : options.files) {
    if (const std::string refusal = refusal_of(path); !refusal.empty()) {
      std::fputs((path + ": " + refusal + "\n").c_str(), stderr);
      exit_code = tools::kExitRefused;
      continue;
    }
    tools::DumpLogOptions one = options;
    one.files = {path};
    exit_code =
        std::max(exit_code, tools::dump_log(fs, one, {.output = writer_to(stdout), .errors = writer_to(stderr)}));
  }
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0 ? tools::kExitRefused : exit_code;
}

}  // namespace moldau::apps
