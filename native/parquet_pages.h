// Pages of Parquet columns, as hyparquet-writer makes them, byte for byte: it is the twin (src/shards/piece-columns.ts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace corpusmill::parquet {

// Appends `count` numbers, at least one, in the encoding DELTA_BINARY_PACKED: blocks of 128 differences, cut into four
// miniblocks, each packed with as many bits as its largest needs (Parquet format, Encodings.md).
void delta_binary_packed(const int32_t* values, size_t count, std::vector<uint8_t>& out);

// Appends a string in the encoding PLAIN: its length in four bytes, and its bytes.
void plain_string(const uint8_t* bytes, size_t length, std::vector<uint8_t>& out);

// Appends `input` as a raw Snappy block (google/snappy, format_description.txt).
void snappy(const uint8_t* input, size_t size, std::vector<uint8_t>& out);

}  // namespace corpusmill::parquet
