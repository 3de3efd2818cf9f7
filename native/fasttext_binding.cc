// JavaScript's door to the fasttext_*.cc kernels: checks arguments, then calls.

#include <napi.h>

#include <algorithm>

#include "fasttext_arguments.h"
#include "fasttext_centroids.h"
#include "fasttext_descent.h"
#include "fasttext_memory.h"
#include "fasttext_row_kernels.h"
#include "fasttext_texts.h"
#include "fasttext_vector.h"

namespace {

namespace fasttext = corpusmill::fasttext;
using fasttext::Arguments;

constexpr double kMostBuckets = 1 << 26, kLongestNgram = 100, kMostDims = 1 << 24, kMost32 = 0xffffffff;
// What one huge text needed beyond this is given back.
constexpr size_t kRetainedBytes = 1 << 22;

// The UTF-8 bytes of the call's first argument, which `arguments` has just found to be a string of `units` units. Null: no
// memory.
const uint8_t* utf8(Arguments& arguments, size_t units, fasttext::Growing<uint8_t>& room, size_t* length) {
  if (3 * units < kRetainedBytes) room.shrink(kRetainedBytes);
  const size_t most = 3 * units + 1;
  if (!room.resize(most)) return nullptr;
  *length = arguments.write(0, room.data(), most);
  return room.data();
}

// new FastTextVectorizer(wordBytes, wordStarts, settings, bits)
class Vectorizer : public Napi::ObjectWrap<Vectorizer> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "FastTextVectorizer", {InstanceMethod<&Vectorizer::Read>("read")});
  }

  explicit Vectorizer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Vectorizer>(info) {
    Arguments arguments(info, "FastTextVectorizer");
    const auto bytes = arguments.bytes();
    const auto starts = arguments.doubles();
    const auto given = arguments.int32s();
    const auto bits = arguments.int32s();
    arguments.expect(arguments.ok() && fasttext::is_ascending(starts, bytes.length) && starts.length <= INT32_MAX,
                     "wordStarts must run up within wordBytes");
    arguments.expect(given.length == 6, "settings must have six numbers");
    if (!arguments.ok()) return;
    const fasttext::VectorSettings settings{given.data[0], given.data[1], given.data[2], given.data[3], given.data[4],
                                            static_cast<fasttext::NgramRows>(given.data[5])};
    const auto within = [](int32_t value, double most) { return value >= 0 && value <= most; };
    arguments.expect(settings.dim > 0 && within(settings.dim, kMostDims) && within(settings.minn, kLongestNgram) &&
                         within(settings.maxn, kLongestNgram) && within(settings.word_ngrams, kLongestNgram) &&
                         within(settings.bucket, kMostBuckets) && within(given.data[5], 3),
                     "a setting is out of its range");
    const bool has_bits = given.data[5] >= static_cast<int32_t>(fasttext::NgramRows::kOthersNothing);
    arguments.expect(!has_bits || bits.length > static_cast<size_t>(settings.bucket) / 32, "there is not a bit for each bucket");
    arguments.expect(given.data[5] == 0 || settings.bucket > 0, "there is no bucket for n-grams");
    if (!arguments.ok()) return;
    ready_ = kernel_.init(settings, bytes.data, starts.data, starts.length - 1, bits.data, bits.length);
    if (!ready_) fasttext::no_memory(info, "FastTextVectorizer");
  }

 private:
  // read(text, endOfText, input, hidden): number
  Napi::Value Read(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "read");
    const size_t units = arguments.string();
    const bool end_of_text = arguments.boolean();
    const auto input = arguments.floats();
    const auto hidden = arguments.doubles();
    arguments.expect(ready_, "there is no model");
    arguments.expect(arguments.ok() && input.length / kernel_.dim() >= kernel_.rows(), "input has too few rows");
    arguments.expect(hidden.length == kernel_.dim(), "hidden must have as many numbers as a row");
    if (!arguments.ok()) return info.Env().Undefined();
    size_t length = 0;
    const uint8_t* const bytes = utf8(arguments, units, utf8_, &length);
    const int64_t rows = bytes == nullptr ? -1 : kernel_.read(bytes, length, end_of_text, input.data, hidden.data);
    if (rows < 0) return fasttext::no_memory(info, "read");
    return Napi::Number::New(info.Env(), static_cast<double>(rows));
  }

  fasttext::Vectorizer kernel_;
  fasttext::Growing<uint8_t> utf8_;
  bool ready_ = false;
};

