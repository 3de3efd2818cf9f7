// Folded tokens: the hashes of a text's lower-cased words and single CJK characters. What a token is, where the character
// tables come from and the twin that gives the same bits are in src/text/folded-tokens.ts.
// Idea: of 64 UTF-16 units at a time, first look every unit up and note in bit masks which begin or go on with a word,
// then hash run after run of the mask. The length of a word is what a processor cannot predict; found by counting bits,
// and hashed in a fixed number of steps of which the superfluous ones are not taken, it costs no mispredicted jump.
// Measured by `npm run bench -- dedup-speed`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace corpusmill::folded_tokens {

constexpr size_t kUnits = 0x10000;
constexpr size_t kPairs = 0x100000;
// Units that must be writable behind a text.
constexpr size_t kPadding = 64;

// The tables are the process's: every thread brings the same entries. Those of `count` units from `first` on; what ASCII is
// must be told before anything is folded.
void set_units(size_t first, const int32_t* entries, size_t count);
// Entry of a code point from 0x10000 on, never 0.
void set_pair(uint32_t code_point, int32_t entry);

// Hashes of the tokens of `units`, in text order; `tokens` has room for length + 1. Overwrites the kPadding units
// behind the text. Returns their number, or -1 - i when unit i, or the pair there, has no entry yet.
int64_t fold(uint16_t* units, size_t length, uint32_t* tokens);

}  // namespace corpusmill::folded_tokens
