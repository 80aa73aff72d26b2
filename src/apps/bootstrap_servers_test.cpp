#include "apps/bootstrap_servers.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace moldau::apps {
namespace {

TEST(BootstrapServers, AreOneOrSeveralWithCommasBetween) {
  EXPECT_EQ(parse_bootstrap_servers("h:1").value(), (std::vector<runtime::Endpoint>{{"h", 1}}));
  EXPECT_EQ(parse_bootstrap_servers("a:1, [::1]:2,,b:3").value(),
            (std::vector<runtime::Endpoint>{{"a", 1}, {"::1", 2}, {"b", 3}}));
}

TEST(BootstrapServers, WhatIsWrongIsNamedWithAWayOut) {
  const auto fault_of = [](std::string_view text) { return parse_bootstrap_servers(text).error(); };
  EXPECT_EQ(fault_of("PLAINTEXT://h:1"), "'PLAINTEXT://h:1': write HOST:PORT, without 'PLAINTEXT://'");
  EXPECT_EQ(fault_of("a:1,nowhere"), "'nowhere' has no port: write HOST:PORT, as in nowhere:9092");
  EXPECT_EQ(fault_of("[::1]"), "'[::1]' has no port: write HOST:PORT, as in [::1]:9092");
  EXPECT_NE(fault_of("::1").find("brackets"), std::string::npos);
  EXPECT_NE(fault_of(":9092").find("no host"), std::string::npos);
  EXPECT_NE(fault_of("h:0").find("no port"), std::string::npos);
  EXPECT_NE(fault_of("h:http").find("no port"), std::string::npos);
  EXPECT_NE(fault_of(" , ").find("no broker"), std::string::npos);
}

}  // namespace
}  // namespace moldau::apps
