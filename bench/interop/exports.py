#!/usr/bin/env python3
"""Exports a folder of corpusmill shards to every format and opens each with the peer's own code.

    python bench/interop/exports.py SHARDS        (the python that bench/peers/setup.sh prints; `npm run build` first)

What must be in the files is worked out here from the shards and their tables of pieces, with pyarrow: the rows as they
are, and the documents put together from their pieces. It is compared with what these see:

megatron   IndexedDataset of Megatron-LM (a checkout; $CORPUSMILL_MEGATRON)
mds        StreamingDataset and LocalDataset of mosaicml-streaming (a checkout; $CORPUSMILL_STREAMING), not compressed and
           zstd; and MDSWriter, given the same samples, must write the same bytes
nanogpt    numpy.memmap and pickle, as in train.py
npy        numpy.memmap and the lines of .csv.gz, as OLMo-core reads them

Of modules that a checkout imports and reading does not use, those that are not installed are replaced by empty ones.
Prints one row per reader and ends with status 1 when one of them disagrees.
"""

import gzip
import importlib.abc
import importlib.machinery
import json
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(os.environ.get("CORPUSMILL_PEER_SOURCES", Path.home() / ".cache" / "corpusmill" / "src"))
MEGATRON = Path(os.environ.get("CORPUSMILL_MEGATRON", SOURCES / "Megatron-LM"))
STREAMING = Path(os.environ.get("CORPUSMILL_STREAMING", SOURCES / "streaming"))


class NotForThese(Exception):
    """The format cannot take these shards."""


class Anything(types.ModuleType):
    """A module of which every name is a class that does nothing."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Exception,), {})
        setattr(self, name, made)
        return made


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the named modules, and those within them, after everything that is installed."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if any(name == own or name.startswith(own + ".") for own in self.names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Anything(spec.name)

    def exec_module(self, module):
        pass


def package_without_its_init(name, path):
    """A package whose modules can be imported while its own __init__, which imports everything, is not run."""
    module = types.ModuleType(name)
    module.__path__ = [str(path)]
    sys.modules[name] = module


# ---- what must be in the files ---------------------------------------------------------------------------------------


class ShardSet:
    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_text())
        tables, pieces = [], []
        for shard in self.manifest["shards"]:
            with pa.OSFile(str(folder / shard["file"])) as source:
                tables.append(pa.ipc.open_stream(source).read_all())
            pieces.append(pq.read_table(folder / shard["pieces"]["file"]))
        table = pa.concat_tables(tables)
        length = self.manifest["contextLength"]
        self.rows = table["input_ids"].combine_chunks().flatten().to_numpy().reshape(-1, length)
        self.lengths = table["seq_lengths"].to_pylist()
        self.padding = table["padding"].to_pylist()
        self.labels = None
        if "labels" in table.column_names:
            self.labels = table["labels"].combine_chunks().flatten().to_numpy().reshape(-1, length)
        split = self.manifest["split"]
        # One side of a split keeps its name in what is exported.
        self.name = "tokens" if split is None else split["name"]
        self.pieces = pa.concat_tables(pieces).to_pydict()

    def documents(self):
        """Each document's tokens as bytes of int64, sorted; documents of one source and id are one."""
        found = {}
        row = at = -1
        for r, source, doc, start, n in zip(*(self.pieces[c] for c in ("row", "source", "doc_id", "start", "tokens"))):
            at = at if r == row else 0
            row = r
            found.setdefault((source, doc), []).append((start, self.rows[r, at : at + n]))
            at += n
        joined = []
        for pieces in found.values():
            pieces.sort(key=lambda piece: piece[0])
            joined.append(as_bytes(np.concatenate([tokens for _, tokens in pieces])))
        return sorted(joined)


def as_bytes(tokens):
    return np.asarray(tokens).astype(np.int64).tobytes()


def export(shards, out, *flags):
    main = ROOT / "dist" / "src" / "cli" / "main.js"
    subprocess.run(["node", str(main), "export", str(shards), "--out", str(out), *flags, "--json"], check=True, stdout=subprocess.DEVNULL)
    return out


# ---- readers ---------------------------------------------------------------------------------------------------------


