// JavaScript's door to native/piece_table.cc: checks arguments, then calls.

#include <napi.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.h"
#include "piece_table.h"
#include "unicode_class.h"

namespace {

namespace bpe = corpusmill::bpe;
using corpusmill::Arguments;

constexpr double kMost = 9007199254740992.0, kMost32 = 0xffffffff;
constexpr uint32_t kMostTables = 64;

// new PieceTable()
class PieceTable : public Napi::ObjectWrap<PieceTable> {
 public:
  static Napi::Function Define(Napi::Env env) {
    const Napi::Function definition = DefineClass(
        env, "PieceTable",
        {InstanceMethod<&PieceTable::CountText>("countText"), InstanceMethod<&PieceTable::CountPieces>("countPieces"),
         InstanceMethod<&PieceTable::Size>("size"), InstanceMethod<&PieceTable::PieceBytes>("pieceBytes"),
         InstanceMethod<&PieceTable::Serialize>("serialize"), InstanceMethod<&PieceTable::Read>("read"),
         InstanceMethod<&PieceTable::Drop>("drop"),
         InstanceMethod<&PieceTable::Absorb>("absorb"), InstanceMethod<&PieceTable::Counts>("counts"),
         InstanceMethod<&PieceTable::CountBatch>("countBatch"),
         StaticMethod<&PieceTable::AddPartitions>("addPartitions")});
    return definition;
  }

  explicit PieceTable(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PieceTable>(info) {
    info.This().As<Napi::Object>().TypeTag(&kTag);
  }

 private:
  static constexpr napi_type_tag kTag{0x5b7c0c1e4f7a4d0b, 0x9a1d3e6f2b8c7a55};

  bool refuse_busy(const Napi::CallbackInfo& info) {
    if (is_busy_) Napi::Error::New(info.Env(), "the piece table is counting").ThrowAsJavaScriptException();
    return is_busy_;
  }

  // countText(pattern, bytes, length, mostBytes, isNfc): number; -1: the text may change under NFC, nothing was counted
  Napi::Value CountText(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "countText");
    size_t room = 0;
    const size_t pattern = arguments.integer(bpe::kPatterns - 1);
    const uint8_t* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &room);
    const size_t length = arguments.integer(std::min(static_cast<double>(room), kMost32));
    const size_t most_bytes = arguments.integer(kMost32);
    if (arguments.ok() && most_bytes < 4) arguments.fail("is less than a character");
    const bool is_nfc = arguments.integer(1) == 1;
    if (arguments.ok() && !corpusmill::unicode::has_classes()) arguments.fail("is given before unicodeClasses was called");
    if (!arguments.ok()) return info.Env().Undefined();
    if (!is_nfc && !bpe::is_plain_nfc(bytes, length)) return Napi::Number::New(info.Env(), -1);
    const size_t cut = table_.count_text(static_cast<bpe::Pattern>(pattern), bytes, length, most_bytes);
    return Napi::Number::New(info.Env(), static_cast<double>(cut));
  }

