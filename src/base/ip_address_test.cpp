#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace moldau {
namespace {

TEST(IpAddress, TheSameAddressInEachOfItsForms) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1"), IpAddress::parse("::ffff:192.0.2.1"));
  EXPECT_EQ(IpAddress::parse("192.0.2.1"), IpAddress::parse("::ffff:c000:201"));
  EXPECT_EQ(IpAddress::parse("2001:db8::1"), IpAddress::parse("2001:0DB8:0:0:0:0:0:1"));
  EXPECT_EQ(IpAddress::parse("fe80::1%eth0"), IpAddress::parse("fe80::1"));
  EXPECT_EQ(IpAddress::parse("::"), IpAddress::parse("0:0:0:0:0:0:0:0"));
  EXPECT_TRUE(IpAddress::parse("1::"));
  EXPECT_NE(IpAddress::parse("192.0.2.1"), IpAddress::parse("192.0.2.2"));
  EXPECT_NE(IpAddress::parse("::1"), IpAddress::parse("127.0.0.1"));
  EXPECT_EQ(IpAddress::Hash()(*IpAddress::parse("1.2.3.4")), IpAddress::Hash()(*IpAddress::parse("::ffff:1.2.3.4")));
}

TEST(IpAddress, WhatIsNoAddressIsNone) {
  for (const char* text : {"",        "1",        "1.2.3",    "1.2.3.4.5",        "1.2.3.256",
                           "1..3.4",  "01.2.3.4", "1.2.3.4 ", "+1.2.3.4",         "localhost",
                           ":",       ":1",       "1:",       "1:2:3:4:5:6:7",    "1:2:3:4:5:6:7:8:9",
                           "1::2::3", "12345::",  "g::",      "1:2:3:4:5:6:7::8", "1.2.3.4::",
                           "::1.2.3", ":::"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

}  // namespace
}  // namespace moldau
