#include "runtime/fs_refusal.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace moldau::runtime {
namespace {

std::string refused(int os_error) {
  return fs_refusal(Error(ErrorKind::kIo, "mkdir", os_error));
}

TEST(FsRefusal, SaysWhatToDoWhereTheUserCanDoSomething) {
  EXPECT_TRUE(refused(EACCES).ends_with(
      "mkdir: Permission denied; let the user who runs this write there, or name another directory"));
  EXPECT_TRUE(refused(EROFS).ends_with("; mount it writable, or name another directory"));
  EXPECT_TRUE(refused(ENOSPC).ends_with("; make room there, or name another directory"));
  EXPECT_TRUE(refused(ENOTDIR).ends_with("; something else has that name: move it away, or name another directory"));
  EXPECT_EQ(refused(EIO), Error(ErrorKind::kIo, "mkdir", EIO).message());
  EXPECT_EQ(fs_refusal(Error(ErrorKind::kCorrupt, "too short")), Error(ErrorKind::kCorrupt, "too short").message());
}

}  // namespace
}  // namespace moldau::runtime