def check_megatron(shards, work):
    if not (MEGATRON / "megatron" / "core" / "datasets").is_dir():
        raise ModuleNotFoundError("no checkout", name=str(MEGATRON))
    for name in ("megatron", "megatron.core", "megatron.core.datasets"):
        package_without_its_init(name, MEGATRON.joinpath(*name.split(".")))
    utils = types.ModuleType("megatron.core.utils")
    utils.log_single_rank = lambda *args, **kwargs: None
    sys.modules["megatron.core.utils"] = utils
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    out = export(shards.folder, work / "megatron", "--to", "megatron")
    dataset = IndexedDataset(str(out / shards.name), mmap=True)
    assert list(dataset.document_indices) == list(range(len(dataset) + 1)), "a document is not one sequence"
    found = [as_bytes(dataset[i]) for i in range(len(dataset))]
    assert sorted(found) == shards.documents(), "documents differ"
    return len(dataset), sum(map(len, found)) // 8, f"{dataset.index.dtype.__name__}, IndexedDataset"


def import_streaming():
    if not (STREAMING / "streaming" / "base").is_dir():
        raise ModuleNotFoundError("no checkout", name=str(STREAMING))
    sys.path.insert(0, str(STREAMING))
    missing = ("snappy", "oci", "azure", "google", "paramiko", "brotli", "matplotlib", "torchvision", "boto3", "botocore", "transformers")
    sys.meta_path.append(StandIns(missing))
    try:
        import zstd  # noqa: F401
    except ImportError:
        import zstandard

        module = types.ModuleType("zstd")
        module.compress = lambda data, level: zstandard.ZstdCompressor(level=level).compress(data)
        module.decompress = lambda data: zstandard.ZstdDecompressor().decompress(data)
        sys.modules["zstd"] = module
    # Its own packages of pictures and speech are of no use here.
    for name in ("streaming.multimodal", "streaming.text", "streaming.vision"):
        sys.modules[name] = Anything(name)
    logging.disable(logging.WARNING)
    import streaming

    return streaming


def samples_equal(shards, samples):
    rows = 0
    for i, sample in enumerate(samples):
        assert as_bytes(sample["tokens"]) == as_bytes(shards.rows[i]), f"tokens of row {i}"
        assert list(sample["seq_lengths"]) == shards.lengths[i], f"seq_lengths of row {i}"
        assert int(sample["padding"]) == shards.padding[i], f"padding of row {i}"
        assert ("labels" in sample) == (shards.labels is not None), "a column of labels"
        if shards.labels is not None:
            assert as_bytes(sample["labels"]) == as_bytes(shards.labels[i]), f"labels of row {i}"
        rows += 1
    assert rows == len(shards.rows), f"{rows} rows"
    return rows


def tokens_in(shards):
    return sum(sum(lengths) for lengths in shards.lengths) - sum(shards.padding)


def check_local_dataset(shards, work):
    streaming = import_streaming()
    out = export(shards.folder, work / "mds", "--to", "mds", "--size-limit", "4MiB")
    dataset = streaming.LocalDataset(str(out))
    rows = samples_equal(shards, (dataset[i] for i in range(len(dataset))))
    return rows, tokens_in(shards), f"{len(dataset.shards)} shards"


def check_streaming_dataset(shards, work):
    streaming = import_streaming()
    out = export(shards.folder, work / "mds-zstd", "--to", "mds", "--zstd", "3", "--hashes", "sha1,xxh64")
    local = work / "mds-local"
    dataset = streaming.StreamingDataset(remote=str(out), local=str(local), shuffle=False, batch_size=1, validate_hash="xxh64")
    rows = samples_equal(shards, (dataset[i] for i in range(dataset.num_samples)))
    return rows, tokens_in(shards), "zstd, xxh64 validated, remote to local"


