"""Trains a byte-level BPE with HF tokenizers, for bench/tokenizer-train.ts.

    PYTHON bench/peers/bpe_train_hf.py TEXTS.jsonl PATTERN VOCAB_SIZE OUT.txt

NFC, the 256 bytes as alphabet, three special tokens, minimum frequency 2. Writes one merge a line; prints one JSON object.
"""

import json
import resource
import sys
import time

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers


def texts(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def main():
    path, pattern, size, out = sys.argv[1:]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=int(size),
        min_frequency=2,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    started = time.process_time()
    tokenizer.train_from_iterator(texts(path), trainer)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    with open(out, "w", encoding="utf-8") as lines:
        lines.writelines((merge if isinstance(merge, str) else " ".join(merge)) + "\n" for merge in merges)
    print(json.dumps({"cpuSeconds": round(seconds, 2), "peakMiB": peak}))


main()
