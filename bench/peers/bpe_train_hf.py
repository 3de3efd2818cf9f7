"""Trains a byte-level BPE with HF tokenizers, for bench/tokenizer-train.ts.

    PYTHON bench/peers/bpe_train_hf.py TEXTS.jsonl PATTERN VOCAB_SIZE[,…] OUT_PREFIX

NFC, the 256 bytes as alphabet, three special tokens, minimum frequency 2. For the first size writes OUT_PREFIXsize.txt, one
merge a line; HF trains one size at a time, so each costs a run. Prints one JSON object.
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
    path, pattern, sizes, prefix = sys.argv[1:]
    report = {}
    for size in sizes.split(","):
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
        cpu, wall = time.process_time(), time.time()
        tokenizer.train_from_iterator(texts(path), trainer)
        report[f"cpuSeconds{size}"] = round(time.process_time() - cpu, 2)
        report[f"wallSeconds{size}"] = round(time.time() - wall, 2)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        with open(f"{prefix}{size}.txt", "w", encoding="utf-8") as out:
            out.writelines((merge if isinstance(merge, str) else " ".join(merge)) + "\n" for merge in merges)
        report["peakMiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(report))


main()
