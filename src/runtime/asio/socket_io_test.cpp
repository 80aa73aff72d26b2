#include "runtime/asio/socket_io.h"

#include <memory>
#include <string>

#include <arpa/inet.h>
#include <linux/tcp.h>  // more of tcp_info than the C library knows
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/asio/posix_fs.h"
#include "runtime/testing/scratch_directory.h"

namespace moldau::runtime {
namespace {

// Two ends of one connection over loopback, and a file.
class SocketIo : public ::testing::Test {
 protected:
  SocketIo() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    peer_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(peer_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    own_ = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::close(listener);
    const int on = 1;
    EXPECT_EQ(::setsockopt(own_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    text_.reserve(100'000);
    for (std::size_t i = 0; i < 100'000; ++i) {
      text_ += static_cast<char>('a' + i % 26);
    }
    const Bytes pieces[] = {as_bytes(text_)};
    EXPECT_TRUE(file_->write_at(0, pieces));
  }
  ~SocketIo() override {
    ::close(own_);
    ::close(peer_);
  }

  [[nodiscard]] OutRegion memory(std::string_view text) const { return {as_bytes(text), nullptr, 0, text.size()}; }
  [[nodiscard]] OutRegion part(std::uint64_t position, std::size_t size) const {
    return {{}, file_.get(), position, size};
  }
  [[nodiscard]] std::uint32_t segments_sent() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    EXPECT_EQ(::getsockopt(own_, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_data_segs_out;
  }
  std::string receive(std::size_t size) {
    std::string got(size, ' ');
    EXPECT_EQ(::recv(peer_, got.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return got;
  }

  moldau::testing::ScratchDirectory directory_;
  PosixFileSystem fs_;
  std::shared_ptr<File> file_ = fs_.open(directory_ / "file", OpenMode::kCreateNew).value();
  std::string text_;
  int own_ = -1;
  int peer_ = -1;
};

TEST_F(SocketIo, SmallFileRegionsShareOneSegmentWithTheirNeighbours) {
  const OutRegion regions[] = {memory("head"), part(26, 100), memory("between"), part(0, 200), memory("end")};
  const IoResult sent = send_regions(own_, regions);
  EXPECT_EQ(sent.status, IoStatus::kOk);
  const std::string expected = "head" + text_.substr(26, 100) + "between" + text_.substr(0, 200) + "end";
  EXPECT_EQ(sent.bytes, expected.size());
  EXPECT_EQ(segments_sent(), 1U);
  EXPECT_EQ(receive(expected.size()), expected);
}

TEST_F(SocketIo, SmallAndLargeFileRegionsKeepTheirOrder) {
  const OutRegion regions[] = {part(1, 9'000), part(2, 9'000), memory("then"), part(3, 50'000), part(4, 10)};
  const IoResult sent = send_regions(own_, regions);
  EXPECT_EQ(sent.status, IoStatus::kOk);
  const std::string expected =
      text_.substr(1, 9'000) + text_.substr(2, 9'000) + "then" + text_.substr(3, 50'000) + text_.substr(4, 10);
  EXPECT_EQ(sent.bytes, expected.size());
  EXPECT_EQ(receive(expected.size()), expected);
}

TEST_F(SocketIo, WhatThereIsLeavesBeforeAFileThatIsTooShortEndsTheStream) {
  const OutRegion regions[] = {memory("head"), part(text_.size() - 5, 10), memory("never")};
  const IoResult sent = send_regions(own_, regions);
  EXPECT_EQ(sent.status, IoStatus::kOk);
  EXPECT_EQ(sent.bytes, 9U);
  const OutRegion rest[] = {part(text_.size(), 5), memory("never")};
  EXPECT_EQ(send_regions(own_, rest).status, IoStatus::kClosed);
  EXPECT_EQ(receive(9), "head" + text_.substr(text_.size() - 5));
}

}  // namespace
}  // namespace moldau::runtime
