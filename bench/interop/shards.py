#!/usr/bin/env python3
"""Opens a folder of corpusmill shards with the tools it is made for, as they are, and compares what they see.

    python bench/interop/shards.py FOLDER        (the python that bench/peers/setup.sh prints has the tools)

pyarrow   memory-maps each shard, validates it in full, adds up rows, lengths and tokens
datasets  HF `Dataset.from_file` on each shard, concatenated, shuffled, mapped
TRL       positions as its padding-free collator derives them from seq_lengths (its arithmetic, without torch)
polars, DuckDB   rows and tokens, where installed
tokenizers  HF's own library with the tokenizer beside the shards: whole documents decode and encode to the same ids

Prints one row per tool and ends with status 1 when any of them disagrees with manifest.json.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

SAMPLE_DOCUMENTS = 300


def open_with_pyarrow(path):
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def lengths_of(table):
    """Per row: the sum of seq_lengths, and the tokens of documents (padding, if any, is the entry without a doc_id)."""
    sums, tokens = [], 0
    for lengths, ids in zip(table["seq_lengths"].to_pylist(), table["doc_ids"].to_pylist()):
        assert len(lengths) - len(ids) in (0, 1), "a row has at most one entry without a document"
        sums.append(sum(lengths))
        tokens += sum(lengths[: len(ids)])
    return np.array(sums), tokens


def check_pyarrow(paths, manifest):
    rows = tokens = allocated = 0
    for path, entry in zip(paths, manifest["shards"]):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], f"{path.name}: checksum"
        before = pa.total_allocated_bytes()
        table = open_with_pyarrow(path)
        allocated += pa.total_allocated_bytes() - before
        table.validate(full=True)
        sums, in_documents = lengths_of(table)
        assert (sums == manifest["contextLength"]).all(), f"{path.name}: a row's seq_lengths do not add up"
        assert in_documents == entry["tokens"], f"{path.name}: {in_documents} tokens"
        rows += table.num_rows
        tokens += in_documents
    return rows, tokens, f"{table.schema.field('input_ids').type}, {allocated} bytes copied"


def check_datasets(paths, manifest):
    from datasets import Dataset, concatenate_datasets, disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    dataset = concatenate_datasets([Dataset.from_file(str(path)) for path in paths])
    counted = dataset.map(
        lambda batch: {
            "n": [sum(s[: len(d)]) for s, d in zip(batch["seq_lengths"], batch["doc_ids"])],
            "width": [len(ids) for ids in batch["input_ids"]],
        },
        batched=True,
        remove_columns=dataset.column_names,
        keep_in_memory=True,
    )
    assert set(counted["width"]) == {manifest["contextLength"]}
    first = dataset.shuffle(seed=1).with_format("numpy")[0]
    assert first["input_ids"].shape == (manifest["contextLength"],)
    return dataset.num_rows, sum(counted["n"]), str(dataset.features["input_ids"])


def check_trl(paths, manifest):
    """Position ids by TRL's formula: ones, minus (length - 1) where a sequence begins, cumulated."""
    rows = tokens = 0
    for path in paths:
        table = open_with_pyarrow(path)
        for ids, lengths, documents in zip(table["input_ids"], table["seq_lengths"].to_pylist(), table["doc_ids"]):
            lengths = np.array(lengths)
            steps = np.ones(lengths.sum(), dtype=np.int64)
            steps[0] = 0
            steps[lengths[:-1].cumsum()] = -(lengths[:-1] - 1)
            positions = steps.cumsum()
            assert len(positions) == len(ids), "position_ids and input_ids differ in length"
            assert (positions == np.concatenate([np.arange(n) for n in lengths])).all()
            rows += 1
            tokens += int(lengths[: len(documents)].sum())
    return rows, tokens, "one position per token in every row"


def check_polars(paths, manifest):
    import polars as pl

    frame = pl.concat([pl.read_ipc_stream(path) for path in paths])
    counts = frame.select(
        n=pl.col("seq_lengths").list.head(pl.col("doc_ids").list.len()).list.sum(),
        width=pl.col("input_ids").arr.len(),
    )
    assert counts["width"].unique().to_list() == [manifest["contextLength"]]
    return frame.height, int(counts["n"].sum()), str(frame.schema["input_ids"])


def check_duckdb(paths, manifest):
    import duckdb

    shards = pa.concat_tables([open_with_pyarrow(path) for path in paths])  # noqa: F841, read by name below
    rows, tokens, kind = duckdb.sql(
        "select count(*), sum(list_sum(seq_lengths[1:len(doc_ids)])), any_value(typeof(input_ids)) from shards"
    ).fetchone()
    return rows, int(tokens), kind


def check_tokenizers(paths, manifest):
    from tokenizers import Tokenizer

    folder = paths[0].parent
    tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
    tables = [open_with_pyarrow(path) for path in paths]
    pieces = Counter(d for table in tables for row in table["doc_ids"].to_pylist() for d in row)
    same = checked = 0
    rows = tokens = 0
    added = {token["id"] for token in (manifest["bos"], manifest["eos"]) if token}
    for table in tables:
        rows += table.num_rows
        tokens += lengths_of(table)[1]
        for i in range(table.num_rows):
            if checked >= SAMPLE_DOCUMENTS:
                break
            ids = table["input_ids"][i].as_py()
            at = 0
            for length, document in zip(table["seq_lengths"][i].as_py(), table["doc_ids"][i].as_py()):
                piece = [t for t in ids[at : at + length] if t not in added]
                at += length
                if pieces[document] == 1 and piece:
                    checked += 1
                    text = tokenizer.decode(piece, skip_special_tokens=False)
                    same += tokenizer.encode(text, add_special_tokens=False).ids == piece
    assert same == checked, f"{checked - same} of {checked} whole documents got other ids from HF tokenizers"
    return rows, tokens, f"{checked} whole documents: same ids"


CHECKS = {
    "pyarrow": check_pyarrow,
    "datasets": check_datasets,
    "TRL positions": check_trl,
    "polars": check_polars,
    "duckdb": check_duckdb,
    "tokenizers": check_tokenizers,
}


def version_of(tool):
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(tool)
    except PackageNotFoundError:
        return ""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    if not (folder / "manifest.json").exists():
        sys.exit(f"{folder} has no manifest.json: give the folder that the shards stage wrote")
    manifest = json.loads((folder / "manifest.json").read_text())
    paths = [folder / shard["file"] for shard in manifest["shards"]]
    expected = (manifest["rows"], manifest["tokens"])
    table = [("tool", "version", "rows", "tokens", "ok", "seen"), ("manifest", "", *expected, "", manifest["dtype"])]
    failed = False
    for tool, check in CHECKS.items():
        try:
            rows, tokens, seen = check(paths, manifest)
            ok = (rows, tokens) == expected
        except ImportError as error:
            table.append((tool, "", "", "", "-", f"not installed ({error.name})"))
            continue
        except Exception as error:  # noqa: BLE001, every disagreement is a row of the table
            rows = tokens = ""
            ok, seen = False, f"{type(error).__name__}: {error}"
        failed = failed or not ok
        table.append((tool, version_of(tool), rows, tokens, "yes" if ok else "NO", seen))
    widths = [max(len(str(row[i])) for row in table) for i in range(5)]
    for row in table:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)), row[5], sep="  ")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
