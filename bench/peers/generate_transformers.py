"""Prefill and decode of transformers on a model folder, float32 with its cache, for the generate bench.

    PYTHON bench/peers/generate_transformers.py FOLDER BATCH PROMPT NEW THREADS ROUNDS

Greedy, without `generate`'s own bookkeeping: the model is called as `generate` calls it. Prints one JSON object with the
seconds of each round.
"""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

folder, *numbers = sys.argv[1:]
batch, prompt, fresh, threads, rounds = map(int, numbers)
torch.set_num_threads(threads)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
ids = torch.tensor([[(t * 31 + b * 7) % model.config.vocab_size for t in range(prompt)] for b in range(batch)])
prefill, decode = [], []
with torch.inference_mode():
    for round in range(-1, rounds):
        begin = time.perf_counter()
        out = model(ids, use_cache=True, logits_to_keep=1)
        middle = time.perf_counter()
        for _ in range(fresh - 1):
            chosen = out.logits[:, -1].argmax(-1, keepdim=True)
            out = model(chosen, past_key_values=out.past_key_values, use_cache=True, logits_to_keep=1)
        end = time.perf_counter()
        if round < 0:
            continue
        prefill.append(middle - begin)
        decode.append(end - middle)
print(json.dumps(dict(prefill=prefill, decode=decode, steps=fresh - 1)))
