#include "text_pieces.h"

#include <algorithm>

#include "mix.h"

namespace corpusmill::pieces {
namespace {

constexpr uint8_t kSpace = 8;
constexpr uint8_t kHasKey = 1, kStartsLine = 2, kEndsLine = 4;

constexpr uint32_t kStartA = 0x243f6a88, kStartB = 0x85a308d3;
constexpr uint32_t kMultiplyA = 0x85ebca6b, kMultiplyB = 0x9e3779b1;

struct State {
  uint32_t a = kStartA, b = kStartB;

  void add(uint32_t high, uint32_t low) {
    a = (a ^ high) * kMultiplyA;
    a ^= a >> 15;
    b = ((b ^ low) + a) * kMultiplyB;
    b ^= b >> 13;
  }
  void finish(uint32_t& high, uint32_t& low) const {
    high = mix32(b ^ mix32(a));
    low = mix32(a ^ high);
  }
};

bool is_ascii_space(uint16_t unit) { return unit == 0x20 || (unit >= 0x09 && unit <= 0x0d); }

// Where the run of ASCII white space that ends at `end` begins, not before `least`.
size_t ascii_space_before(const uint16_t* units, size_t least, size_t end) {
  while (end > least && is_ascii_space(units[end - 1])) end--;
  return end;
}

// Bytes of UTF-8 beyond one a unit; a pair takes four bytes, two for each half.
uint64_t more_bytes(const uint16_t* units, size_t start, size_t end) {
  uint64_t more = 0;
  for (size_t i = start; i < end; i++) {
    const uint16_t unit = units[i];
    more += static_cast<uint64_t>(unit >= 0x80) + static_cast<uint64_t>(unit >= 0x800 && (unit & 0xf800) != 0xd800);
  }
  return more;
}

// Characters: the second half of a pair is none.
uint64_t code_points(const uint16_t* units, size_t start, size_t end) {
  uint64_t count = 0;
  for (size_t i = start; i < end; i++) count += static_cast<uint64_t>((units[i] & 0xfc00) != 0xdc00);
  return count;
}

void put(std::vector<uint8_t>& bytes, uint64_t value) {
  for (; value > 0x7f; value >>= 7) bytes.push_back(static_cast<uint8_t>((value & 0x7f) | 0x80));
  bytes.push_back(static_cast<uint8_t>(value));
}

}  // namespace

void Reader::cut(const uint16_t* units, size_t length) {
  const auto is_space = [&](size_t at) { return (settings_.flags[units[at]] & kSpace) != 0; };
  pieces_.clear();
  bool is_open = false;
  for (size_t line = 0;;) {
    const size_t line_end = static_cast<size_t>(std::find(units + line, units + length, '\n') - units);
    size_t start = line, end = line_end;
    while (end > start && is_space(end - 1)) end--;
    while (start < end && is_space(start)) start++;
    if (start == end) {
      is_open = false;
    } else if (is_open && settings_.are_paragraphs) {
      pieces_.back().end = end;
    } else {
      pieces_.push_back({line, start, end, 0, 0, 0, false});
      is_open = true;
    }
    if (line_end == length) return;
    line = line_end + 1;
  }
}

bool Reader::hash(const uint16_t* units, Piece& piece) const {
  const int32_t* const entries = settings_.table.entries;
  State state;
  int32_t seen = 0;
  for (size_t i = piece.start; i < piece.end; i++) {
    const int32_t entry = entries[units[i]];
    seen |= entry;
    if ((entry & kFoldSpecial) != 0) {
      // Removed, or white space behind white space.
      if ((entry & kFoldDropped) != 0) continue;
      if (i > piece.start && (entry & entries[units[i - 1]] & kFoldBlank) != 0) continue;
      if ((entry & kFoldBlank) == 0) {
        const UnitSpan span = settings_.table.special(entry, units, i, piece.end);
        if (span.length == 0) return false;
        for (size_t k = 0; k < span.length; k++) state.add(span.units[k], 0);
        if ((entry & kFoldPair) != 0) i++;
        continue;
      }
    }
    state.add(static_cast<uint32_t>(entry & 0xffff), 0);
  }
  piece.has_letters = (seen & kFoldLetter) != 0;
  state.finish(piece.high, piece.low);
  return true;
}

// Whether the pieces that begin with `first` may be touched.
bool Reader::is_eligible(size_t first) const {
  if (settings_.span > pieces_.size() - first) return false;
  uint64_t chars = 0;
  for (size_t i = first; i < first + settings_.span; i++) {
    if (!pieces_[i].has_letters) return false;
    chars += pieces_[i].chars;
  }
  return chars >= settings_.min_chars;
}

bool Reader::read(const uint16_t* units, size_t length, Features& features) {
  cut(units, length);
  for (Piece& piece : pieces_) {
    piece.chars = code_points(units, piece.start, piece.end);
    // A single piece that is too short needs no hash.
    if (settings_.span == 1 && piece.chars < settings_.min_chars) continue;
    if (!hash(units, piece)) return false;
  }
  write(units, length, features);
  return true;
}

void Reader::write(const uint16_t* units, size_t length, Features& features) {
  const size_t count = pieces_.size();
  const bool are_single = settings_.span == 1;
  keyed_.resize(count);
  uint32_t keys = 0;
  for (size_t i = 0; i < count; i++) {
    keyed_[i] = is_eligible(i) ? 1 : 0;
    keys += keyed_[i];
  }
  std::vector<uint8_t>& out = features.places;
  put(out, length);
  put(out, count);
  // Words, which are not counted here.
  put(out, 0);
  put(out, are_single ? keys : count);
  size_t before = 0;
  for (size_t i = 0; i < count; i++) {
    const Piece& piece = pieces_[i];
    const bool has_key = keyed_[i] != 0;
    if (are_single && !has_key) continue;
    const size_t end = i + 1 < count ? pieces_[i + 1].extent : length;
    put(out, piece.extent - before);
    put(out, end - piece.extent);
    out.push_back((has_key ? kHasKey : 0) | kStartsLine | kEndsLine);
    put(out, piece.extent - ascii_space_before(units, 0, piece.extent));
    put(out, end - ascii_space_before(units, piece.end, end));
    put(out, more_bytes(units, piece.extent, end));
    put(out, 0);
    before = end;
    if (!has_key) continue;
    uint32_t high = piece.high, low = piece.low;
    if (!are_single) {
      State run;
      for (size_t k = i; k < i + settings_.span; k++) run.add(pieces_[k].high, pieces_[k].low);
      run.finish(high, low);
    }
    features.keys.push_back(high);
    features.keys.push_back(low);
  }
  features.row_keys.push_back(keys);
}

}  // namespace corpusmill::pieces
