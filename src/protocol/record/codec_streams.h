// The four codecs, each behind one source file that alone knows its library. Internal to protocol/record.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "protocol/record/compressor.h"
#include "protocol/record/decompressor.h"

namespace moldau::record {

[[nodiscard]] std::unique_ptr<CodecStream> make_gzip_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_snappy_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_lz4_stream();
[[nodiscard]] std::unique_ptr<CodecStream> make_zstd_stream();

[[nodiscard]] std::unique_ptr<CodecWriter> make_gzip_writer();
[[nodiscard]] std::unique_ptr<CodecWriter> make_snappy_writer();
[[nodiscard]] std::unique_ptr<CodecWriter> make_lz4_writer();
[[nodiscard]] std::unique_ptr<CodecWriter> make_zstd_writer();

}  // namespace moldau::record