  // countPieces(bytes, start, ends, count, times, mostBytes): number
  Napi::Value CountPieces(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "countPieces");
    size_t room = 0, ends_room = 0;
    const uint8_t* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &room);
    const size_t start = arguments.integer(std::min(static_cast<double>(room), kMost32));
    const uint32_t* const ends = arguments.own_array<uint32_t>(napi_uint32_array, 0, &ends_room);
    const size_t count = arguments.integer(static_cast<double>(ends_room));
    const size_t times = arguments.integer(kMost);
    const size_t most_bytes = arguments.integer(kMost32);
    if (arguments.ok() && most_bytes < 4) arguments.fail("is less than a character");
    if (!arguments.ok()) return info.Env().Undefined();
    size_t last = start;
    for (size_t i = 0; i < count; i++) {
      if (ends[i] < last || ends[i] > room) {
        Napi::RangeError::New(info.Env(), "countPieces: ends must run up within bytes").ThrowAsJavaScriptException();
        return info.Env().Undefined();
      }
      last = ends[i];
    }
    return Napi::Number::New(info.Env(),
                             static_cast<double>(table_.count_pieces(bytes, start, ends, count, times, most_bytes)));
  }

  Napi::Value Size(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), static_cast<double>(table_.size()));
  }
  Napi::Value PieceBytes(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), static_cast<double>(table_.piece_bytes()));
  }

  // serialize(): Uint8Array
  Napi::Value Serialize(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    const std::string bytes = table_.serialize();
    Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), out.Data());
    return out;
  }

  // read(arena, firstPiece, starts, counts): void; starts[firstPiece] says where in the arena they begin
  Napi::Value Read(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "read");
    size_t room = 0, starts_room = 0, counts_room = 0;
    uint8_t* const arena = arguments.own_array<uint8_t>(napi_uint8_array, 0, &room);
    const size_t first = arguments.integer(kMost32);
    uint32_t* const starts = arguments.own_array<uint32_t>(napi_uint32_array, first + table_.size() + 1, &starts_room);
    double* const counts = arguments.own_array<double>(napi_float64_array, first + table_.size(), &counts_room);
    if (!arguments.ok()) return info.Env().Undefined();
    if (starts[first] + table_.piece_bytes() > std::min<size_t>(room, UINT32_MAX)) {
      Napi::RangeError::New(info.Env(), "read: the arena has no room for the pieces").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    table_.read(arena, starts + first, starts[first], counts + first);
    return info.Env().Undefined();
  }

  // absorb(other): void; the pieces of another table are added, and it is emptied
  Napi::Value Absorb(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    PieceTable* const other =
        info[0].IsObject() && info[0].As<Napi::Object>().CheckTypeTag(&kTag) ? Unwrap(info[0].As<Napi::Object>()) : this;
    if (other == this) {
      Napi::TypeError::New(info.Env(), "absorb: argument 1 is not another PieceTable").ThrowAsJavaScriptException();
    } else if (!other->refuse_busy(info)) {
      table_.absorb(other->table_);
      other->table_ = bpe::PieceTable();
    }
    return info.Env().Undefined();
  }

  // drop(most): void
  Napi::Value Drop(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "drop");
    const size_t most = arguments.integer(kMost);
    if (arguments.ok()) table_.drop(most);
    return info.Env().Undefined();
  }

  // counts(counts): void
  Napi::Value Counts(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "counts");
    double* const counts = arguments.own_array<double>(napi_float64_array, table_.size());
    if (arguments.ok()) table_.counts(counts);
    return info.Env().Undefined();
  }

  // countBatch(pattern, bytes, textEnds, texts, mostBytes): Promise<number>; the bytes must stay as they are until it ends,
  // and nothing else be asked of the table
  Napi::Value CountBatch(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "countBatch");
    size_t room = 0, ends_room = 0;
    const size_t pattern = arguments.integer(bpe::kPatterns - 1);
    const uint8_t* const bytes = arguments.own_array<uint8_t>(napi_uint8_array, 0, &room);
    const uint32_t* const ends = arguments.own_array<uint32_t>(napi_uint32_array, 0, &ends_room);
    const size_t texts = arguments.integer(static_cast<double>(ends_room));
    const size_t most_bytes = arguments.integer(kMost32);
    if (arguments.ok() && most_bytes < 4) arguments.fail("is less than a character");
    if (arguments.ok() && !corpusmill::unicode::has_classes()) arguments.fail("is given before unicodeClasses was called");
    if (arguments.ok() && is_busy_) arguments.fail("is given while the table counts");
    if (!arguments.ok()) return info.Env().Undefined();
    std::vector<uint32_t> text_ends(ends, ends + texts);
    uint32_t last = 0;
    for (const uint32_t end : text_ends) {
      if (end < last || end > room) {
        Napi::RangeError::New(info.Env(), "countBatch: textEnds must run up within bytes").ThrowAsJavaScriptException();
        return info.Env().Undefined();
      }
      last = end;
    }
    auto* const worker = new BatchWorker(info, *this, static_cast<bpe::Pattern>(pattern), bytes, std::move(text_ends),
                                         most_bytes);
    worker->Queue();
    return worker->promise();
  }

  class BatchWorker : public Napi::AsyncWorker {
   public:
    BatchWorker(const Napi::CallbackInfo& info, PieceTable& table, bpe::Pattern pattern, const uint8_t* bytes,
                std::vector<uint32_t> ends, size_t most_bytes)
        : Napi::AsyncWorker(info.Env()),
          deferred_(Napi::Promise::Deferred::New(info.Env())),
          kept_{Napi::Persistent(info.This().As<Napi::Object>()), Napi::Persistent(info[1].As<Napi::Object>())},
          table_(table),
          pattern_(pattern),
          bytes_(bytes),
          ends_(std::move(ends)),
          most_bytes_(most_bytes) {
      table_.is_busy_ = true;
    }
    Napi::Promise promise() const { return deferred_.Promise(); }
    void Execute() override {
      size_t start = 0;
      for (const uint32_t end : ends_) {
        cut_ += table_.table_.count_text(pattern_, bytes_ + start, end - start, most_bytes_);
        start = end;
      }
    }
    void OnOK() override {
      table_.is_busy_ = false;
      deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(cut_)));
    }

   private:
    Napi::Promise::Deferred deferred_;
    const Napi::ObjectReference kept_[2];  // the table and the bytes
    PieceTable& table_;
    const bpe::Pattern pattern_;
    const uint8_t* const bytes_;
    const std::vector<uint32_t> ends_;
    const size_t most_bytes_;
    size_t cut_ = 0;
  };

  // PieceTable.addPartitions(tables, partitions): boolean; the partitions of each table, which a thread of its own adds
  static Napi::Value AddPartitions(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "addPartitions");
    struct Work {
      PieceTable* table = nullptr;
      std::vector<std::pair<const uint8_t*, size_t>> partitions;
      bool is_good = true;
    };
    std::vector<Work> work;
    const bool are_lists = info[0].IsArray() && info[1].IsArray() &&
                           info[0].As<Napi::Array>().Length() == info[1].As<Napi::Array>().Length() &&
                           info[0].As<Napi::Array>().Length() <= kMostTables;
    for (uint32_t i = 0; are_lists && i < info[0].As<Napi::Array>().Length(); i++) {
      const Napi::Value table = info[0].As<Napi::Array>().Get(i), list = info[1].As<Napi::Array>().Get(i);
      if (!table.IsObject() || !table.As<Napi::Object>().CheckTypeTag(&kTag) || !list.IsArray()) break;
      Work next;
      next.table = Unwrap(table.As<Napi::Object>());
      bool is_new = true;
      for (const Work& other : work) is_new &= other.table != next.table;
      if (next.table->refuse_busy(info)) return info.Env().Undefined();
      if (!is_new) break;
      for (uint32_t k = 0; k < list.As<Napi::Array>().Length(); k++) {
        const Napi::Value bytes = list.As<Napi::Array>().Get(k);
        if (!bytes.IsTypedArray() || bytes.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array ||
            !bytes.As<Napi::TypedArray>().ArrayBuffer().IsArrayBuffer()) {
          arguments.next();
          arguments.fail("holds what is no list of unshared byte arrays");
          return info.Env().Undefined();
        }
        const Napi::Uint8Array array = bytes.As<Napi::Uint8Array>();
        next.partitions.emplace_back(array.Data(), array.ByteLength());
      }
      work.push_back(std::move(next));
    }
    if (!are_lists || work.size() != info[0].As<Napi::Array>().Length()) {
      arguments.next();
      arguments.fail("is not as many different tables as the other has lists");
      return info.Env().Undefined();
    }
    const auto add = [](Work& one) {
      for (const auto& [bytes, length] : one.partitions) {
        one.is_good = one.is_good && one.table->table_.add_partition(bytes, length);
      }
    };
    std::vector<std::thread> threads;
    for (size_t i = 1; i < work.size(); i++) threads.emplace_back(add, std::ref(work[i]));
    if (!work.empty()) add(work[0]);
    for (std::thread& thread : threads) thread.join();
    bool is_good = true;
    for (const Work& one : work) is_good &= one.is_good;
    return Napi::Boolean::New(info.Env(), is_good);
  }

  bpe::PieceTable table_;
  bool is_busy_ = false;  // a thread of the pool writes to it
};

}  // namespace

// isPlainNfc(bytes, end, start): boolean
static Napi::Value IsPlainNfc(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "isPlainNfc");
  size_t room = 0;
  const uint8_t* const bytes = arguments.array<uint8_t>(napi_uint8_array, 0, &room);
  const size_t end = arguments.integer(static_cast<double>(room));
  const size_t start = arguments.integer(static_cast<double>(end));
  if (!arguments.ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), bpe::is_plain_nfc(bytes + start, end - start));
}

void RegisterPieceTable(Napi::Env env, Napi::Object exports) {
  exports.Set("PieceTable", PieceTable::Define(env));
  exports.Set("isPlainNfc", Napi::Function::New(env, IsPlainNfc, "isPlainNfc"));
}
