#include "runtime/asio/posix_fs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace moldau::runtime {
namespace {

std::unexpected<Error> os_failure(const char* context, int code) noexcept {
  switch (code) {
    case ENOENT: return fail(ErrorKind::kNotFound, context, code);
    case EEXIST: return fail(ErrorKind::kExists, context, code);
    case EISDIR: return fail(ErrorKind::kInvalid, context, code);  // one entry's fault, not the disk's
    case ENOSPC:
    case EDQUOT: return fail(ErrorKind::kNoSpace, context, code);
    default: return fail(ErrorKind::kIo, context, code);
  }
}

template <class Call>
auto retry(Call call) noexcept {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) {
      return result;
    }
  }
}

class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  [[nodiscard]] int get() const noexcept { return value_; }
  [[nodiscard]] int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

int flags_of(OpenMode mode) noexcept {
  switch (mode) {
    case OpenMode::kRead: return O_RDONLY | O_CLOEXEC;
    case OpenMode::kReadWrite: return O_RDWR | O_CLOEXEC;
    case OpenMode::kCreate: return O_RDWR | O_CREAT | O_CLOEXEC;
    case OpenMode::kCreateNew: return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

constexpr mode_t kFileMode = 0644;  // before the umask, as Java creates files
constexpr mode_t kDirectoryMode = 0755;
constexpr std::size_t kWriteIovecsMax = 64;  // pieces handed to one pwritev; below IOV_MAX, on the stack

// The next pieces to write as iovecs, starting `skip` bytes into pieces.front().
std::size_t gather(std::span<const Bytes> pieces, std::size_t skip,
                   std::array<iovec, kWriteIovecsMax>& vectors) noexcept {
  std::size_t count = 0;
  for (const Bytes& piece : pieces.first(std::min(pieces.size(), kWriteIovecsMax))) {
    const Bytes rest = piece.subspan(std::exchange(skip, 0));
    vectors[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
  }
  return count;
}

EntryKind kind_of(const std::string& directory, const dirent& entry) {
  switch (entry.d_type) {
    case DT_REG: return EntryKind::kFile;
    case DT_DIR: return EntryKind::kDirectory;
    case DT_UNKNOWN: break;  // some file systems do not say
    default: return EntryKind::kOther;
  }
  struct stat status{};
  if (::lstat(join_path(directory, entry.d_name).c_str(), &status) != 0) {
    return EntryKind::kOther;
  }
  return S_ISREG(status.st_mode)   ? EntryKind::kFile
         : S_ISDIR(status.st_mode) ? EntryKind::kDirectory
                                   : EntryKind::kOther;
}

}  // namespace

PosixFile::~PosixFile() {
  ::close(descriptor_);
}

Result<std::size_t> PosixFile::read_at(std::uint64_t position, MutableBytes into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t count = retry([&] {
      return ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
    });
    if (count < 0) {
      return os_failure("pread", errno);
    }
    if (count == 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<> PosixFile::write_at(std::uint64_t position, std::span<const Bytes> pieces) {
  std::array<iovec, kWriteIovecsMax> vectors;
  std::size_t skip = 0;  // bytes of pieces.front() already written
  for (;;) {
    while (!pieces.empty() && pieces.front().size() == skip) {
      pieces = pieces.subspan(1);
      skip = 0;
    }
    if (pieces.empty()) {
      return {};
    }
    const std::size_t count = gather(pieces, skip, vectors);
    const ssize_t written = retry(
        [&] { return ::pwritev(descriptor_, vectors.data(), static_cast<int>(count), static_cast<off_t>(position)); });
    if (written < 0) {
      return os_failure("pwritev", errno);
    }
    if (written == 0) {
      return fail(ErrorKind::kIo, "pwritev wrote nothing");
    }
    position += static_cast<std::uint64_t>(written);
    for (auto left = static_cast<std::size_t>(written); left > 0;) {
      const std::size_t step = std::min(left, pieces.front().size() - skip);
      left -= step;
      skip += step;
      if (skip == pieces.front().size()) {
        pieces = pieces.subspan(1);
        skip = 0;
      }
    }
  }
}

Result<std::uint64_t> PosixFile::size() const {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) {
    return os_failure("fstat", errno);
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<> PosixFile::truncate(std::uint64_t size) {
  if (retry([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0) {
    return os_failure("ftruncate", errno);
  }
  return {};
}

Result<> PosixFile::sync() {
  // EINTR says that the flush did not happen, not that it failed; any other error is reported once by the kernel and
  // must not be asked again.
  if (retry([&] { return ::fdatasync(descriptor_); }) != 0) {
    return os_failure("fdatasync", errno);
  }
  return {};
}

void PosixFile::start_writeback(std::uint64_t position, std::uint64_t size) noexcept {
  ::sync_file_range(descriptor_, static_cast<off64_t>(position), static_cast<off64_t>(size), SYNC_FILE_RANGE_WRITE);
}

Result<std::shared_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  // Not blocking: a FIFO in a file's place would wait for its other end.
  Descriptor descriptor(retry([&] { return ::open(path.c_str(), flags_of(mode) | O_NONBLOCK, kFileMode); }));
  if (descriptor.get() < 0) {
    return errno == ENXIO ? fail(ErrorKind::kInvalid, "not a regular file") : os_failure("open", errno);
  }
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) {
    return os_failure("fstat", errno);
  }
  if (S_ISFIFO(status.st_mode) || S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::kInvalid, "not a regular file");
  }
  return std::make_shared<PosixFile>(descriptor.release());
}

Result<std::uint64_t> PosixFileSystem::file_size(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return os_failure("stat", errno);
  }
  return static_cast<std::uint64_t>(status.st_size);
}

Result<bool> PosixFileSystem::exists(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    return true;
  }
  if (errno == ENOENT || errno == ENOTDIR) {
    return false;
  }
  return os_failure("lstat", errno);
}

Result<std::vector<DirEntry>> PosixFileSystem::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  if (!stream) {
    return os_failure("opendir", errno);
  }
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) {
        return os_failure("readdir", errno);
      }
      return entries;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      entries.push_back({std::string(name), kind_of(directory, *entry)});
    }
  }
}

