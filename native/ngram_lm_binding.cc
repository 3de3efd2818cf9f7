// JavaScript's door to native/ngram_lm_*.cc: checks arguments, then calls.

#include <napi.h>

#include <algorithm>

#include "arguments.h"
#include "ngram_lm_count.h"
#include "ngram_lm_estimate.h"
#include "ngram_lm_tables.h"
#include "ngram_lm_words.h"

namespace {

namespace ngram_lm = corpusmill::ngram_lm;
using corpusmill::Arguments;

constexpr double kMost32 = 0xffffffff;

double most_of(size_t length) { return static_cast<double>(length); }

// An argument that is an array of numbers which ascend and are `most` at most.
const uint32_t* ascending(Arguments& arguments, size_t most, size_t* length) {
  const uint32_t* const numbers = arguments.own_array<uint32_t>(napi_uint32_array, 1, length);
  if (!arguments.ok()) return nullptr;
  for (size_t i = 1; i < *length; i++) {
    if (numbers[i] < numbers[i - 1]) return arguments.fail<uint32_t>("does not ascend");
  }
  return numbers[*length - 1] <= most ? numbers : arguments.fail<uint32_t>("has a number that is too large");
}

// An argument that is an array of `length` numbers below `bound`.
const uint32_t* below(Arguments& arguments, size_t length, size_t bound) {
  const uint32_t* const numbers = arguments.own_array<uint32_t>(napi_uint32_array, length);
  if (!arguments.ok()) return nullptr;
  for (size_t i = 0; i < length; i++) {
    if (numbers[i] >= bound) return arguments.fail<uint32_t>("has a number that is too large");
  }
  return numbers;
}

// Fails where what is written to would change numbers that were checked.
template <typename T>
void keep_apart(Arguments& arguments, const T* written, size_t length, const uint32_t* checked, size_t checked_length) {
  if (!arguments.ok() || length == 0 || checked_length == 0) return;
  const auto* const from = reinterpret_cast<const uint8_t*>(written);
  const auto* const other = reinterpret_cast<const uint8_t*>(checked);
  if (from < other + checked_length * sizeof(uint32_t) && other < from + length * sizeof(T)) {
    arguments.fail("overlaps an argument before it");
  }
}

ngram_lm::Discounts discounts_of(Arguments& arguments) {
  const double* const three = arguments.array<double>(napi_float64_array, 3);
  return three == nullptr ? ngram_lm::Discounts{} : ngram_lm::Discounts{{0, three[0], three[1], three[2]}};
}

// encode(bytes, length, slots, starts, wordBytes, wordCount, isOpen, keepEmpty, ids, state): number
Napi::Value Encode(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "encode");
  size_t byte_length = 0, starts_length = 0, ids_length = 0;
  const uint8_t* const bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &byte_length);
  const size_t length = arguments.integer(std::min(most_of(byte_length), kMost32));
  ngram_lm::Words words{};
  words.slots = arguments.array<uint32_t>(napi_uint32_array, 1, &words.slot_count);
  if (arguments.ok() && (words.slot_count & (words.slot_count - 1)) != 0) arguments.fail("is no power of two long");
  words.starts = arguments.array<uint32_t>(napi_uint32_array, 1, &starts_length);
  words.bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &words.byte_count);
  words.count = arguments.integer(most_of(starts_length) - 1);
  const bool is_open = arguments.integer(1) == 1;
  const bool keep_empty = arguments.integer(1) == 1;
  uint32_t* const ids = arguments.own_array<uint32_t>(napi_uint32_array, 0, &ids_length);
  uint32_t* const numbers = arguments.own_array<uint32_t>(napi_uint32_array, 3);
  if (!arguments.ok()) return info.Env().Undefined();
  ngram_lm::EncodeState state{numbers[0], numbers[1], numbers[2]};
  if (state.position > length || state.start > state.at || state.at > std::min(ids_length, size_t{UINT32_MAX})) {
    arguments.fail("is no state of these bytes and numbers");
    return info.Env().Undefined();
  }
  const ngram_lm::Halt halt = ngram_lm::encode(words, bytes, length, is_open, keep_empty, ids,
                                               std::min(ids_length, size_t{UINT32_MAX}), &state);
  numbers[0] = state.position;
  numbers[1] = state.at;
  numbers[2] = state.start;
  return Napi::Number::New(info.Env(), static_cast<double>(halt));
}

Napi::Uint32Array moved(Napi::Env env, ngram_lm::Pieces& pieces) {
  Napi::Uint32Array array = Napi::Uint32Array::New(env, pieces.size());
  pieces.move_to(array.Data());
  return array;
}

