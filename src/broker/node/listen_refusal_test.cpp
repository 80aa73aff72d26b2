#include "broker/node/listen_refusal.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace moldau::broker {
namespace {

TEST(ListenRefusals, SayWhatToDoInsteadOfNumbers) {
  for (const Error& error :
       {Error(ErrorKind::kIo, "cannot listen", EADDRINUSE, 9092), Error(ErrorKind::kIo, "cannot listen", EACCES, 80),
        Error(ErrorKind::kIo, "cannot listen", EADDRNOTAVAIL, 9092),
        Error(ErrorKind::kNotFound, "host name cannot be resolved", 0, -2)}) {
    const std::string text = listen_refusal(error);
    EXPECT_NE(text.find("; "), std::string::npos) << text;
    EXPECT_EQ(text.find("(at "), std::string::npos) << text;
  }
  EXPECT_EQ(listen_refusal(Error(ErrorKind::kIo, "cannot listen", EMFILE, 9092)), "Too many open files");
}

}  // namespace
}  // namespace moldau::broker
