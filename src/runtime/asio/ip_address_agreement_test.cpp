// base/ip_address.h takes what the system takes for an address: limits are set by the one and connections come by the
// other.
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "base/ip_address.h"

namespace moldau {
namespace {

bool system_takes(const std::string& text) {
  std::array<char, 16> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

TEST(IpAddressAgreement, EachTextIsAnAddressForBothOrForNeither) {
  constexpr std::string_view kPieces[] = {"0", "1",  "12",  "255", "256", "f",   "ffff", "10000", "01", ".",
                                          ":", "::", "1.2", ".3",  ":a",  "::1", "b:",   "1:2:3", "",   "192.0.2.1"};
  std::mt19937 random(7);
  std::size_t taken = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    for (std::size_t pieces = 1 + random() % 8; pieces > 0; --pieces) {
      text += kPieces[random() % std::size(kPieces)];
    }
    const bool is_address = IpAddress::parse(text).has_value();
    ASSERT_EQ(is_address, system_takes(text)) << text;
    taken += is_address ? 1 : 0;
  }
  EXPECT_GT(taken, 1'000U);
}

TEST(IpAddressAgreement, WhatTheSystemWritesIsTheSameAddress) {
  std::mt19937 random(8);
  for (int i = 0; i < 10'000; ++i) {
    std::array<unsigned char, 16> bytes{};
    for (unsigned char& byte : bytes) {
      byte = random() % 3 == 0 ? static_cast<unsigned char>(random()) : 0;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ASSERT_NE(inet_ntop(AF_INET6, bytes.data(), text.data(), text.size()), nullptr);
    std::string whole;  // every group, nothing left out
    for (std::size_t group = 0; group < 8; ++group) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      for (const int shift : {4, 0}) {
        whole += kDigits[bytes[2 * group] >> shift & 15];
      }
      for (const int shift : {4, 0}) {
        whole += kDigits[bytes[2 * group + 1] >> shift & 15];
      }
      whole += group < 7 ? ":" : "";
    }
    ASSERT_EQ(IpAddress::parse(text.data()), IpAddress::parse(whole)) << text.data();
  }
}

}  // namespace
}  // namespace moldau
