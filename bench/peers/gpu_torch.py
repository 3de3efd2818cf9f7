"""PyTorch's side of the bench webgpu-speed: matrix products and training steps on CUDA where it is there, else on the processor.

Reads one JSON object a line and answers each with one line:
  {"kind": "info"}                                                  -> {"device": ..., "torch": ...}
  {"kind": "matmul", "m", "n", "k", "form", "dtype", "seconds"}     -> {"gflops": ...}
  {"kind": "train", "model": {...config.json}, "batch", "time", "seconds", "dtype"} -> {"tokensPerSecond": ..., "loss": ...}
dtype is f32 (without TF32), f16 or bf16; training in those is autocast over float32 weights. Models are Qwen2-like
(train_speed.py) or GPT-2.
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from train_speed import Model

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.manual_seed(1)


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


class GptBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c["n_embd"]
        self.heads = c["n_head"]
        self.n1, self.n2 = nn.LayerNorm(h, eps=c.get("layer_norm_epsilon", 1e-5)), nn.LayerNorm(h)
        self.qkv, self.o = nn.Linear(h, 3 * h), nn.Linear(h, h)
        self.up, self.down = nn.Linear(h, 4 * h), nn.Linear(4 * h, h)

    def forward(self, x):
        b, t, h = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.n1(x)).split(h, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, h))
        return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c["n_embd"]
        self.embed, self.places = nn.Embedding(c["vocab_size"], h), nn.Embedding(c["n_positions"], h)
        self.blocks = nn.ModuleList(GptBlock(c) for _ in range(c["n_layer"]))
        self.norm = nn.LayerNorm(h)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, labels):
        x = self.embed(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.embed.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), labels.reshape(-1))


def products(request):
    m, n, k, dtype = request["m"], request["n"], request["k"], DTYPES[request["dtype"]]
    form = request["form"]
    a = torch.randn((k, m) if form[0] == "T" else (m, k), dtype=dtype, device=device)
    b = torch.randn((n, k) if form[1] == "T" else (k, n), dtype=dtype, device=device)
    left, right = a.t() if form[0] == "T" else a, b.t() if form[1] == "T" else b
    for _ in range(3):
        torch.matmul(left, right)
    wait()
    rates, start = [], time.perf_counter()
    while len(rates) < 5 or time.perf_counter() - start < request["seconds"]:
        calls, began = 0, time.perf_counter()
        while calls < 4:
            torch.matmul(left, right)
            calls += 1
        wait()
        rates.append(calls * 2 * m * n * k / (time.perf_counter() - began) / 1e9)
        if time.perf_counter() - start > 10:
            break
    return {"gflops": sorted(rates)[len(rates) // 2]}


def train(request):
    c, dtype = request["model"], DTYPES[request["dtype"]]
    model = (Gpt(c) if c["model_type"] == "gpt2" else Model(c, request["time"])).to(device)
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), fused=True)
    ids = torch.randint(0, c["vocab_size"], (request["batch"], request["time"] + 1), device=device)

    def once():
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(ids[:, :-1], ids[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    for _ in range(2):
        loss = once()
    wait()
    steps, start = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - start < request["seconds"]:
        loss = once()
        steps += 1
    wait()
    spent = time.perf_counter() - start
    del model, optimizer
    if device == "cuda":
        torch.cuda.empty_cache()
    return {"tokensPerSecond": steps * request["batch"] * request["time"] / spent, "loss": loss}


def info(_):
    name = torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads of the processor"
    return {"device": name, "torch": torch.__version__}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"info": info, "matmul": products, "train": train}[request["kind"]](request)
    except Exception as error:  # the bench prints why there is no figure
        answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    print(json.dumps(answer), flush=True)
