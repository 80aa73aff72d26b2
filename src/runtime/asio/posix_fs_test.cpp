#include "runtime/asio/posix_fs.h"

#include <algorithm>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/testing/scratch_directory.h"

namespace moldau::runtime {
namespace {

class PosixFs : public ::testing::Test {
 protected:
  std::string path(std::string_view name) const { return join_path(directory_.path(), name); }
  std::shared_ptr<File> create(std::string_view name, std::string_view content = {}) {
    auto file = fs_.open(path(name), OpenMode::kCreateNew).value();
    const Bytes pieces[] = {as_bytes(content)};
    EXPECT_TRUE(file->write_at(0, pieces));
    return file;
  }
  std::string content(std::string_view name) {
    const ByteVector bytes = read_file(fs_, path(name), 1 << 20).value();
    return std::string(as_text(bytes));
  }

  PosixFileSystem fs_;
  moldau::testing::ScratchDirectory directory_;
};

TEST_F(PosixFs, WhatIsNotAFileIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  ASSERT_TRUE(fs_.make_dirs(path("directory")));
  for (const char* name : {"fifo", "directory"}) {
    for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
      const auto opened = fs_.open(path(name), mode);
      ASSERT_FALSE(opened) << name;
      EXPECT_EQ(opened.error().kind(), ErrorKind::kInvalid) << name;
    }
  }
  EXPECT_EQ(fs_.remove_file(path("directory")).error().kind(), ErrorKind::kInvalid);
}

TEST_F(PosixFs, WritesManyPiecesAsOneRange) {
  auto file = create("a");
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 500; ++i) {  // more than one pwritev, empty pieces among them
    texts.push_back(i % 7 == 0 ? "" : std::to_string(i));
    expected += texts.back();
  }
  std::vector<Bytes> pieces;
  std::ranges::transform(texts, std::back_inserter(pieces), [](const std::string& text) { return as_bytes(text); });
  ASSERT_TRUE(file->write_at(0, pieces));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(content("a"), expected);
  EXPECT_EQ(file->size(), expected.size());
}

TEST_F(PosixFs, ReadStopsAtTheEndOfTheFile) {
  auto file = create("a", "hello");
  ByteVector buffer(10);
  EXPECT_EQ(file->read_at(2, buffer), 3U);
  EXPECT_EQ(file->read_at(9, buffer), 0U);
}

TEST_F(PosixFs, SaysWhyItCannotOpen) {
  EXPECT_EQ(fs_.open(path("missing"), OpenMode::kRead).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(fs_.open(path("missing"), OpenMode::kReadWrite).error().kind(), ErrorKind::kNotFound);
  create("there");
  EXPECT_EQ(fs_.open(path("there"), OpenMode::kCreateNew).error().kind(), ErrorKind::kExists);
  EXPECT_TRUE(fs_.open(path("there"), OpenMode::kCreate));
  EXPECT_EQ(fs_.open(directory_.path(), OpenMode::kReadWrite).error().kind(), ErrorKind::kInvalid);
}

TEST_F(PosixFs, AFullDeviceIsNoSpace) {
  auto file = fs_.open("/dev/full", OpenMode::kReadWrite).value();
  const Bytes pieces[] = {as_bytes("x")};
  EXPECT_EQ(file->write_at(0, pieces).error().kind(), ErrorKind::kNoSpace);
}

TEST_F(PosixFs, ListsWithoutFollowingLinks) {
  create("file");
  ASSERT_TRUE(fs_.make_dirs(path("dir/below")));
  ASSERT_EQ(::symlink(path("dir").c_str(), path("link").c_str()), 0);
  EXPECT_THAT(
      fs_.list(directory_.path()).value(),
      ::testing::UnorderedElementsAre(DirEntry{"file", EntryKind::kFile}, DirEntry{"dir", EntryKind::kDirectory},
                                      DirEntry{"link", EntryKind::kOther}));
  EXPECT_EQ(fs_.list(path("missing")).error().kind(), ErrorKind::kNotFound);
}

TEST_F(PosixFs, RemoveTreeDoesNotReachThroughLinks) {
  ASSERT_TRUE(fs_.make_dirs(path("kept")));
  create("kept/file");
  ASSERT_TRUE(fs_.make_dirs(path("doomed/below")));
  ASSERT_EQ(::symlink(path("kept").c_str(), path("doomed/link").c_str()), 0);
  ASSERT_TRUE(fs_.remove_tree(path("doomed")));
  EXPECT_EQ(fs_.exists(path("doomed")), false);
  EXPECT_EQ(fs_.exists(path("kept/file")), true);
  EXPECT_TRUE(fs_.remove_tree(path("doomed")));  // missing is fine
}

TEST_F(PosixFs, MakeDirsMakesParentsAndAcceptsWhatIsThere) {
  EXPECT_TRUE(fs_.make_dirs(path("a/b/c")));
  EXPECT_TRUE(fs_.make_dirs(path("a/b/c/")));
  create("file");
  EXPECT_EQ(fs_.make_dirs(path("file/below")).error().kind(), ErrorKind::kExists);
}

TEST_F(PosixFs, RenameReplacesAndKeepsOpenFilesReadable) {
  auto old = create("b", "old");
  create("a", "new");
  ASSERT_TRUE(fs_.rename(path("a"), path("b")));
  EXPECT_EQ(content("b"), "new");
  ByteVector buffer(3);
  EXPECT_EQ(old->read_at(0, buffer), 3U);
  EXPECT_EQ(as_text(buffer), "old");
  EXPECT_EQ(fs_.rename(path("a"), path("c")).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(fs_.remove_file(path("a")).error().kind(), ErrorKind::kNotFound);
}

TEST_F(PosixFs, ReplaceFileLeavesNoTemporary) {
  ASSERT_TRUE(replace_file(fs_, path("checkpoint"), as_bytes("one")));
  ASSERT_TRUE(replace_file(fs_, path("checkpoint"), as_bytes("two")));
  EXPECT_EQ(content("checkpoint"), "two");
  EXPECT_EQ(fs_.list(directory_.path())->size(), 1U);
  EXPECT_EQ(read_file(fs_, path("checkpoint"), 2).error().kind(), ErrorKind::kTooLarge);
}

TEST_F(PosixFs, TruncateCutsAndExtendsWithZeros) {
  auto file = create("a", "hello");
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(4));
  file->start_writeback(0, 4);
  EXPECT_EQ(content("a"), std::string("he\0\0", 4));
  EXPECT_EQ(fs_.file_size(path("a")), 4U);
}

// Runs `body` in another process and returns its exit code.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(PosixFs, ALockExcludesOtherProcessesAndItself) {
  auto try_lock = [&] {
    PosixFileSystem other;
    auto lock = other.lock(path(".lock"));
    return lock ? 0 : lock.error().kind() == ErrorKind::kLocked ? 1 : 2;
  };
  auto lock = fs_.lock(path(".lock")).value();
  EXPECT_EQ(in_child(try_lock), 1);
  EXPECT_EQ(fs_.lock(path(".lock")).error().kind(), ErrorKind::kLocked);
  EXPECT_EQ(in_child(try_lock), 1);  // the refused attempt did not give the lock away
  lock.reset();
  EXPECT_EQ(in_child(try_lock), 0);
  EXPECT_TRUE(fs_.lock(path(".lock")));
}

TEST_F(PosixFs, SyncsDirectories) {
  EXPECT_TRUE(fs_.sync_dir(directory_.path()));
  EXPECT_EQ(fs_.sync_dir(path("missing")).error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace moldau::runtime
