// JavaScript's door to pair_sweep.cc.

#include <napi.h>

#include <algorithm>
#include <memory>

#include "arguments.h"
#include "pair_sweep.h"

namespace {

using corpusmill::Arguments;
using corpusmill::PairSweep;
using corpusmill::PairWords;

constexpr double kMostShingleTokens = 1 << 20;
constexpr double kMostValues = 9007199254740991;
// Of a rule: by Jaccard similarity 1, by containment 0; tokens per shingle; then its limits in the order of likeness::Rule.
constexpr size_t kRuleNumbers = 9;

class PairSweepWrap : public Napi::ObjectWrap<PairSweepWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "PairSweep",
        {InstanceMethod<&PairSweepWrap::Begin>("begin"), InstanceMethod<&PairSweepWrap::Note>("note"),
         InstanceMethod<&PairSweepWrap::Give>("give"), InstanceMethod<&PairSweepWrap::Need>("need"),
         InstanceMethod<&PairSweepWrap::Visit>("visit"), InstanceMethod<&PairSweepWrap::Take>("take"),
         InstanceMethod<&PairSweepWrap::BeginRegrouping>("beginRegrouping"),
         InstanceMethod<&PairSweepWrap::Regroup>("regroup"),
         InstanceMethod<&PairSweepWrap::Counts>("counts")});
  }

  // new PairSweep(rule, groups, maxHeldValues, maxKeptValues, parents, sizes)
  explicit PairSweepWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PairSweepWrap>(info) {
    Arguments arguments(info, "PairSweep");
    const double* const numbers = arguments.own_array<double>(napi_float64_array, kRuleNumbers);
    if (!arguments.ok()) return;
    if (!(numbers[1] >= 1 && numbers[1] <= kMostShingleTokens)) {
      arguments.fail("has no number of tokens per shingle");
      return;
    }
    corpusmill::likeness::Rule rule;
    rule.is_jaccard = numbers[0] == 1;
    rule.shingle_tokens = static_cast<size_t>(numbers[1]);
    rule.threshold = numbers[2];
    rule.min_shingles = numbers[3];
    rule.min_tokens = numbers[4];
    rule.max_reordered = numbers[5];
    rule.fragment = numbers[6];
    rule.exact_below = numbers[7];
    rule.ordered_below = numbers[8];
    groups_ = arguments.integer(PairSweep::kMostGroups);
    PairSweep::Limits limits{};
    limits.held_values = arguments.integer(kMostValues);
    limits.kept_values = arguments.integer(kMostValues);
    uint32_t* const parents = arguments.array<uint32_t>(napi_uint32_array, 0, &rows_);
    if (!arguments.ok()) return;
    if (!corpusmill::is_union_find(parents, rows_)) {
      arguments.fail("has a parent above its child");
      return;
    }
    uint32_t* const sizes = arguments.array<uint32_t>(napi_uint32_array, rows_);
    if (!arguments.ok()) return;
    parents_ = Napi::Persistent(info[4].As<Napi::Object>());
    sizes_ = Napi::Persistent(info[5].As<Napi::Object>());
    sweep_ = std::make_unique<PairSweep>(rule, limits, groups_, parents, sizes, rows_);
  }

 private:
  // begin(): void
  Napi::Value Begin(const Napi::CallbackInfo& info) {
    sweep_->begin();
    return info.Env().Undefined();
  }

  // note(group, pairs): void
  Napi::Value Note(const Napi::CallbackInfo& info) {
    Pairs pairs;
    if (pairs_of(info, "note", &pairs)) sweep_->note(pairs.group, pairs.words, pairs.count);
    return info.Env().Undefined();
  }

  // give(group, pairs): void
  Napi::Value Give(const Napi::CallbackInfo& info) {
    Pairs pairs;
    if (pairs_of(info, "give", &pairs)) sweep_->give(pairs.group, pairs.words, pairs.count);
    return info.Env().Undefined();
  }

  // need(first, rows): 0 nothing, 1 sets that were kept, 2 texts
  Napi::Value Need(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "need");
    const size_t first = arguments.integer(static_cast<double>(rows_));
    const size_t rows = arguments.integer(static_cast<double>(rows_ - first));
    if (!arguments.ok()) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), static_cast<double>(sweep_->need(first, rows)));
  }

  // visit(first, rows, row, bytes, offsets): the row to go on with: `rows` when all is done, else one with characters that
  // the tables of folded tokens lack. Without texts `offsets` is empty.
  Napi::Value Visit(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "visit");
    PairSweep::Part part{};
    part.first = arguments.integer(static_cast<double>(rows_));
    part.rows = arguments.integer(static_cast<double>(rows_ - part.first));
    size_t row = arguments.integer(static_cast<double>(part.rows));
    size_t length = 0, borders = 0;
    part.bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &length);
    const int32_t* const offsets = arguments.own_array<int32_t>(napi_int32_array, 0, &borders);
    if (!arguments.ok()) return info.Env().Undefined();
    if (borders > 0) {
      bool fits = borders == part.rows + 1 && offsets[0] >= 0 && static_cast<size_t>(offsets[part.rows]) <= length;
      for (size_t i = 0; fits && i < part.rows; i++) fits = offsets[i] <= offsets[i + 1];
      if (!fits) {
        arguments.fail("does not cut the bytes into the texts of the part");
        return info.Env().Undefined();
      }
      part.offsets = offsets;
    }
    switch (sweep_->visit(part, &row)) {
      case PairSweep::Visited::kNoMemory:
        Napi::Error::New(info.Env(), "there is no memory for the sets of documents").ThrowAsJavaScriptException();
        break;
      case PairSweep::Visited::kNoText:
        arguments.fail("lacks a text that is needed");
        break;
      default:
        break;
    }
    return Napi::Number::New(info.Env(), static_cast<double>(row));
  }

  // take(kind, group): the pairs that were found since, words of (minor, major), or undefined where there are none. Kinds:
  // 0 waiting, 1 failures, 2 fragments (of all groups).
  Napi::Value Take(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "take");
    const size_t kind = arguments.integer(2);
    const size_t group = arguments.integer(static_cast<double>(groups_) - 1);
    if (!arguments.ok()) return info.Env().Undefined();
    PairWords& words = kind == 0   ? sweep_->waiting(group)
                       : kind == 1 ? sweep_->failures(group)
                                   : sweep_->fragments();
    return array_of(info, &words);
  }

  // beginRegrouping(): void
  Napi::Value BeginRegrouping(const Napi::CallbackInfo& info) {
    sweep_->begin_regrouping();
    return info.Env().Undefined();
  }

  // regroup(failures): pairs as `take` gives them
  Napi::Value Regroup(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "regroup");
    size_t words = 0;
    const uint32_t* const failures = arguments.own_array<uint32_t>(napi_uint32_array, 0, &words);
    for (size_t i = 0; arguments.ok() && i < words; i++) {
      if (failures[i] >= rows_) arguments.fail("has an ordinal of no document");
    }
    if (!arguments.ok()) return info.Env().Undefined();
    PairWords regrouped;
    sweep_->regroup(failures, words / 2, &regrouped);
    return array_of(info, &regrouped);
  }

  // The words, which are then cleared; undefined where there are none.
  static Napi::Value array_of(const Napi::CallbackInfo& info, PairWords* words) {
    if (words->empty()) return info.Env().Undefined();
    Napi::Uint32Array taken = Napi::Uint32Array::New(info.Env(), words->size());
    std::copy(words->begin(), words->end(), taken.Data());
    words->clear();
    return taken;
  }

  // counts(out): void. Compared, rejected; then by bins of similarity, what was accepted and what was rejected.
  Napi::Value Counts(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "counts");
    double* out = arguments.array<double>(napi_float64_array, 2 + 2 * PairSweep::kBins);
    if (!arguments.ok()) return info.Env().Undefined();
    const PairSweep::Counts& counts = sweep_->counts();
    *out++ = static_cast<double>(counts.checked);
    *out++ = static_cast<double>(counts.rejected);
    for (const uint64_t count : counts.accepted_bins) *out++ = static_cast<double>(count);
    for (const uint64_t count : counts.rejected_bins) *out++ = static_cast<double>(count);
    return info.Env().Undefined();
  }

  struct Pairs {
    size_t group = 0;
    const uint32_t* words = nullptr;
    size_t count = 0;
  };

  bool pairs_of(const Napi::CallbackInfo& info, const char* function, Pairs* pairs) {
    Arguments arguments(info, function);
    pairs->group = arguments.integer(static_cast<double>(groups_) - 1);
    size_t words = 0;
    pairs->words = arguments.own_array<uint32_t>(napi_uint32_array, 0, &words);
    if (!arguments.ok()) return false;
    pairs->count = words / 2;
    for (size_t i = 0; i < words / 2; i++) {
      if (pairs->words[2 * i] < pairs->words[2 * i + 1] && pairs->words[2 * i + 1] < rows_) continue;
      arguments.fail("holds what is no pair of an ordinal and a larger one");
      return false;
    }
    return true;
  }

  std::unique_ptr<PairSweep> sweep_;
  size_t groups_ = 0;
  size_t rows_ = 0;
  Napi::ObjectReference parents_;
  Napi::ObjectReference sizes_;
};

}  // namespace

void RegisterPairSweep(Napi::Env env, Napi::Object exports) { exports.Set("PairSweep", PairSweepWrap::define(env)); }