def check_mds_writer(shards, work):
    streaming = import_streaming()
    out = export(shards.folder, work / "mds-same", "--to", "mds", "--size-limit", "1MiB")
    dtype = "uint16" if shards.rows.dtype == np.uint16 else "int32"
    length = shards.manifest["contextLength"]
    columns = {"tokens": f"ndarray:{dtype}:{length}", "seq_lengths": "ndarray:int32", "padding": "int32"}
    if shards.labels is not None:
        columns["labels"] = f"ndarray:int32:{length}"
    peer = work / "mds-peer"
    with streaming.MDSWriter(out=str(peer), columns=columns, hashes=["sha1"], size_limit=1 << 20) as writer:
        for i, (tokens, lengths, padding) in enumerate(zip(shards.rows, shards.lengths, shards.padding)):
            sample = {"tokens": tokens.astype(dtype), "seq_lengths": np.array(lengths, np.int32), "padding": padding}
            if shards.labels is not None:
                sample["labels"] = shards.labels[i]
            writer.write(sample)
    names = sorted(path.name for path in peer.iterdir())
    for name in names:
        assert (out / name).read_bytes() == (peer / name).read_bytes(), f"{name} differs"
    return len(shards.rows), tokens_in(shards), f"{len(names)} files, byte for byte"


def check_nanogpt(shards, work):
    if shards.manifest["tokenizer"]["vocabSize"] > 1 << 16:
        raise NotForThese("a vocabulary of more than 65,536")
    if shards.manifest["eos"] is None:
        raise NotForThese("no token ends a document")
    out = export(shards.folder, work / "nanogpt", "--to", "nanogpt", "--validation-share", "0.1")
    with open(out / "meta.pkl", "rb") as file:
        assert pickle.load(file)["vocab_size"] == shards.manifest["tokenizer"]["vocabSize"]
    eot = shards.manifest["eos"]["id"]
    found, sizes = [], []
    for name in ("train.bin", "val.bin"):
        # One side of a split leaves the other file empty.
        if (out / name).stat().st_size == 0:
            sizes.append(0)
            continue
        data = np.memmap(out / name, dtype=np.uint16, mode="r")
        ends = np.flatnonzero(data == eot) + 1
        assert ends[-1] == len(data), f"{name} does not end with the end-of-text token"
        found += [as_bytes(document) for document in np.split(data, ends[:-1])]
        sizes.append(len(data))
    assert sorted(found) == shards.documents(), "documents differ"
    return len(found), sum(sizes), f"train {sizes[0]}, val {sizes[1]}"


def check_npy(shards, work):
    out = export(shards.folder, work / "npy", "--to", "npy", "--size-limit", "4MiB")
    found = []
    paths = sorted(out.glob("*.npy"))
    for path in paths:
        data = np.memmap(path, dtype=shards.rows.dtype, mode="r")
        with gzip.open(path.with_suffix(".csv.gz"), "rt") as lines:
            for line in lines:
                start, end, *_ = line.split(",")
                found.append(as_bytes(data[int(start) : int(end)]))
    assert sorted(found) == shards.documents(), "documents differ"
    return len(found), sum(map(len, found)) // 8, f"{len(paths)} parts"


CHECKS = {
    "Megatron IndexedDataset": check_megatron,
    "MosaicML LocalDataset": check_local_dataset,
    "MosaicML StreamingDataset": check_streaming_dataset,
    "MosaicML MDSWriter": check_mds_writer,
    "nanoGPT memmap": check_nanogpt,
    "OLMo memmap": check_npy,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shards = ShardSet(Path(sys.argv[1]).resolve())
    table = [("reader", "documents or rows", "tokens", "ok", "seen")]
    expected = shards.manifest["tokens"]
    failed = False
    with tempfile.TemporaryDirectory() as work:
        for reader, check in CHECKS.items():
            try:
                count, tokens, seen = check(shards, Path(work))
                ok = tokens == expected
            except ImportError as error:
                table.append((reader, "", "", "-", f"not installed ({error.name})"))
                continue
            except NotForThese as reason:
                table.append((reader, "", "", "-", str(reason)))
                continue
            except Exception as error:  # noqa: BLE001, every disagreement is a row of the table
                count = tokens = ""
                ok, seen = False, f"{type(error).__name__}: {error}"
            failed = failed or not ok
            table.append((reader, count, tokens, "yes" if ok else "NO", seen))
    widths = [max(len(str(row[i])) for row in table) for i in range(4)]
    for row in table:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)), row[4], sep="  ")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
