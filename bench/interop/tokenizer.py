"""Judges a tokenizer that corpusmill trained with HF `tokenizers` and `tiktoken`, the tools it must agree with.

    PYTHON bench/interop/tokenizer.py FOLDER TEXTS.jsonl[.gz] [--ids IDS.bin] [--train] [--limit N] [--field text]

FOLDER holds tokenizer.json and tokenizer.tiktoken. Checks, on every text of the JSONL file:
  1. both files load, and HF and tiktoken give equal ids (NFC applied first where the tokenizer does so);
  2. HF decodes the ids back to the (normalized) text;
  3. with --ids, the file's ids (little-endian uint32, per text a length and the ids) equal HF's;
  4. with --train, HF's own BpeTrainer, given the same texts and settings, finds the same merges in the same order.
PYTHON is the interpreter that bench/peers/setup.sh prints. Prints one JSON object; the exit code is 1 on any difference.
"""

import argparse
import base64
import gzip
import json
import resource
import struct
import sys
import time
import unicodedata
from pathlib import Path

import tiktoken
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers


# By the prefix of a text's language.
GROUPS = {"mixed": "", "English": "en", "Chinese": "zh"}


def read_texts(path, field, limit):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit and number >= limit:
                return
            row = json.loads(line)
            yield row[field], row.get("lang", "")


def train_hf(texts, spec, vocab_size, specials, min_frequency):
    """HF's trainer with the normalizer, pattern, size and alphabet of `spec`."""
    tokenizer = Tokenizer(models.BPE())
    nfc = (spec["normalizer"] or {}).get("type") == "NFC"
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    pattern = spec["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    started = time.process_time()
    tokenizer.train_from_iterator(texts, trainer)
    seconds = time.process_time() - started
    return json.loads(tokenizer.to_str())["model"]["merges"], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("texts")
    parser.add_argument("--ids")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--min-frequency", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--field", default="text")
    args = parser.parse_args()

    folder = Path(args.folder)
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in spec["model"]["merges"]]
    specials = [token["content"] for token in spec["added_tokens"]]
    nfc = (spec["normalizer"] or {}).get("type") == "NFC"
    hf = Tokenizer.from_file(str(folder / "tokenizer.json"))
    hf.encode_special_tokens = True  # special tokens in a text are text, as in corpusmill

    ranks = {}
    for line in (folder / "tokenizer.tiktoken").read_text().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    tik = tiktoken.Encoding(
        name="corpusmill",
        pat_str=spec["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"],
        mergeable_ranks=ranks,
        special_tokens={token["content"]: token["id"] for token in spec["added_tokens"]},
    )

    rows = list(read_texts(args.texts, args.field, args.limit))
    texts = [text for text, _ in rows]
    ours = memoryview(Path(args.ids).read_bytes()) if args.ids else None
    at = 0
    report = {"texts": len(texts), "bytes": sum(len(text.encode()) for text in texts), "ids": 0}
    report |= {"hfVersusTiktoken": 0, "hfVersusCorpusmill": 0 if ours else None, "notDecodedBack": 0}
    spent = {group: [0.0, 0.0, 0] for group in GROUPS}
    for text, language in rows:
        started = time.process_time()
        ids = hf.encode(text, add_special_tokens=False).ids
        seconds_hf = time.process_time() - started
        normal = unicodedata.normalize("NFC", text) if nfc else text
        started = time.process_time()
        tik_ids = tik.encode_ordinary(normal)
        seconds_tiktoken = time.process_time() - started
        for group, prefix in GROUPS.items():
            if language.startswith(prefix):
                spent[group][0] += seconds_hf
                spent[group][1] += seconds_tiktoken
                spent[group][2] += len(text.encode())
        report["ids"] += len(ids)
        report["hfVersusTiktoken"] += ids != tik_ids
        report["notDecodedBack"] += hf.decode(ids, skip_special_tokens=False) != normal
        if ours is not None:
            (count,) = struct.unpack_from("<I", ours, at)
            found = list(struct.unpack_from(f"<{count}I", ours, at + 4))
            at += 4 + 4 * count
            report["hfVersusCorpusmill"] += ids != found
    report["groups"] = {
        group: {
            "hfMbPerSecond": round(size / 1e6 / seconds_hf, 2),
            "tiktokenMbPerSecond": round(size / 1e6 / seconds_tiktoken, 2),
        }
        for group, (seconds_hf, seconds_tiktoken, size) in spent.items()
        if size > 0
    }
    report |= report["groups"]["mixed"]
    failed = report["hfVersusTiktoken"] or report["hfVersusCorpusmill"] or report["notDecodedBack"]

    if args.train:
        size = len(spec["model"]["vocab"]) + len(specials)
        hf_merges, seconds = train_hf(texts, spec, size, specials, args.min_frequency)
        hf_merges = [merge.split(" ") if isinstance(merge, str) else list(merge) for merge in hf_merges]
        same = 0
        while same < min(len(merges), len(hf_merges)) and merges[same] == hf_merges[same]:
            same += 1
        report |= {
            "merges": len(merges),
            "hfMerges": len(hf_merges),
            "mergesIdentical": merges == hf_merges,
            "firstDifference": None if merges == hf_merges else same,
            "hfTrainCpuSeconds": round(seconds, 2),
            "hfPeakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        failed = failed or merges != hf_merges
    print(json.dumps(report, indent=1))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
