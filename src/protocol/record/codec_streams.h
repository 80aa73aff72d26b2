// The four codecs, each behind one source file that alone knows its library. Internal to protocol/record.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "protocol/record/decompressor.h"

namespace moldau::record {

[[nodiscard]] std::unique_ptr<CodecStream> make_gzip_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_snappy_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_lz4_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_zstd_stream();

// Append to `out`; see compression.h.
void compress_gzip(int level, Bytes plain, ByteVector& out);
void compress_snappy(Bytes plain, ByteVector& out);
void compress_lz4(int level, Bytes plain, ByteVector& out);
void compress_zstd(int level, Bytes plain, ByteVector& out);

}  // namespace moldau::record
