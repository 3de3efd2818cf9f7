"""Times operations on rows and entries in PyTorch: the peer of bench/tensor-rows.ts.

A JSON object {name, rows, columns, inner, vocab, heads, experts, parameters, threads, seconds} a line on standard input; a
line with the seconds of every call within about that time, as a JSON list, on standard output. The first line out names the
version. Results go to memory that is there already wherever PyTorch has a way to say so; the allocator keeps the rest.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

aten = torch.ops.aten


def backward(output, inputs, upstream):
    return lambda: torch.autograd.grad(output, inputs, upstream, retain_graph=True)


def prepare(job):
    name = job["name"]
    rows, columns, inner = job["rows"], job["columns"], job["inner"]
    x, y, out = torch.randn(rows, columns), torch.randn(rows, columns), torch.zeros(rows, columns)
    gate, up, wide = torch.randn(rows, inner), torch.randn(rows, inner), torch.zeros(rows, inner)
    w, b = torch.rand(columns) + 0.5, torch.randn(columns)
    ids = torch.randint(0, job["vocab"], (rows,))
    if name == "copy":
        big, to = torch.randn(1 << 25), torch.zeros(1 << 25)
        return lambda: to.copy_(big)
    if name == "add":
        return lambda: torch.add(x, y, out=out)
    if name == "multiply rows":
        column = torch.randn(rows, 1)
        return lambda: torch.mul(x, column, out=out)
    if name == "add columns":
        return lambda: torch.add(x, b, out=out)
    if name == "affine":
        return lambda: torch.mul(x, 0.5, out=out)
    if name == "silu":
        return lambda: aten.silu.out(gate, out=wide)
    if name == "gelu":
        return lambda: aten.gelu.out(gate, out=wide)
    if name == "gelu gradient":
        return lambda: aten.gelu_backward.grad_input(up, gate, grad_input=wide)
    if name == "tanh":
        return lambda: torch.tanh(gate, out=wide)
    if name == "swiglu":
        return lambda: torch.mul(F.silu(gate), up, out=wide)
    if name == "swiglu gradient":
        other = torch.zeros(rows, inner)

        def swiglu_gradient():
            torch.mul(wide, F.silu(gate), out=other)
            return aten.silu_backward(wide * up, gate)

        return swiglu_gradient
    if name == "rmsNorm":
        return lambda: F.rms_norm(x, (columns,), w, 1e-6)
    if name == "addRmsNorm":

        def add_norm():
            torch.add(x, y, out=out)
            return F.rms_norm(out, (columns,), w, 1e-6)

        return add_norm
    if name == "rmsNorm gradient":
        x.requires_grad_(True), w.requires_grad_(True)
        with torch.enable_grad():
            normed = F.rms_norm(x, (columns,), w, 1e-6)
        return backward(normed, (x, w), y)
    if name == "layerNorm":
        return lambda: F.layer_norm(x, (columns,), w, b, 1e-5)
    if name == "layerNorm gradient":
        _, mean, rstd = torch.native_layer_norm(x, (columns,), w, b, 1e-5)
        return lambda: aten.native_layer_norm_backward(y, x, (columns,), mean, rstd, w, b, [True, True, True])
    if name == "rope":
        heads = job["heads"]
        dim = columns // heads
        q = x.view(1, rows, heads, dim).transpose(1, 2)
        angles = torch.randn(rows, dim)
        cos, sin = angles.cos(), angles.sin()

        def rotate_half(t):
            return torch.cat((-t[..., dim // 2 :], t[..., : dim // 2]), dim=-1)

        return lambda: q * cos + rotate_half(q) * sin
    if name == "embedding":
        table = torch.randn(job["vocab"], columns)
        return lambda: F.embedding(ids, table)
    if name == "embedding gradient":
        total = torch.zeros(job["vocab"], columns)
        return lambda: total.add_(aten.embedding_dense_backward(x, ids, job["vocab"], -1, False))
    if name == "sum of columns":
        total = torch.zeros(inner)
        return lambda: torch.sum(gate, 0, out=total)
    if name == "sum of rows":
        total = torch.zeros(rows)
        return lambda: torch.sum(gate, 1, out=total)
    if name == "sum of all":
        return lambda: gate.sum()
    if name == "dropout":
        return lambda: F.dropout(x, 0.1, True)
    if name == "round to bf16":
        return lambda: out.copy_(x.bfloat16())
    if name == "routeTopK":
        logits = torch.randn(rows, job["experts"])

        def route():
            weights, chosen = torch.topk(torch.softmax(logits, -1), 4, -1)
            return weights / weights.sum(-1, keepdim=True), chosen

        return route
    if name == "moeDispatch":
        order = torch.randperm(rows * 4) // 4
        large = torch.zeros(rows * 4, columns)
        return lambda: torch.index_select(x, 0, order, out=large)
    if name == "globalNorm":
        tensors = [torch.randn(n) for n in job["parameters"]]
        return lambda: torch.nn.utils.get_total_norm(tensors)
    if name == "adamw":
        parameters = [torch.randn(n, requires_grad=True) for n in job["parameters"]]
        for p in parameters:
            p.grad = torch.randn_like(p)
        return torch.optim.AdamW(parameters, lr=1e-4, fused=True).step
    raise KeyError(name)


print(f"PyTorch {torch.__version__}", flush=True)
torch.set_grad_enabled(False)
prepared, call = None, None
for line in sys.stdin:
    job = json.loads(line)
    torch.set_num_threads(job["threads"])
    if prepared != job["name"]:
        prepared, call = job["name"], prepare(job)
    call()
    call()
    times, end = [], time.perf_counter() + job["seconds"]
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    print(json.dumps(times), flush=True)