// new FastTextTexts()
class Texts : public Napi::ObjectWrap<Texts> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "FastTextTexts",
                       {InstanceMethod<&Texts::Add>("add"), InstanceMethod<&Texts::Size>("size"),
                        InstanceMethod<&Texts::ReadTypes>("readTypes"), InstanceMethod<&Texts::ReadLengths>("readLengths"),
                        InstanceMethod<&Texts::WriteEntries>("writeEntries")});
  }

  explicit Texts(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Texts>(info) {
    if (!kernel_.ok()) fasttext::no_memory(info, "FastTextTexts");
  }

 private:
  // add(text): void
  Napi::Value Add(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "add");
    const size_t units = arguments.string();
    if (!arguments.ok()) return info.Env().Undefined();
    size_t length = 0;
    const uint8_t* const bytes = utf8(arguments, units, utf8_, &length);
    if (bytes == nullptr || !kernel_.ok() || !kernel_.add(bytes, length)) return fasttext::no_memory(info, "add");
    return info.Env().Undefined();
  }

  // size(): { types, typeBytes, texts, tokens }
  Napi::Value Size(const Napi::CallbackInfo& info) {
    Napi::Object size = Napi::Object::New(info.Env());
    size.Set("types", static_cast<double>(kernel_.types()));
    size.Set("typeBytes", static_cast<double>(kernel_.type_bytes()));
    size.Set("texts", static_cast<double>(kernel_.texts()));
    size.Set("tokens", static_cast<double>(kernel_.tokens()));
    return size;
  }

  // readTypes(bytes, starts, counts): void
  Napi::Value ReadTypes(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "readTypes");
    const auto bytes = arguments.bytes();
    const auto starts = arguments.doubles();
    const auto counts = arguments.doubles();
    arguments.expect(bytes.length >= kernel_.type_bytes() && starts.length > kernel_.types() &&
                         counts.length >= kernel_.types(),
                     "there must be room for all words");
    if (arguments.ok() && kernel_.ok()) kernel_.read_types(bytes.data, starts.data, counts.data);
    return info.Env().Undefined();
  }

  // readLengths(lengths): void
  Napi::Value ReadLengths(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "readLengths");
    const auto lengths = arguments.uint32s();
    arguments.expect(lengths.length >= kernel_.texts(), "there must be room for all texts");
    if (arguments.ok()) kernel_.read_lengths(lengths.data);
    return info.Env().Undefined();
  }

  // writeEntries(unitOf, wordNgrams, bucket, bits, firstNgram, entries, starts): void
  Napi::Value WriteEntries(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "writeEntries");
    const auto unit_of = arguments.int32s();
    const size_t word_ngrams = arguments.integer(1, kLongestNgram);
    const size_t bucket = arguments.integer(0, kMostBuckets);
    const auto bits = arguments.int32s();
    const size_t first_ngram = arguments.integer(0, 0x7fffffff);
    const auto entries = arguments.uint32s();
    const auto starts = arguments.doubles();
    arguments.expect(unit_of.length >= kernel_.types(), "unitOf must have a number for each word");
    arguments.expect(bucket > 0 || word_ngrams == 1, "there is no bucket for n-grams");
    arguments.expect(bits.length > bucket / 32, "there is not a bit for each bucket");
    arguments.expect(starts.length > kernel_.texts() && entries.length >= kernel_.most_entries(word_ngrams),
                     "there must be room for all entries");
    if (!arguments.ok()) return info.Env().Undefined();
    if (!kernel_.write_entries(unit_of.data, word_ngrams, static_cast<uint32_t>(bucket), bits.data, bits.length,
                               static_cast<uint32_t>(first_ngram), entries.data, starts.data)) {
      return fasttext::no_memory(info, "writeEntries");
    }
    return info.Env().Undefined();
  }

  fasttext::Texts kernel_;
  fasttext::Growing<uint8_t> utf8_;
};

double longest_path(const fasttext::Array<double>& starts) {
  double longest = 0;
  for (size_t i = 1; i < starts.length; i++) longest = std::max(longest, starts.data[i] - starts.data[i - 1]);
  return longest;
}

// Whether every number below 2^32 draws a label, and no label is drawn for all of them.
bool can_draw(const fasttext::Array<double>& thresholds, size_t labels) {
  if (thresholds.length != labels || thresholds.data[labels - 1] != 4294967296.0) return false;
  size_t drawn = 0;
  for (size_t i = 0; i < labels; i++) {
    const double before = i == 0 ? 0 : thresholds.data[i - 1];
    if (!(thresholds.data[i] >= before)) return false;
    if (thresholds.data[i] >= before + 1) drawn++;
  }
  return drawn >= 2;
}

