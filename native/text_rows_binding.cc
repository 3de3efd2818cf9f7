// JavaScript's door to folded_tokens.cc, shingles.cc, minhash.cc and text_key.cc where they go through rows of a column of texts:
// a short text costs less than a call for it. Each thread holds the tokens of the rows that it folded last. What is written
// are columns of features: value i of column c at `at + i + c * stride` of the words.

#include <napi.h>

#include <vector>

#include "column_arguments.h"
#include "fold_table_argument.h"
#include "folded_tokens.h"
#include "loose_text.h"
#include "minhash.h"
#include "shingles.h"
#include "text_key.h"
#include "thread_text.h"
#include "utf8.h"

namespace {

using corpusmill::Arguments;
using corpusmill::ColumnRows;
using corpusmill::read_column_rows;
using corpusmill::read_fold_table;
namespace folded_tokens = corpusmill::folded_tokens;
namespace minhash = corpusmill::minhash;

constexpr double kMostShingleTokens = 1 << 20;

struct Columns {
  uint32_t* words = nullptr;
  size_t stride = 0;
};

// Three arguments: words, at, stride; with room for `columns` of `rows`.
Columns read_columns(Arguments& arguments, size_t columns, size_t rows) {
  size_t length = 0;
  Columns found;
  found.words = arguments.own_array<uint32_t>(napi_uint32_array, 0, &length);
  const size_t at = arguments.integer(static_cast<double>(length));
  found.stride = arguments.integer(static_cast<double>(length));
  if (!arguments.ok()) return found;
  const size_t last = at + (columns - 1) * found.stride + rows;
  if (found.stride < rows || last > length) arguments.fail("leaves no room for the columns");
  found.words += at;
  return found;
}

Napi::Value no_memory(const Napi::CallbackInfo& info) {
  Napi::Error::New(info.Env(), "there is no memory for a block of texts").ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// The tokens of the rows that were folded last: those of row i from starts[i] to starts[i + 1].
struct FoldedRows {
  corpusmill::Room<uint32_t> tokens;
  std::vector<size_t> starts{0};

  size_t rows() const { return starts.size() - 1; }
  const uint32_t* of(size_t row) const { return tokens.data() + starts[row]; }
  size_t count(size_t row) const { return starts[row + 1] - starts[row]; }
};

FoldedRows& folded_rows() {
  static thread_local FoldedRows folded;
  return folded;
}

// foldRows(bytes, offsets, from, to, tokens, units): number
Napi::Value FoldRows(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "foldRows");
  FoldedRows& folded = folded_rows();
  folded.starts.assign(1, 0);
  const ColumnRows rows = read_column_rows(arguments);
  uint32_t* const counts = arguments.own_array<uint32_t>(napi_uint32_array, rows.count());
  uint32_t* const lengths = arguments.own_array<uint32_t>(napi_uint32_array, rows.count());
  if (!arguments.ok()) return info.Env().Undefined();
  const auto all_bytes = static_cast<size_t>(rows.strings.offsets[rows.to] - rows.strings.offsets[rows.from]);
  // A text has no more tokens than units, no more units than bytes, and is folded into room for one token more.
  uint32_t* const tokens = folded.tokens.of(all_bytes + 1);
  if (tokens == nullptr) return no_memory(info);
  size_t end = 0;
  for (size_t row = 0; row < rows.count(); row++) {
    const size_t bytes = rows.strings.length(rows.from + row);
    uint16_t* const units = corpusmill::thread_text().units.of(bytes + folded_tokens::kPadding);
    if (units == nullptr) return no_memory(info);
    const size_t length = corpusmill::utf8::to_utf16(rows.strings.start(rows.from + row), bytes, units);
    const int64_t count = folded_tokens::fold(units, length, tokens + end);
    if (count < 0) return Napi::Number::New(info.Env(), -1 - static_cast<double>(row));
    end += static_cast<size_t>(count);
    folded.starts.push_back(end);
    counts[row] = static_cast<uint32_t>(count);
    lengths[row] = static_cast<uint32_t>(length);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(rows.count()));
}

void write_key(const uint8_t* bytes, size_t length, const Columns& columns, size_t row) {
  uint64_t hashes[2];
  corpusmill::text_key::xxh64_twice(bytes, length, corpusmill::text_key::kSeeds, hashes);
  for (size_t word = 0; word < 4; word++) {
    columns.words[row + word * columns.stride] = static_cast<uint32_t>(hashes[word / 2] >> (32 * (word % 2)));
  }
}

// textKeyRows(bytes, offsets, from, to, words, at, stride): void
Napi::Value TextKeyRows(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "textKeyRows");
  const ColumnRows rows = read_column_rows(arguments);
  const Columns columns = read_columns(arguments, 4, rows.count());
  if (!arguments.ok()) return info.Env().Undefined();
  for (size_t row = 0; row < rows.count(); row++) {
    write_key(rows.strings.start(rows.from + row), rows.strings.length(rows.from + row), columns, row);
  }
  return info.Env().Undefined();
}