// count(ids, length, wordCount, order, most): { words, counts, firstChild }[] | undefined
Napi::Value Count(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, "count");
  size_t ids_length = 0;
  const uint32_t* const ids = arguments.own_array<uint32_t>(napi_uint32_array, 0, &ids_length);
  const size_t length = arguments.integer(std::min(most_of(ids_length), kMost32));
  const size_t word_count = arguments.integer(kMost32);
  const size_t order = arguments.integer(ngram_lm::kMostOrder);
  if (arguments.ok() && (order == 0 || length + 1 < order)) arguments.fail("is no order of such sentences");
  const double most = arguments.number();
  if (!arguments.ok()) return env.Undefined();
  for (size_t i = order - 1; i < length; i++) {
    if (ids[i] >= word_count) {
      Napi::RangeError::New(env, "count: a word is not below wordCount").ThrowAsJavaScriptException();
      return env.Undefined();
    }
  }
  ngram_lm::Level levels[ngram_lm::kMostOrder];
  if (!ngram_lm::count_ngrams(ids, length, word_count, order, most, levels)) return env.Undefined();
  Napi::Array result = Napi::Array::New(env, order);
  for (uint32_t k = 0; k < order; k++) {
    Napi::Object level = Napi::Object::New(env);
    level.Set("words", moved(env, levels[k].words));
    level.Set("counts", moved(env, levels[k].counts));
    level.Set("firstChild", moved(env, levels[k].first_child));
    result.Set(k, level);
  }
  return result;
}

// linkContexts(shorterFirstChild, suffixContexts, suffixWords, firstChild, words, contexts): void
Napi::Value LinkContexts(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "linkContexts");
  size_t shorter_length = 0, suffixes_length = 0, word_count = 0;
  const uint32_t* const shorter = ascending(arguments, UINT32_MAX, &shorter_length);
  const size_t suffix_count = shorter == nullptr ? 0 : shorter[shorter_length - 1];
  const uint32_t* const suffix_contexts = below(arguments, suffix_count, shorter_length - 1);
  const uint32_t* const suffix_words = arguments.own_array<uint32_t>(napi_uint32_array, suffix_count);
  const uint32_t* const first_child = ascending(arguments, UINT32_MAX, &suffixes_length);
  if (arguments.ok() && suffixes_length != suffix_count + 1) arguments.fail("is not as long as there are suffixes");
  if (arguments.ok()) word_count = first_child[suffix_count];
  const uint32_t* const words = arguments.own_array<uint32_t>(napi_uint32_array, word_count);
  uint32_t* const contexts = arguments.own_array<uint32_t>(napi_uint32_array, word_count);
  keep_apart(arguments, contexts, word_count, shorter, shorter_length);
  keep_apart(arguments, contexts, word_count, suffix_contexts, suffix_count);
  keep_apart(arguments, contexts, word_count, first_child, suffixes_length);
  if (arguments.ok()) {
    ngram_lm::link_contexts(shorter, suffix_contexts, suffix_words, suffix_count, first_child, words, contexts);
  }
  return info.Env().Undefined();
}

// sumContexts(counts, contexts, kept, discounts, sums): void
Napi::Value SumContexts(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "sumContexts");
  size_t count = 0, sums_length = 0;
  const uint32_t* const counts = arguments.own_array<uint32_t>(napi_uint32_array, 0, &count);
  const Napi::Value sums_argument = info[4];
  if (sums_argument.IsTypedArray()) sums_length = sums_argument.As<Napi::TypedArray>().ElementLength();
  const uint32_t* const contexts = below(arguments, count, sums_length / 2);
  const uint8_t* kept = nullptr;
  if (info[2].IsUndefined()) {
    arguments.next();
  } else {
    kept = arguments.array<uint8_t>(napi_uint8_array, count);
  }
  const ngram_lm::Discounts discounts = discounts_of(arguments);
  double* const sums = arguments.own_array<double>(napi_float64_array, sums_length);
  keep_apart(arguments, sums, sums_length, contexts, count);
  if (arguments.ok()) ngram_lm::sum_contexts(counts, contexts, kept, count, discounts, sums, sums_length / 2);
  return info.Env().Undefined();
}

// interpolate(firstChild, shorter, counts, contexts, discounts, sums, probabilities): void
Napi::Value Interpolate(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "interpolate");
  size_t suffixes_length = 0, sums_length = 0;
  const uint32_t* const first_child = ascending(arguments, UINT32_MAX, &suffixes_length);
  const size_t count = first_child == nullptr ? 0 : first_child[suffixes_length - 1];
  const double* const shorter = arguments.own_array<double>(napi_float64_array, suffixes_length - 1);
  const uint32_t* const counts = arguments.own_array<uint32_t>(napi_uint32_array, count);
  const Napi::Value sums_argument = info[5];
  if (sums_argument.IsTypedArray()) sums_length = sums_argument.As<Napi::TypedArray>().ElementLength();
  const uint32_t* const contexts = below(arguments, count, sums_length / 2);
  const ngram_lm::Discounts discounts = discounts_of(arguments);
  const double* const sums = arguments.own_array<double>(napi_float64_array, sums_length);
  double* const probabilities = arguments.own_array<double>(napi_float64_array, count);
  keep_apart(arguments, probabilities, count, first_child, suffixes_length);
  keep_apart(arguments, probabilities, count, contexts, count);
  if (arguments.ok()) {
    ngram_lm::interpolate(first_child, shorter, suffixes_length - 1, counts, contexts, discounts, sums, probabilities);
  }
  return info.Env().Undefined();
}

