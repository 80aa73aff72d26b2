// What the floor programs share: a server in this process, its client in a child process, over loopback.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace moldau::bench {

// Ends the program when a system call of the set-up failed.
inline int must(int result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::exit(1);
  }
  return result;
}

inline double now_s() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// User and system CPU seconds of this process so far.
inline double cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline int connect_to(std::uint16_t port) {
  const int descriptor = must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

class LoopbackListener {
 public:
  LoopbackListener() : descriptor_(must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    must(::listen(descriptor_, 16), "listen");
    socklen_t size = sizeof address;
    must(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    port_ = ntohs(address.sin_port);
  }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;
  ~LoopbackListener() { ::close(descriptor_); }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] int accept() const {
    const int descriptor = must(::accept(descriptor_, nullptr, nullptr), "accept");
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
  }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

// Runs `body` in a child process; before any thread is started.
template <class Body>
pid_t in_child(Body body) {
  std::fflush(nullptr);  // or the child prints it again
  const pid_t child = must(::fork(), "fork");
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(0);
  }
  return child;
}

inline void wait_for(pid_t child) {
  must(::waitpid(child, nullptr, 0), "waitpid");
}

// The number after `name` in the arguments, or `otherwise`.
inline std::uint64_t argument(int count, char** values, std::string_view name, std::uint64_t otherwise) {
  for (int i = 1; i + 1 < count; ++i) {
    if (values[i] == name) {
      return std::strtoull(values[i + 1], nullptr, 10);
    }
  }
  return otherwise;
}

inline const char* text_argument(int count, char** values, std::string_view name, const char* otherwise) {
  for (int i = 1; i + 1 < count; ++i) {
    if (values[i] == name) {
      return values[i + 1];
    }
  }
  return otherwise;
}

}  // namespace moldau::bench