// looseKeyRows(bytes, offsets, from, to, entries, expansions, words, at, stride): the row that cannot be folded here, or `to`
Napi::Value LooseKeyRows(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "looseKeyRows");
  const ColumnRows rows = read_column_rows(arguments);
  const corpusmill::FoldTable table = read_fold_table(arguments);
  const Columns columns = read_columns(arguments, 4, rows.count());
  if (!arguments.ok()) return info.Env().Undefined();
  corpusmill::ThreadText& text = corpusmill::thread_text();
  size_t row = 0;
  for (; row < rows.count(); row++) {
    const size_t length = rows.strings.length(rows.from + row);
    uint16_t* const units = text.units.of(length + 1);
    if (units == nullptr) return no_memory(info);
    const size_t count = corpusmill::utf8::to_utf16(rows.strings.start(rows.from + row), length, units);
    uint16_t* const folded = text.folded.of(corpusmill::kMostFoldUnits * count + 1);
    if (folded == nullptr) return no_memory(info);
    const int64_t folded_count = corpusmill::loose_text::fold(units, count, table, folded);
    if (folded_count < 0) break;
    const auto folded_length = static_cast<size_t>(folded_count);
    uint8_t* const bytes = text.bytes.of(3 * folded_length + 16);
    if (bytes == nullptr) return no_memory(info);
    write_key(bytes, corpusmill::utf8::write_utf16(folded, folded_length, bytes), columns, row);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(rows.from + row));
}

// new RowSigner(shingleTokens, multipliers, increments, rowsPerBand)
class RowSigner : public Napi::ObjectWrap<RowSigner> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "RowSigner", {InstanceMethod<&RowSigner::Sign>("sign")});
  }

  explicit RowSigner(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RowSigner>(info) {
    Arguments arguments(info, "RowSigner");
    shingle_tokens_ = arguments.integer(kMostShingleTokens);
    if (shingle_tokens_ == 0) arguments.fail("is 0");
    size_t length = 0;
    const uint32_t* const multipliers = arguments.own_array<uint32_t>(napi_uint32_array, 1, &length);
    const uint32_t* const increments = arguments.own_array<uint32_t>(napi_uint32_array, length);
    rows_per_band_ = arguments.integer(static_cast<double>(length));
    if (rows_per_band_ == 0 || length % rows_per_band_ != 0) arguments.fail("divides no whole number of bands off");
    if (!arguments.ok()) return;
    multipliers_.assign(multipliers, multipliers + length);
    increments_.assign(increments, increments + length);
  }

 private:
  // sign(words, at, stride): number
  Napi::Value Sign(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "sign");
    const FoldedRows& folded = folded_rows();
    const size_t permutations = multipliers_.size(), bands = permutations / rows_per_band_;
    const Columns columns = read_columns(arguments, 2 * bands + 1, folded.rows());
    if (!arguments.ok()) return info.Env().Undefined();
    std::vector<uint32_t> signature(permutations), keys(2 * bands);
    for (size_t row = 0; row < folded.rows(); row++) {
      uint32_t* const hashes = corpusmill::thread_text().shingles.of(folded.count(row));
      if (hashes == nullptr) return no_memory(info);
      const size_t count = corpusmill::shingles::shingle(folded.of(row), folded.count(row), shingle_tokens_, hashes);
      minhash::signature(hashes, count, multipliers_.data(), increments_.data(), permutations, signature.data(), path_);
      minhash::band_keys(signature.data(), bands, rows_per_band_, keys.data());
      for (size_t word = 0; word < keys.size(); word++) columns.words[row + word * columns.stride] = keys[word];
      columns.words[row + keys.size() * columns.stride] = static_cast<uint32_t>(count);
    }
    return Napi::Number::New(info.Env(), static_cast<double>(folded.rows()));
  }

  size_t shingle_tokens_ = 1, rows_per_band_ = 1;
  std::vector<uint32_t> multipliers_, increments_;
  const minhash::Path path_ = minhash::best_path();
};

}  // namespace

void RegisterTextRows(Napi::Env env, Napi::Object exports) {
  exports.Set("foldRows", Napi::Function::New(env, FoldRows, "foldRows"));
  exports.Set("textKeyRows", Napi::Function::New(env, TextKeyRows, "textKeyRows"));
  exports.Set("looseKeyRows", Napi::Function::New(env, LooseKeyRows, "looseKeyRows"));
  exports.Set("RowSigner", RowSigner::Define(env));
}
