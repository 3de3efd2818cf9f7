"""PyTorch's scaled_dot_product_attention on CPU, for bench/attention.ts: reads one JSON object a line, times it, answers a line.

Tensors are [batch, time, heads * size] as projections write them, viewed as [batch, heads, time, size]: what a model does.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
cases = {}


def prepare(batch, queries, keys, heads, key_heads, size):
    torch.manual_seed(1)
    q = torch.randn(batch, queries, heads * size, requires_grad=True)
    k = torch.randn(batch, keys, key_heads * size, requires_grad=True)
    v = torch.randn(batch, keys, key_heads * size, requires_grad=True)
    g = torch.randn(batch, queries, heads * size)
    return q, k, v, g


def forward(case, causal, heads, key_heads):
    q, k, v, _ = case
    split = lambda x, n: x.view(x.shape[0], x.shape[1], n, -1).transpose(1, 2)
    out = F.scaled_dot_product_attention(split(q, heads), split(k, key_heads), split(v, key_heads), is_causal=causal,
                                         enable_gqa=heads != key_heads)
    return out.transpose(1, 2).reshape(q.shape)


print(torch.__version__, flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    shape = (ask["batch"], ask["queries"], ask["keys"], ask["queryHeads"], ask["keyHeads"], ask["headSize"])
    if ask["key"] not in cases:
        cases.clear()
        cases[ask["key"]] = prepare(*shape)
    case = cases[ask["key"]]
    causal = ask["queries"] > 1
    start = time.perf_counter()
    for _ in range(ask["times"]):
        if ask["backward"]:
            for x in case[:3]:
                x.grad = None
            forward(case, causal, ask["queryHeads"], ask["keyHeads"]).backward(case[3])
        else:
            with torch.no_grad():
                forward(case, causal, ask["queryHeads"], ask["keyHeads"])
    print(json.dumps((time.perf_counter() - start) / ask["times"]), flush=True)
