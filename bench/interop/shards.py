#!/usr/bin/env python3
"""Opens a folder of corpusmill shards with the tools it is made for, as they are, and compares what they see.

    python bench/interop/shards.py FOLDER        (the python that bench/peers/setup.sh prints has the tools)

pyarrow   memory-maps each shard, validates it in full, adds up rows, lengths and tokens, checks labels
datasets  HF `Dataset.from_file` on each shard, concatenated, shuffled, mapped
TRL       batches of its own padding-free collator: positions restart with every entry of seq_lengths, labels stay
polars, DuckDB   rows and tokens, where installed
pieces    the tables beside the shards, read by DuckDB: their tokens are those of seq_lengths, row by row
tokenizers  HF's own library with the tokenizer beside the shards: whole documents decode and encode to the same ids
            (left out where documents were rearranged or are conversations)

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
    """Per row: the sum of seq_lengths, and the tokens of documents (padding, if any, is the last entry)."""
    sums, tokens = [], 0
    for lengths, padding in zip(table["seq_lengths"].to_pylist(), table["padding"].to_pylist()):
        assert padding == 0 or lengths[-1] == padding, "the last entry is the padding"
        sums.append(sum(lengths))
        tokens += sum(lengths) - padding
    return np.array(sums), tokens


def check_labels(table, manifest):
    ids, labels = (table[name].combine_chunks().flatten().to_numpy() for name in ("input_ids", "labels"))
    trained = labels != -100
    assert (labels[trained] == ids[trained]).all(), "a label is not its token"
    width = manifest["contextLength"]
    ends = width - table["padding"].to_numpy()
    assert not trained.reshape(-1, width)[np.arange(width) >= ends[:, None]].any(), "a label on padding"


def check_pyarrow(paths, manifest):
    rows = tokens = allocated = 0
    for path, entry in zip(paths, manifest["shards"]):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], f"{path.name}: checksum"
        before = pa.total_allocated_bytes()
        table = open_with_pyarrow(path)
        allocated += pa.total_allocated_bytes() - before
        table.validate(full=True)
        assert table.column_names == list(manifest["columns"]), f"{path.name}: {table.column_names}"
        sums, in_documents = lengths_of(table)
        assert (sums == manifest["contextLength"]).all(), f"{path.name}: a row's seq_lengths do not add up"
        assert in_documents == entry["tokens"], f"{path.name}: {in_documents} tokens"
        if "labels" in manifest["columns"]:
            check_labels(table, manifest)
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
            "n": [sum(s) - p for s, p in zip(batch["seq_lengths"], batch["padding"])],
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
    """The collator that SFTTrainer uses for packed rows, on rows as they are."""
    from datasets import Dataset, concatenate_datasets

    try:
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling
    except Exception as error:  # noqa: BLE001, it brings many libraries that may not fit one another
        raise ImportError(name=f"it cannot be imported: {str(error).splitlines()[0]}") from error

    collate = DataCollatorForLanguageModeling(pad_token_id=manifest["pad"]["id"], padding_free=True)
    dataset = concatenate_datasets([Dataset.from_file(str(path)) for path in paths])
    tokens = 0
    for start in range(0, len(dataset), 8):
        rows = [dataset[i] for i in range(start, min(start + 8, len(dataset)))]
        tokens += sum(sum(row["seq_lengths"]) - row["padding"] for row in rows)
        batch = collate([{key: row[key] for key in ("input_ids", "seq_lengths", "labels") if key in row} for row in rows])
        expected = np.concatenate([np.arange(n) for row in rows for n in row["seq_lengths"]])
        assert (batch["position_ids"].numpy().ravel() == expected).all(), "positions"
        assert (batch["input_ids"].numpy().ravel() == np.concatenate([row["input_ids"] for row in rows])).all()
        if "labels" in rows[0]:
            # The first place of each sequence is not predicted from the one before.
            labels = np.concatenate([row["labels"] for row in rows])
            labels[expected == 0] = -100
            assert (batch["labels"].numpy().ravel() == labels).all(), "labels"
    return len(dataset), tokens, "its collator's positions restart with every piece"


def check_polars(paths, manifest):
    import polars as pl

    frame = pl.concat([pl.read_ipc_stream(path) for path in paths])
    counts = frame.select(
        n=pl.col("seq_lengths").list.sum() - pl.col("padding"),
        width=pl.col("input_ids").arr.len(),
    )
    assert counts["width"].unique().to_list() == [manifest["contextLength"]]
    return frame.height, int(counts["n"].sum()), str(frame.schema["input_ids"])


def check_duckdb(paths, manifest):
    import duckdb

    shards = pa.concat_tables([open_with_pyarrow(path) for path in paths])  # noqa: F841, read by name below
    rows, tokens, kind = duckdb.sql(
        "select count(*), sum(list_sum(seq_lengths) - padding), any_value(typeof(input_ids)) from shards"
    ).fetchone()
    return rows, int(tokens), kind


def check_pieces(paths, manifest):
    import duckdb

    if manifest["pieceColumns"] is None:
        raise ImportError("no tables of pieces", name="none were written")
    tables = [str(path.parent / shard["pieces"]["file"]) for path, shard in zip(paths, manifest["shards"])]
    shards = pa.concat_tables([open_with_pyarrow(path) for path in paths])
    pieces = duckdb.sql("select row, list(tokens order by piece) as tokens from read_parquet($1) group by row order by row",
                        params=[tables])  # fmt: skip
    found = pieces.fetchall()
    assert [row for row, _ in found] == list(range(shards.num_rows)), "a row without pieces"
    for (row, tokens), lengths, padding in zip(found, shards["seq_lengths"].to_pylist(), shards["padding"].to_pylist()):
        assert tokens == (lengths[:-1] if padding else lengths), f"row {row}: {tokens}, not {lengths}"
    documents = duckdb.sql("select count(distinct doc_id) from read_parquet($1)", params=[tables]).fetchone()[0]
    return len(found), sum(sum(tokens) for _, tokens in found), f"{documents} documents"


def check_tokenizers(paths, manifest):
    import pyarrow.parquet as pq
    from tokenizers import Tokenizer

    if manifest["fillInTheMiddle"] or manifest["conversations"] or manifest["pieceColumns"] is None:
        raise ImportError("documents are not in rows as they were", name="nothing to compare")
    folder = paths[0].parent
    tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
    shards = pa.concat_tables([open_with_pyarrow(path) for path in paths])
    tables = [pq.read_table(folder / shard["pieces"]["file"]) for shard in manifest["shards"]]
    documents = [[] for _ in range(shards.num_rows)]
    for row, document in zip(*(pa.concat_tables(tables)[name].to_pylist() for name in ("row", "doc_id"))):
        documents[row].append(document)
    pieces = Counter(document for row in documents for document in row)
    same = checked = 0
    added = {token["id"] for token in (manifest["bos"], manifest["eos"]) if token}
    for row in range(shards.num_rows):
        if checked >= SAMPLE_DOCUMENTS:
            break
        ids = shards["input_ids"][row].as_py()
        at = 0
        for length, document in zip(shards["seq_lengths"][row].as_py(), documents[row]):
            piece = [t for t in ids[at : at + length] if t not in added]
            at += length
            if pieces[document] == 1 and piece:
                checked += 1
                text = tokenizer.decode(piece, skip_special_tokens=False)
                same += tokenizer.encode(text, add_special_tokens=False).ids == piece
    assert same == checked, f"{checked - same} of {checked} whole documents got other ids from HF tokenizers"
    return shards.num_rows, lengths_of(shards)[1], f"{checked} whole documents: same ids"


CHECKS = {
    "pyarrow": check_pyarrow,
    "datasets": check_datasets,
    "TRL": check_trl,
    "polars": check_polars,
    "duckdb": check_duckdb,
    "pieces": check_pieces,
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
            table.append((tool, "", "", "", "-", f"left out ({error.name})"))
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
