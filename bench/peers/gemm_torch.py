"""Times matrix products of float32 in PyTorch: the peer of bench/gemm.ts.

A JSON object {form, m, n, k, threads, seconds} a line on standard input; a line with the GFLOP/s of the fastest call
within about that time on standard output. The first line out names the version and the library behind its products.
"""

import json
import sys
import time

import torch

print(f"PyTorch {torch.__version__}, {'MKL' if torch.backends.mkl.is_available() else 'no MKL'}", flush=True)
torch.set_grad_enabled(False)
for line in sys.stdin:
    job = json.loads(line)
    m, n, k = job["m"], job["n"], job["k"]
    torch.set_num_threads(job["threads"])
    a = torch.rand((k, m) if job["form"] == "TN" else (m, k)) - 0.5
    b = torch.rand((n, k) if job["form"] == "NT" else (k, n)) - 0.5
    c = torch.zeros((m, n))
    if job["form"] == "NT":
        call = lambda: torch.mm(a, b.t(), out=c)
    elif job["form"] == "NN":
        call = lambda: torch.mm(a, b, out=c)
    else:
        call = lambda: c.addmm_(a.t(), b)
    call()
    best, end = float("inf"), time.perf_counter() + job["seconds"]
    while True:
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        best = min(best, now - start)
        if now >= end:
            break
    print(2 * m * n * k / best / 1e9, flush=True)