// fastTextDescend(entries, starts, targets, sizes, unitStarts, unitRows, words, dim, loss, lr, epochs, lrUpdateRate, neg, seed,
//                 shuffle, pathStarts, pathNodes, pathFromRight, thresholds, sigmoid, logarithm, input, rows, filled, output,
//                 losses): void
Napi::Value Descend(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "fastTextDescend");
  const auto entries = arguments.uint32s();
  const auto starts = arguments.doubles();
  const auto targets = arguments.int32s();
  const auto sizes = arguments.uint32s();
  const auto unit_starts = arguments.doubles();
  const auto unit_rows = arguments.int32s();
  const size_t words = arguments.integer(0, kMost32);
  const size_t dim = arguments.integer(1, kMostDims);
  const size_t loss = arguments.integer(1, 4);
  const double lr = arguments.number();
  const size_t epochs = arguments.integer(1, kMost32);
  const size_t lr_update_rate = arguments.integer(0, kMost32);
  const size_t neg = arguments.integer(0, kMost32);
  const size_t seed = arguments.integer(0, kMost32);
  const bool shuffle = arguments.boolean();
  const auto path_starts = arguments.doubles();
  const auto path_nodes = arguments.int32s();
  const auto path_from_right = arguments.bytes();
  const auto thresholds = arguments.doubles();
  const auto sigmoid = arguments.floats();
  const auto logarithm = arguments.doubles();
  const auto input = arguments.floats();
  const size_t rows = arguments.integer(0, kMost32);
  const size_t filled = arguments.integer(0, static_cast<double>(rows));
  const auto output = arguments.floats();
  const auto losses = arguments.doubles();
  if (!arguments.ok()) return info.Env().Undefined();

  const size_t labels = output.length / dim, units = unit_starts.length - 1;
  const size_t texts = targets.length;
  arguments.expect(input.length >= fasttext::room_for_rows(rows, dim), "input must have room to move its rows apart");
  arguments.expect(labels * dim == output.length && labels >= 2, "output must be whole rows");
  arguments.expect(starts.length == texts + 1 && fasttext::is_ascending(starts, entries.length) && sizes.length == texts,
                   "starts, targets and sizes must be of one number of texts");
  arguments.expect(fasttext::is_ascending(unit_starts, unit_rows.length) &&
                       fasttext::all_below(unit_rows.data, unit_rows.length, 0, rows),
                   "units must name rows of input");
  if (!arguments.ok()) return info.Env().Undefined();
  const size_t entry_limit = units == 0 ? rows : units + rows - std::min(rows, words);
  arguments.expect(fasttext::all_below(entries.data, static_cast<size_t>(starts.data[texts]), 0, entry_limit),
                   "entries must name rows of input");
  const int32_t* const lowest = std::min_element(targets.data, targets.data + texts);
  const int32_t* const highest = std::max_element(targets.data, targets.data + texts);
  arguments.expect(texts == 0 || (*lowest >= -1 && *highest < static_cast<int64_t>(labels)), "targets must be labels");
  const bool is_tree = loss == static_cast<size_t>(fasttext::Loss::kTree);
  arguments.expect(!is_tree || (path_starts.length == labels + 1 && fasttext::is_ascending(path_starts, path_nodes.length) &&
                                path_from_right.length >= path_nodes.length &&
                                fasttext::all_below(path_nodes.data, path_nodes.length, 0, labels)),
                   "paths must be ways over rows of output");
  arguments.expect(!is_tree || longest_path(path_starts) <= static_cast<double>(labels), "a path must be no longer than there are labels");
  const bool is_drawn = loss == static_cast<size_t>(fasttext::Loss::kNegativeSampling);
  arguments.expect(!is_drawn || can_draw(thresholds, labels), "thresholds must rise, by 1 or more for two labels, to 2^32");
  arguments.expect(sigmoid.length == fasttext::kSigmoidSteps + 1 && logarithm.length == fasttext::kLogSteps + 1,
                   "sigmoid and logarithm must have 513 numbers");
  arguments.expect(losses.length == epochs, "losses must have a number for each epoch");
  if (!arguments.ok()) return info.Env().Undefined();

  const fasttext::Descent descent{
      entries.data, starts.data, targets.data, sizes.data, texts, unit_starts.data, unit_rows.data, units, words,
      static_cast<fasttext::Loss>(loss), lr, epochs, lr_update_rate, neg, static_cast<uint32_t>(seed), shuffle,
      path_starts.data, path_nodes.data, path_from_right.data, thresholds.data, sigmoid.data, logarithm.data, rows, labels, dim};
  if (!fasttext::descend(descent, input.data, filled, output.data, losses.data)) {
    return fasttext::no_memory(info, "fastTextDescend");
  }
  return info.Env().Undefined();
}

// fastTextNearest(points, width, centroids, codes): void
Napi::Value Nearest(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "fastTextNearest");
  const auto points = arguments.floats();
  const size_t width = arguments.integer(1, fasttext::kWidestPoint);
  const auto centroids = arguments.floats();
  const auto codes = arguments.bytes();
  arguments.expect(arguments.ok() && centroids.length == fasttext::kCentroids * width, "there must be 256 centroids");
  arguments.expect(arguments.ok() && codes.length == points.length / width, "there must be a code for each point");
  if (arguments.ok()) fasttext::nearest_centroids(points.data, codes.length, width, centroids.data, codes.data);
  return info.Env().Undefined();
}

}  // namespace

void RegisterFastText(Napi::Env env, Napi::Object exports) {
  exports.Set("FastTextVectorizer", Vectorizer::Define(env));
  exports.Set("FastTextTexts", Texts::Define(env));
  exports.Set("fastTextDescend", Napi::Function::New(env, Descend, "fastTextDescend"));
  exports.Set("fastTextNearest", Napi::Function::New(env, Nearest, "fastTextNearest"));
}
