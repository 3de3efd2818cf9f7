#include "shard_pieces.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace corpusmill::shards {
namespace {

constexpr double kMostItems = 4503599627370496.0;  // 2^52
constexpr double kMostParts = 1 << 24;

bool is_whole(double value, double most) { return value >= 0 && value <= most && std::floor(value) == value; }

}  // namespace

bool EvenParts::read(const double* words) {
  const double parts = words[1];
  const double items = words[2];
  if (!is_whole(words[0], UINT32_MAX) || !is_whole(parts, kMostParts) || !is_whole(items, kMostItems) ||
      !is_whole(words[3], UINT32_MAX)) {
    return false;
  }
  first_ = static_cast<uint32_t>(words[0]);
  items_ = static_cast<uint64_t>(items);
  borders_.resize(static_cast<size_t>(parts) + 1);
  for (size_t p = 0; p < borders_.size(); p++) borders_[p] = parts == 0 ? 0 : std::floor(items * static_cast<double>(p) / parts);
  permutes_ = words[4] != 0;
  half_bits_ = 1;
  while ((uint64_t{1} << (2 * half_bits_)) < items_) half_bits_++;
  mask_ = (uint64_t{1} << half_bits_) - 1;
  const uint32_t seed = mix32(static_cast<uint32_t>(words[3]));
  for (uint32_t round = 0; round < 4; round++) keys_[round] = mix32(seed + (round + 1) * 0x9e3779b9u);
  return true;
}

uint64_t EvenParts::permuted(uint64_t number) const {
  do {
    uint64_t left = number >> half_bits_;
    uint64_t right = number & mask_;
    left = (left ^ mix32(static_cast<uint32_t>(right) ^ keys_[0])) & mask_;
    right = (right ^ mix32(static_cast<uint32_t>(left) ^ keys_[1])) & mask_;
    left = (left ^ mix32(static_cast<uint32_t>(right) ^ keys_[2])) & mask_;
    right = (right ^ mix32(static_cast<uint32_t>(left) ^ keys_[3])) & mask_;
    number = left << half_bits_ | right;
  } while (number >= items_);
  return number;
}

bool EvenParts::place_of(uint64_t number, Place& found) const {
  const size_t parts = borders_.size() - 1;
  if (number >= items_ || parts == 0) return false;
  const auto item = static_cast<double>(permutes_ ? permuted(number) : number);
  auto part = std::min(parts - 1, static_cast<size_t>(item * static_cast<double>(parts) / borders_[parts]));
  while (part + 1 < parts && item >= borders_[part + 1]) part++;
  while (part > 0 && item < borders_[part]) part--;
  found.part = first_ + static_cast<uint32_t>(part);
  found.place = static_cast<uint32_t>(item - borders_[part]);
  return true;
}

bool deal_documents(const DealtPart& part, const std::vector<EvenParts>& sets, Dealt& dealt, double* tallies) {
  for (size_t d = 0; d < part.lengths.size; d++) {
    const size_t in_group = dealt.documents++;
    const uint32_t side = part.sides == nullptr ? 0 : part.sides[d];
    const size_t set = side % kLeftOut;
    if (set >= sets.size() || part.sources[d] >= part.source_count) return false;
    const double number = dealt.next[set]++;
    if (side >= kLeftOut) continue;
    double* const tally = tallies + 2 * (set * part.source_count + part.sources[d]);
    tally[0]++;
    tally[1] += part.lengths.data[d];
    EvenParts::Place found;
    if (!is_whole(number, kMostItems) || !sets[set].place_of(static_cast<uint64_t>(number), found)) return false;
    const size_t at = dealt.dealt++;
    if (at >= dealt.window.size || kDealtWords * (at + 1) > dealt.records.size || found.part >= dealt.counts.size) return false;
    dealt.window.data[at] = found.part;
    dealt.counts.data[found.part]++;
    uint32_t* const record = dealt.records.data + kDealtWords * at;
    record[0] = found.place;
    record[1] = static_cast<uint32_t>(in_group);
    record[2] = part.lengths.data[d];
  }
  return true;
}

bool sort_records(Column<const uint32_t> buckets, const uint32_t* records, size_t width, Column<double> starts,
                  Column<uint32_t> out) {
  const auto most = static_cast<double>(out.size / width);
  for (size_t i = 0; i < buckets.size; i++) {
    const uint32_t bucket = buckets.data[i];
    if (bucket >= starts.size) return false;
    const double start = starts.data[bucket]++;
    if (!(start >= 0 && start < most)) return false;
    std::memcpy(out.data + static_cast<size_t>(start) * width, records + i * width, width * sizeof(uint32_t));
  }
  return true;
}

bool group_pieces(Column<const uint32_t> place_of, const uint32_t* document_of, Column<const uint32_t> group_end, size_t places,
                  const PackedColumns& packed, uint32_t* counts, uint32_t* words) {
  std::vector<uint32_t> first_piece(places + 1, 0);
  for (size_t i = 0; i < packed.pieces; i++) {
    if (packed.document[i] >= places) return false;
    first_piece[packed.document[i] + 1]++;
  }
  for (size_t place = 0; place < places; place++) first_piece[place + 1] += first_piece[place];
  size_t written = 0;
  size_t group = 0;
  for (size_t d = 0; d < place_of.size; d++) {
    while (group < group_end.size && d >= group_end.data[group]) group++;
    const uint32_t place = place_of.data[d];
    if (group == group_end.size || place >= places) return false;
    for (uint32_t i = first_piece[place]; i < first_piece[place + 1]; i++) {
      // Two documents at one place would have its pieces twice.
      if (written == packed.pieces) return false;
      uint32_t* const to = words + kPackedWords * written++;
      to[0] = document_of[d];
      to[1] = packed.start[i];
      to[2] = packed.length[i];
      to[3] = packed.row[i];
      to[4] = packed.at[i];
      counts[group]++;
    }
  }
  return true;
}

