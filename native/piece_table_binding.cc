// JavaScript's door to native/piece_table.cc: checks arguments, then calls.

#include <napi.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.h"
#include "column_arguments.h"
#include "piece_table.h"
#include "plain_nfc.h"
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
         InstanceMethod<&PieceTable::Serialize>("serialize"), StaticMethod<&PieceTable::Read>("read"),
         InstanceMethod<&PieceTable::Drop>("drop"),
         InstanceMethod<&PieceTable::Counts>("counts"), StaticMethod<&PieceTable::Gather>("gather"),
         InstanceMethod<&PieceTable::CountRows>("countRows"), InstanceMethod<&PieceTable::CountBatch>("countBatch"),
         StaticMethod<&PieceTable::AddPartitions>("addPartitions")});
    return definition;
  }

  explicit PieceTable(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PieceTable>(info) {
    info.This().As<Napi::Object>().TypeTag(&kTag);
  }

 private:
  static constexpr napi_type_tag kTag{0x5b7c0c1e4f7a4d0b, 0x9a1d3e6f2b8c7a55};

  bool refuse_busy(const Napi::CallbackInfo& info) {
    if (waiting_ > 0) Napi::Error::New(info.Env(), "the piece table is counting").ThrowAsJavaScriptException();
    return waiting_ > 0;
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
    if (!is_nfc && !corpusmill::is_plain_nfc(bytes, length)) return Napi::Number::New(info.Env(), -1);
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

  // Rows of a column of texts, and where to write those that are not counted.
  struct Rows {
    bpe::Pattern pattern;
    corpusmill::columns::Strings texts;
    size_t count, most_bytes;
    bool are_nfc;
    uint32_t* left;

    bpe::PieceTable::RowsCounted count_in(bpe::PieceTable& table) const {
      return table.count_rows(pattern, texts, count, most_bytes, are_nfc, left);
    }
  };
  static Rows read_rows(Arguments& arguments) {
    Rows rows{};
    rows.pattern = static_cast<bpe::Pattern>(arguments.integer(bpe::kPatterns - 1));
    const corpusmill::ColumnRows column = corpusmill::read_column_rows(arguments);
    rows.texts = {column.strings.bytes, column.strings.offsets + column.from};
    rows.count = column.count();
    rows.most_bytes = arguments.integer(kMost32);
    if (arguments.ok() && rows.most_bytes < 4) arguments.fail("is less than a character");
    rows.are_nfc = arguments.integer(1) == 1;
    rows.left = arguments.own_array<uint32_t>(napi_uint32_array, rows.count);
    if (arguments.ok() && !corpusmill::unicode::has_classes()) arguments.fail("is given before unicodeClasses was called");
    return rows;
  }
  static Napi::Array list_of(Napi::Env env, std::initializer_list<size_t> numbers) {
    Napi::Array list = Napi::Array::New(env, numbers.size());
    uint32_t i = 0;
    for (const size_t number : numbers) list.Set(i++, Napi::Number::New(env, static_cast<double>(number)));
    return list;
  }

  // countRows(pattern, bytes, offsets, from, to, mostBytes, areNfc, left): [cut, left]
  Napi::Value CountRows(const Napi::CallbackInfo& info) {
    if (refuse_busy(info)) return info.Env().Undefined();
    Arguments arguments(info, "countRows");
    const Rows given = read_rows(arguments);
    if (!arguments.ok()) return info.Env().Undefined();
    const auto [cut, left] = given.count_in(table_);
    return list_of(info.Env(), {cut, left});
  }

  // countBatch(the same): Promise<[cut, left, size]>; the bytes and `left` must stay as they are until it ends, and nothing but
  // further batches be asked of the table
  Napi::Value CountBatch(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "countBatch");
    const Rows given = read_rows(arguments);
    if (!arguments.ok()) return info.Env().Undefined();
    waiting_++;
    auto batch = std::make_unique<Batch>(info, given);
    const Napi::Promise promise = batch->deferred.Promise();
    bool must_start = false;
    {
      const std::lock_guard<std::mutex> lock(batches_mutex_);
      batches_.push_back(std::move(batch));
      must_start = !is_counting_;
      is_counting_ = true;
    }
    if (must_start) (new BatchWorker(info.Env(), *this))->Queue();
    return promise;
  }

  struct Batch {
    Batch(const Napi::CallbackInfo& info, const Rows& given)
        : deferred(Napi::Promise::Deferred::New(info.Env())),
          kept{Napi::Persistent(info.This().As<Napi::Object>()), Napi::Persistent(info[1].As<Napi::Object>()),
               Napi::Persistent(info[kLeft].As<Napi::Object>())},
          offsets(given.texts.offsets, given.texts.offsets + given.count + 1),
          rows(given) {
      rows.texts.offsets = offsets.data();
    }
    static constexpr size_t kLeft = 7;
    const Napi::Promise::Deferred deferred;
    const Napi::ObjectReference kept[3];  // the table, the bytes, `left`
    const std::vector<int32_t> offsets;
    Rows rows;
    bpe::PieceTable::RowsCounted counted;
    size_t size = 0;
  };

  // Counts batches as long as there are some and tells of each: the next one need not wait for the thread of JavaScript.
  class BatchWorker : public Napi::AsyncProgressQueueWorker<Batch*> {
   public:
    BatchWorker(Napi::Env env, PieceTable& table) : Napi::AsyncProgressQueueWorker<Batch*>(env), table_(table) {
      // Batches let go of the table when they are done, this worker when it is.
      table_.Ref();
    }
    void Execute(const ExecutionProgress& progress) override {
      for (;;) {
        Batch* batch = nullptr;
        {
          const std::lock_guard<std::mutex> lock(table_.batches_mutex_);
          if (table_.batches_.empty()) {
            table_.is_counting_ = false;
            return;
          }
          batch = table_.batches_.front().release();
          table_.batches_.pop_front();
        }
        batch->counted = batch->rows.count_in(table_.table_);
        batch->size = table_.table_.size();
        progress.Send(&batch, 1);
      }
    }
    void OnProgress(Batch* const* counted, size_t count) override {
      for (size_t i = 0; i < count; i++) {
        const std::unique_ptr<Batch> batch(counted[i]);
        table_.waiting_--;
        batch->deferred.Resolve(list_of(Env(), {batch->counted.cut, batch->counted.left, batch->size}));
      }
    }
    void OnOK() override { table_.Unref(); }

   private:
    PieceTable& table_;
  };

  // The tables of a list, all different and none of them counting; otherwise throws and gives false.
  static bool tables_of(const Napi::CallbackInfo& info, Arguments& arguments, std::vector<bpe::PieceTable*>* tables) {
    const Napi::Value given = info[0];
    arguments.next();
    const bool is_list = given.IsArray() && given.As<Napi::Array>().Length() <= kMostTables;
    for (uint32_t i = 0; is_list && i < given.As<Napi::Array>().Length(); i++) {
      const Napi::Value each = given.As<Napi::Array>().Get(i);
      if (!each.IsObject() || !each.As<Napi::Object>().CheckTypeTag(&kTag)) break;
      PieceTable* const table = Unwrap(each.As<Napi::Object>());
      if (table->refuse_busy(info)) return false;
      if (std::find(tables->begin(), tables->end(), &table->table_) != tables->end()) break;
      tables->push_back(&table->table_);
    }
    if (is_list && tables->size() == given.As<Napi::Array>().Length()) return true;
    arguments.fail("is no list of different piece tables");
    return false;
  }

  // PieceTable.addPartitions(tables, partitions): boolean; the partitions of each table, which a thread of its own adds
  static Napi::Value AddPartitions(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "addPartitions");
    struct Work {
      bpe::PieceTable* table = nullptr;
      std::vector<std::pair<const uint8_t*, size_t>> partitions;
      bool is_good = true;
    };
    std::vector<bpe::PieceTable*> tables;
    if (!tables_of(info, arguments, &tables)) return info.Env().Undefined();
    arguments.next();
    if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() != tables.size()) {
      arguments.fail("is not as many lists as there are tables");
      return info.Env().Undefined();
    }
    std::vector<Work> work(tables.size());
    for (uint32_t i = 0; i < work.size(); i++) {
      work[i].table = tables[i];
      const Napi::Value list = info[1].As<Napi::Array>().Get(i);
      bool is_list = list.IsArray();
      for (uint32_t k = 0; is_list && k < list.As<Napi::Array>().Length(); k++) {
        const Napi::Value bytes = list.As<Napi::Array>().Get(k);
        is_list = bytes.IsTypedArray() && bytes.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array &&
                  bytes.As<Napi::TypedArray>().ArrayBuffer().IsArrayBuffer();
        if (!is_list) break;
        const Napi::Uint8Array array = bytes.As<Napi::Uint8Array>();
        work[i].partitions.emplace_back(array.Data(), array.ByteLength());
      }
      if (!is_list) {
        arguments.fail("holds what is no list of unshared byte arrays");
        return info.Env().Undefined();
      }
    }
    const auto add = [](Work& one) {
      for (const auto& [bytes, length] : one.partitions) {
        one.is_good = one.is_good && one.table->add_partition(bytes, length);
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

  // PieceTable.gather(tables): void; each piece is then in one of the tables alone
  static void Gather(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "gather");
    std::vector<bpe::PieceTable*> tables;
    if (tables_of(info, arguments, &tables)) bpe::PieceTable::gather(tables);
  }

  // PieceTable.read(tables, arena, starts, counts): void
  static void Read(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "read");
    std::vector<bpe::PieceTable*> tables;
    if (!tables_of(info, arguments, &tables)) return;
    size_t pieces = 0, bytes = 0;
    for (const bpe::PieceTable* table : tables) {
      pieces += table->size();
      bytes += table->piece_bytes();
    }
    uint8_t* const arena = arguments.own_array<uint8_t>(napi_uint8_array, bytes);
    uint32_t* const starts = arguments.own_array<uint32_t>(napi_uint32_array, pieces);
    double* const counts = arguments.own_array<double>(napi_float64_array, pieces);
    if (arguments.ok() && bytes > UINT32_MAX) arguments.fail("has no place for more than 4 GiB");
    if (arguments.ok()) bpe::PieceTable::read_all(tables, arena, starts, counts);
  }

  bpe::PieceTable table_;
  // Batches whose promises are not settled yet: a thread of the pool may be writing to the table.
  size_t waiting_ = 0;
  std::mutex batches_mutex_;
  std::deque<std::unique_ptr<Batch>> batches_;
  bool is_counting_ = false;
};

}  // namespace

void RegisterPieceTable(Napi::Env env, Napi::Object exports) { exports.Set("PieceTable", PieceTable::Define(env)); }
