"""PyTorch's side of the bench train-speed: a lean Qwen2-like decoder with the operations that PyTorch is fastest with on a
CPU (scaled_dot_product_attention, rms_norm, fused AdamW), trained on random tokens.

Reads one JSON object a line: {"model": {...config.json}, "batch": B, "time": T, "seconds": S, "compile": false}; answers each
with one line {"tokensPerSecond": ..., "loss": ...}. Models and optimizers are kept between lines.
"""
import json
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# Seconds of the clock, or of the processor where the bench asks for those of one thread on a busy machine.
clock = time.process_time if os.environ.get("CPU_TIME") == "1" else time.perf_counter
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, d = c["hidden_size"], c["hidden_size"] // c["num_attention_heads"]
        self.heads, self.kv, self.d, self.eps = c["num_attention_heads"], c["num_key_value_heads"], d, c["rms_norm_eps"]
        self.q = nn.Linear(h, self.heads * d)
        self.k = nn.Linear(h, self.kv * d)
        self.v = nn.Linear(h, self.kv * d)
        self.o = nn.Linear(self.heads * d, h, bias=False)
        f = c["intermediate_size"]
        self.gate, self.up, self.down = nn.Linear(h, f, bias=False), nn.Linear(h, f, bias=False), nn.Linear(f, h, bias=False)
        self.n1, self.n2 = nn.Parameter(torch.ones(h)), nn.Parameter(torch.ones(h))

    def rotate(self, x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return x * cos + torch.cat((-b, a), dim=-1) * sin

    def forward(self, x, cos, sin):
        b, t, h = x.shape
        n = F.rms_norm(x, (h,), self.n1, self.eps)
        q = self.rotate(self.q(n).view(b, t, self.heads, self.d).transpose(1, 2), cos, sin)
        k = self.rotate(self.k(n).view(b, t, self.kv, self.d).transpose(1, 2), cos, sin)
        v = self.v(n).view(b, t, self.kv, self.d).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, -1))
        n = F.rms_norm(x, (h,), self.n2, self.eps)
        return x + self.down(F.silu(self.gate(n)) * self.up(n))


class Model(nn.Module):
    def __init__(self, c, time):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["num_hidden_layers"]))
        self.norm = nn.Parameter(torch.ones(c["hidden_size"]))
        self.head = None if c["tie_word_embeddings"] else nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        d = c["hidden_size"] // c["num_attention_heads"]
        inverse = 1 / c["rope_theta"] ** (torch.arange(0, d, 2).float() / d)
        angle = torch.arange(time).float()[:, None] * inverse
        self.register_buffer("cos", torch.cat((angle, angle), -1).cos())
        self.register_buffer("sin", torch.cat((angle, angle), -1).sin())
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, labels):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = F.rms_norm(x, (x.shape[-1],), self.norm, self.c["rms_norm_eps"])
        logits = F.linear(x, self.embed.weight if self.head is None else self.head.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), labels.reshape(-1))


kept = {}


def prepare(request):
    key = json.dumps([request["model"], request["batch"], request["time"], request["compile"]], sort_keys=True)
    if key not in kept:
        kept.clear()
        model = Model(request["model"], request["time"])
        decay = [p for p in model.parameters() if p.dim() > 1]
        rest = [p for p in model.parameters() if p.dim() <= 1]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), fused=True)
        step = torch.compile(model) if request["compile"] else model
        ids = torch.randint(0, request["model"]["vocab_size"], (request["batch"], request["time"] + 1))
        kept[key] = (model, step, optimizer, ids)
    return kept[key]


def once(model, step, optimizer, ids):
    loss = step(ids[:, :-1], ids[:, 1:])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            parts = prepare(request)
            loss = once(*parts)
            steps, start = 0, clock()
            while steps == 0 or clock() - start < request["seconds"]:
                loss = once(*parts)
                steps += 1
            spent = clock() - start
            answer = {"tokensPerSecond": steps * request["batch"] * request["time"] / spent, "loss": loss}
        except Exception as error:  # the bench prints why there is no figure
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
