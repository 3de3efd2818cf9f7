"""Reads the rows of bench/loader.ts in shuffled batches, as Python trainers do, on a warm cache.

    python loader.py FOLDER BATCH

FOLDER has corpusmill shards and rows.bin, the same rows of 2,048 uint16 without anything else. Prints one JSON object per
reader: rows read, seconds, CPU seconds of the process.

datasets  HF datasets: the shards by Dataset.from_file, concatenated, shuffled, numpy format, batches by iter()
memmap    torch DataLoader with shuffle over a Dataset that takes rows of numpy.memmap, as int64 tensors
"""

import json
import sys
import time
from glob import glob
from pathlib import Path

ROW = 2048
ROWS = 16384

folder, batch = Path(sys.argv[1]), int(sys.argv[2])


def measure(figure, name, batches):
    warm = next(iter(batches()))
    assert len(warm) == batch
    start, cpu = time.perf_counter(), time.process_time()
    rows = total = 0
    for tokens in batches():
        rows += len(tokens)
        total += int(tokens[-1][-1])
        if rows >= ROWS:
            break
    measured = {"seconds": time.perf_counter() - start, "cpuSeconds": time.process_time() - cpu}
    print(json.dumps({"figure": figure, "name": name, "rows": rows, **measured}), flush=True)


def datasets_reader():
    from datasets import Dataset, concatenate_datasets, disable_progress_bars

    disable_progress_bars()
    shards = [Dataset.from_file(path) for path in sorted(glob(str(folder / "*.arrow")))]
    rows = concatenate_datasets(shards).shuffle(seed=1).with_format("numpy", columns=["input_ids"])
    measure("ratioToDatasets", "HF datasets, shuffled", lambda: (part["input_ids"] for part in rows.iter(batch)))


def memmap_reader():
    import numpy as np
    import torch

    torch.set_num_threads(1)

    class Rows(torch.utils.data.Dataset):
        def __init__(self):
            self.data = np.memmap(folder / "rows.bin", dtype=np.uint16, mode="r").reshape(-1, ROW)

        def __len__(self):
            return len(self.data)

        def __getitem__(self, i):
            return torch.from_numpy(self.data[i].astype(np.int64))

    rows = Rows()
    measure(
        "ratioToTorchMemmap",
        "torch DataLoader over numpy.memmap",
        lambda: torch.utils.data.DataLoader(rows, batch_size=batch, shuffle=True),
    )


for reader in (datasets_reader, memmap_reader):
    try:
        reader()
    except ImportError as error:
        print(f"{reader.__name__}: not installed ({error.name})", file=sys.stderr)
