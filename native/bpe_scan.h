// Pre-tokenizer scanners over UTF-8: where the published patterns cut a text. Twins: src/tokenizer/scan-*.ts, which say
// what each pattern is. Call unicode::set_classes first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::bpe {

// The order is that of NATIVE_PATTERNS in src/tokenizer/native-bpe.ts.
enum class Pattern : uint8_t { kQwen2 = 0, kCl100k = 1, kGpt2 = 2, kO200k = 3 };
constexpr size_t kPatterns = 4;

// Cuts bytes[start, end) into pieces, `end` being the end of the text: writes the end of each to `ends`, at most `capacity`
// of them, and returns their number; call again from the last end to go on. Every byte belongs to one piece. The text should
// be well-formed; of one that is not, every byte still belongs to a piece, and nothing outside it is read.
size_t scan(Pattern pattern, const uint8_t* bytes, size_t start, size_t end, uint32_t* ends, size_t capacity);

}  // namespace corpusmill::bpe
