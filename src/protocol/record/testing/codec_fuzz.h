// What each codec's fuzz target asks: any input is refused or read the same in pieces of any size, within the limit;
// what we compress comes back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>

#include "protocol/record/compression.h"
#include "protocol/record/decompressor.h"

namespace moldau::record::testing {

inline void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// In pieces of `piece_bytes`; nullopt where the codec refuses.
inline std::optional<ByteVector> read_in_pieces(Decompressor& decompressor, Codec codec, Bytes compressed,
                                                std::size_t piece_bytes, std::size_t bytes_max) {
  decompressor.start(codec, compressed, bytes_max);
  ByteVector out;
  for (;;) {
    ByteVector piece(piece_bytes);  // of its own, so that a write beyond it is seen
    const auto size = decompressor.read(piece);
    if (!size || out.size() + *size > bytes_max) {
      decompressor.finish();
      return std::nullopt;
    }
    require(*size <= piece.size());
    if (*size == 0) {
      decompressor.finish();
      return out;
    }
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
  }
}

inline void fuzz_codec(Codec codec, Bytes input) {
  constexpr std::size_t kFuzzBytesMax = std::size_t{1} << 20;
  static Decompressor decompressor;  // kept, so that one input's state is met by the next
  if (input.size() < 2) {
    return;
  }
  const std::size_t piece_bytes = 1 + (static_cast<std::size_t>(input[0]) << (static_cast<unsigned>(input[1]) & 7));
  const ByteVector exact = to_vector(input.subspan(2));

  ByteVector whole;
  const auto result = decompress(codec, exact, whole, kFuzzBytesMax);
  const auto pieces = read_in_pieces(decompressor, codec, exact, piece_bytes, kFuzzBytesMax);
  require(result.has_value() == pieces.has_value());
  if (result) {
    require(whole.size() <= kFuzzBytesMax && equal(whole, *pieces));
  }

  ByteVector compressed;
  compress(codec, exact, compressed);
  const auto back = read_in_pieces(decompressor, codec, compressed, piece_bytes, kFuzzBytesMax);
  require(back && equal(*back, exact));
}

}  // namespace moldau::record::testing