// quantize(values, units): void
Napi::Value Quantize(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "quantize");
  size_t count = 0;
  const double* const values = arguments.own_array<double>(napi_float64_array, 0, &count);
  int32_t* const units = arguments.own_array<int32_t>(napi_int32_array, count);
  if (arguments.ok()) {
    for (size_t i = 0; i < count; i++) units[i] = ngram_lm::quantize_log10(values[i]);
  }
  return info.Env().Undefined();
}

// The table of an argument, whose entries are `width` words.
ngram_lm::Table table_of(Arguments& arguments, uint32_t* entries, size_t length, size_t width) {
  if (arguments.ok() && length % width != 0) arguments.fail("is no table of such entries");
  return {entries, length / width, width};
}

// insert(table, width, suffixes, seed, order, ids, values, count, isClosed): number
Napi::Value Insert(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "insert");
  size_t table_length = 0, suffixes_length = 0;
  uint32_t* const entries = arguments.array<uint32_t>(napi_uint32_array, 2, &table_length);
  const size_t width = arguments.integer(3);
  if (arguments.ok() && width < 2) arguments.fail("is no width of entries");
  if (!arguments.ok()) return info.Env().Undefined();
  const ngram_lm::Table table = table_of(arguments, entries, table_length, width);
  uint32_t* const suffix_entries = arguments.array<uint32_t>(napi_uint32_array, 0, &suffixes_length);
  const ngram_lm::Table suffixes = table_of(arguments, suffix_entries, suffixes_length, 3);
  const size_t seed = arguments.integer(kMost32);
  const size_t order = arguments.integer(ngram_lm::kMostOrder);
  if (arguments.ok() && order == 0) arguments.fail("is no order");
  size_t ids_length = 0, values_length = 0;
  const uint32_t* const ids = arguments.array<uint32_t>(napi_uint32_array, 0, &ids_length);
  const float* const values = arguments.array<float>(napi_float32_array, 0, &values_length);
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t count = arguments.integer(most_of(std::min(ids_length / order, values_length / 2)));
  uint8_t* const flag = arguments.array<uint8_t>(napi_uint8_array, 1);
  if (!arguments.ok()) return info.Env().Undefined();
  bool is_closed = true;
  const size_t done = ngram_lm::insert_ngrams(table, suffixes, static_cast<uint32_t>(seed), order, ids, values, count,
                                              &is_closed);
  if (!is_closed) *flag = 0;
  return Napi::Number::New(info.Env(), most_of(done));
}

// score(order, seed, isClosed, unigrams, tables, ids, length, scores): number
Napi::Value Score(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "score");
  ngram_lm::Tables tables{};
  tables.order = arguments.integer(ngram_lm::kMostOrder);
  if (arguments.ok() && tables.order == 0) arguments.fail("is no order");
  tables.seed = static_cast<uint32_t>(arguments.integer(kMost32));
  tables.is_closed = arguments.integer(1) == 1;
  size_t unigrams_length = 0, ids_length = 0, scores_length = 0;
  tables.unigrams = arguments.array<float>(napi_float32_array, 6, &unigrams_length);
  tables.word_count = unigrams_length / 2;
  for (size_t k = 0; k + 1 < tables.order && arguments.ok(); k++) {
    size_t length = 0;
    const size_t width = k + 2 == tables.order ? 2 : 3;
    uint32_t* const entries = arguments.array_in<uint32_t>(k, napi_uint32_array, &length);
    tables.tables[k] = table_of(arguments, entries, length, width);
    if (arguments.ok() && length == 0) arguments.fail("has an empty table");
  }
  arguments.next();
  const uint32_t* const ids = arguments.own_array<uint32_t>(napi_uint32_array, 0, &ids_length);
  const size_t length = arguments.integer(most_of(ids_length));
  double* const scores = arguments.own_array<double>(napi_float64_array, 0, &scores_length);
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t sentences =
      ngram_lm::score_sentences(tables, ids, length, scores, scores_length / ngram_lm::kSentenceScores);
  return Napi::Number::New(info.Env(), most_of(sentences));
}

}  // namespace

void RegisterNgramLm(Napi::Env env, Napi::Object exports) {
  Napi::Object functions = Napi::Object::New(env);
  functions.Set("encode", Napi::Function::New(env, Encode, "encode"));
  functions.Set("count", Napi::Function::New(env, Count, "count"));
  functions.Set("linkContexts", Napi::Function::New(env, LinkContexts, "linkContexts"));
  functions.Set("sumContexts", Napi::Function::New(env, SumContexts, "sumContexts"));
  functions.Set("interpolate", Napi::Function::New(env, Interpolate, "interpolate"));
  functions.Set("quantize", Napi::Function::New(env, Quantize, "quantize"));
  functions.Set("insert", Napi::Function::New(env, Insert, "insert"));
  functions.Set("score", Napi::Function::New(env, Score, "score"));
  exports.Set("ngramLm", functions);
}