Result<> PosixFileSystem::make_dirs(const std::string& directory) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = directory.find('/', end + 1);
    const std::string prefix = directory.substr(0, end);
    if (prefix.empty() || ::mkdir(prefix.c_str(), kDirectoryMode) == 0) {
      continue;
    }
    struct stat status{};
    const int code = errno;
    if (::stat(prefix.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      return os_failure("mkdir", code);
    }
  }
  return {};
}

Result<> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return os_failure("rename", errno);
  }
  return {};
}

Result<> PosixFileSystem::remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    return os_failure("unlink", errno);
  }
  return {};
}

Result<> PosixFileSystem::remove_tree(const std::string& directory) {
  std::error_code code;
  std::filesystem::remove_all(directory, code);  // follows no symbolic link
  if (code) {
    return os_failure("remove tree", code.value());
  }
  return {};
}

Result<> PosixFileSystem::sync_dir(const std::string& directory) {
  const Descriptor descriptor(retry([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (descriptor.get() < 0) {
    return os_failure("open directory", errno);
  }
  if (retry([&] { return ::fsync(descriptor.get()); }) != 0) {
    return os_failure("fsync directory", errno);
  }
  return {};
}

class PosixFileSystem::PosixFileLock final : public FileLock {
 public:
  PosixFileLock(std::shared_ptr<HeldLocks> held, HeldLocks::FileId id, int descriptor) noexcept
      : held_(std::move(held)), id_(id), descriptor_(descriptor) {}
  PosixFileLock(const PosixFileLock&) = delete;
  PosixFileLock& operator=(const PosixFileLock&) = delete;
  ~PosixFileLock() override {
    const std::scoped_lock guard(held_->mutex);
    ::close(descriptor_);  // releases the lock
    held_->files.erase(id_);
  }

 private:
  std::shared_ptr<HeldLocks> held_;
  HeldLocks::FileId id_;
  int descriptor_;
};

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  const std::scoped_lock guard(held_->mutex);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && held_->files.contains({status.st_dev, status.st_ino})) {
    return fail(ErrorKind::kLocked, "held by this process");
  }
  Descriptor descriptor(retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); }));
  if (descriptor.get() < 0) {
    return os_failure("open lock file", errno);
  }
  if (::fstat(descriptor.get(), &status) != 0) {
    return os_failure("fstat lock file", errno);
  }
  struct flock request{};
  request.l_type = F_WRLCK;
  request.l_whence = SEEK_SET;  // start 0, length 0: the whole file
  if (retry([&] { return ::fcntl(descriptor.get(), F_SETLK, &request); }) != 0) {
    const int code = errno;
    return code == EACCES || code == EAGAIN ? fail(ErrorKind::kLocked, "held by another process", code)
                                            : os_failure("fcntl lock", code);
  }
  const HeldLocks::FileId id{status.st_dev, status.st_ino};
  auto lock = std::make_unique<PosixFileLock>(held_, id, descriptor.get());
  static_cast<void>(descriptor.release());
  held_->files.insert(id);
  return lock;
}

}  // namespace moldau::runtime
