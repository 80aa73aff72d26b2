#include "base/crc32c.h"

#include <algorithm>
#include <array>
#include <climits>

extern "C" {
// ISA-L (crc.h): takes and gives the register without the final inversion; dispatches on the processor.
unsigned int crc32_iscsi(unsigned char* buffer, int length, unsigned int init);
}

namespace moldau {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82F6'3B78;

// Multiplies two polynomials modulo the CRC polynomial; bit 31 is x^0 (reflected).
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if ((a >> bit & 1) != 0) {
      product ^= b;
    }
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomialReflected : 0);
  }
  return product;
}

// x^(8 * 2^i) for each i: what appending 2^i zero bytes multiplies a CRC by.
constexpr std::array<std::uint32_t, 64> make_powers() {
  std::array<std::uint32_t, 64> powers{};
  std::uint32_t power = 0x8000'0000;  // x^0
  for (int i = 0; i < 8; ++i) {
    power = (power >> 1) ^ ((power & 1) != 0 ? kPolynomialReflected : 0);
  }
  for (auto& entry : powers) {
    entry = power;
    power = multiply(power, power);
  }
  return powers;
}
constexpr auto kPowers = make_powers();

}  // namespace

std::uint32_t crc32c_extend(std::uint32_t crc, Bytes bytes) noexcept {
  std::uint32_t state = ~crc;
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), INT_MAX);
    // ISA-L's signature lacks const; it only reads.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(size), state);
    bytes = bytes.subspan(size);
  }
  return ~state;
}

std::uint32_t crc32c(Bytes bytes) noexcept {
  return crc32c_extend(0, bytes);
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t size_b) noexcept {
  for (std::size_t i = 0; size_b != 0; ++i, size_b >>= 1) {
    if ((size_b & 1) != 0) {
      crc_a = multiply(kPowers[i], crc_a);
    }
  }
  return crc_a ^ crc_b;
}

}  // namespace moldau