bool place_pieces(Column<const uint32_t> packed, Column<uint32_t> next, const EvenParts& rows, uint64_t first_row,
                  uint32_t* words, Column<uint32_t> shard) {
  for (size_t i = 0; i + kPackedWords <= packed.size; i += kPackedWords) {
    const uint32_t* const from = packed.data + i;
    if (from[0] >= next.size) return false;
    const uint32_t piece = next.data[from[0]]++;
    EvenParts::Place found;
    if (piece >= shard.size || !rows.place_of(first_row + from[3], found)) return false;
    shard.data[piece] = found.part;
    uint32_t* const to = words + kPackedWords * piece;
    std::memcpy(to, from, kPackedWords * sizeof(uint32_t));
    to[3] = found.place;
  }
  return true;
}

bool route_pieces(const uint32_t* words, Column<const uint32_t> shard, const GroupDocuments& group, Column<double> starts,
                  uint32_t* out, uint32_t* documents, double* id_bytes) {
  for (size_t i = 0; i < shard.size; i++) {
    const uint32_t* const from = words + kPackedWords * i;
    const uint32_t document = from[0];
    if (shard.data[i] >= starts.size || document >= group.documents) return false;
    const double start = starts.data[shard.data[i]]++;
    const double bytes = group.id_ends[document + 1] - group.id_ends[document];
    if (!(start >= 0 && start < static_cast<double>(shard.size)) || !is_whole(bytes, UINT32_MAX)) return false;
    const auto piece = static_cast<size_t>(start);
    uint32_t* const to = out + kRoutedWords * piece;
    to[kRow] = from[3];
    to[kAt] = from[4];
    to[kLength] = from[2];
    to[kStart] = from[1];
    to[kPart] = group.part[document];
    to[kToken] = group.token_at[document] + from[1];
    to[kSource] = group.source[document];
    to[kIdBytes] = static_cast<uint32_t>(bytes);
    documents[piece] = document;
    id_bytes[shard.data[i]] += bytes;
  }
  return true;
}

bool join_ids(Column<const uint32_t> documents, Column<const double> id_ends, Column<const uint8_t> ids, Column<uint8_t> out) {
  size_t to = 0;
  for (size_t piece = 0; piece < documents.size; piece++) {
    const size_t document = documents.data[piece];
    if (document + 1 >= id_ends.size) return false;
    const double start = id_ends.data[document];
    const double end = id_ends.data[document + 1];
    if (!is_whole(start, static_cast<double>(ids.size)) || !is_whole(end, static_cast<double>(ids.size)) || start > end) return false;
    const auto bytes = static_cast<size_t>(end - start);
    if (bytes > out.size - to) return false;
    if (bytes > 0) std::memcpy(out.data + to, ids.data + static_cast<size_t>(start), bytes);
    to += bytes;
  }
  return true;
}

bool row_columns(const uint32_t* words, size_t pieces, const RowColumns& rows) {
  const auto word = [&](uint32_t piece, size_t which) { return words[kRoutedWords * piece + which]; };
  uint32_t* const first_piece = rows.first_piece;
  for (size_t i = 0; i < pieces; i++) {
    const uint32_t row = words[kRoutedWords * i + kRow];
    if (row >= rows.rows) return false;
    first_piece[row + 1]++;
  }
  for (size_t row = 0; row < rows.rows; row++) first_piece[row + 1] += first_piece[row];
  std::vector<uint32_t> next(first_piece, first_piece + rows.rows + 1);
  std::vector<uint32_t> order(pieces);
  std::vector<double> id_ends(pieces);
  double id_end = 0;
  for (size_t i = 0; i < pieces; i++) {
    order[next[words[kRoutedWords * i + kRow]]++] = static_cast<uint32_t>(i);
    id_end += words[kRoutedWords * i + kIdBytes];
    id_ends[i] = id_end;
  }
  enum { kRowOfSet, kPiece, kStartOf, kTokens, kSourceOf, kAtOf, kPartOf, kTokenOf };
  const auto column = [&](size_t which) { return rows.columns + which * pieces; };
  int32_t sequences = 0;
  for (size_t row = 0; row < rows.rows; row++) {
    const auto begin = order.begin() + first_piece[row];
    std::stable_sort(begin, order.begin() + first_piece[row + 1],
                     [&](uint32_t a, uint32_t b) { return word(a, kAt) < word(b, kAt); });
    uint64_t filled = 0;
    for (uint32_t i = first_piece[row]; i < first_piece[row + 1]; i++) {
      const uint32_t piece = order[i];
      const uint32_t length = word(piece, kLength);
      column(kRowOfSet)[i] = rows.first_row + static_cast<uint32_t>(row);
      column(kPiece)[i] = i - first_piece[row];
      column(kStartOf)[i] = word(piece, kStart);
      column(kTokens)[i] = length;
      column(kSourceOf)[i] = word(piece, kSource);
      column(kAtOf)[i] = word(piece, kAt);
      column(kPartOf)[i] = word(piece, kPart);
      column(kTokenOf)[i] = word(piece, kToken);
      rows.id_end[i] = id_ends[piece];
      rows.id_start[i] = id_ends[piece] - word(piece, kIdBytes);
      rows.seq_lengths[sequences++] = static_cast<int32_t>(length);
      filled += length;
    }
    if (filled > rows.context_length) return false;
    const auto padding = static_cast<int32_t>(rows.context_length - filled);
    rows.padding[row] = padding;
    if (padding > 0) rows.seq_lengths[sequences++] = padding;
    rows.seq_offsets[row + 1] = sequences;
  }
  return true;
}

}  // namespace corpusmill::shards
