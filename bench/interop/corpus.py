#!/usr/bin/env python3
"""Opens corpus files (Parquet, Arrow, JSON Lines) with other people's tools and prints what each found.

    python bench/interop/corpus.py FILE...

Each peer counts the rows and the UTF-8 bytes of the column `text`; all that opened a file must agree, and the exit
code is 1 when one fails or disagrees. A peer that is not installed, or cannot read a format at all, is said.
bench/peers/setup.sh installs them.
"""
import sys
import tempfile


def text_bytes(column):
    """UTF-8 bytes of an iterable of str."""
    return sum(len(text.encode()) for text in column)


def with_pyarrow(path, kind):
    import pyarrow as pa

    if kind == "parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
    elif kind == "arrow":
        with pa.memory_map(path) as source:
            table = pa.ipc.open_file(source).read_all()
    else:
        import pyarrow.json as pj

        with pa.input_stream(path, compression=compression_of(path)) as source:
            table = pj.read_json(source, read_options=pj.ReadOptions(block_size=64 << 20))
    table.validate(full=True)
    return table.num_rows, text_bytes(table["text"].to_pylist())


def with_duckdb(path, kind):
    import duckdb

    if kind == "arrow":
        raise Absent("needs the nanoarrow extension")
    reader = "read_parquet(?)" if kind == "parquet" else "read_json(?, format='newline_delimited', maximum_object_size=268435456)"
    return duckdb.connect().execute(f"select count(*), coalesce(sum(strlen(text)), 0)::bigint from {reader}", [path]).fetchone()


def with_polars(path, kind):
    import polars as pl

    if kind == "parquet":
        frame = pl.read_parquet(path)
    elif kind == "arrow":
        frame = pl.read_ipc(path)
    else:
        with open(path, "rb") as file:
            raw = file.read()
        frame = pl.read_ndjson(expand(raw, path), infer_schema_length=None)
    return frame.height, int(frame["text"].str.len_bytes().sum() or 0)


def with_datasets(path, kind):
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        loader = {"parquet": "parquet", "arrow": "arrow", "jsonl": "json"}[kind]
        dataset = datasets.load_dataset(loader, data_files=path, split="train", cache_dir=cache)
        return dataset.num_rows, text_bytes(dataset["text"])


class Absent(Exception):
    """The peer is not there, or has no reader for this."""


def compression_of(path):
    return {".gz": "gzip", ".zst": "zstd"}.get(path[path.rfind(".") :])


def expand(raw, path):
    """Decompressed bytes; pyarrow knows how to read a run of members or frames."""
    compression = compression_of(path)
    if compression is None:
        return raw
    import io

    import pyarrow as pa

    return pa.CompressedInputStream(io.BytesIO(raw), compression).read()


def kind_of(path):
    stem = path.removesuffix(".gz").removesuffix(".zst")
    for ending, kind in ((".parquet", "parquet"), (".arrow", "arrow"), (".jsonl", "jsonl")):
        if stem.endswith(ending):
            return kind
    raise SystemExit(f"{path}: neither .parquet, .arrow nor .jsonl(.gz/.zst)")


PEERS = {"pyarrow": with_pyarrow, "duckdb": with_duckdb, "polars": with_polars, "datasets": with_datasets}


def main(paths):
    if not paths:
        raise SystemExit(__doc__)
    failed = False
    print(f"{'file':34} {'peer':9} {'rows':>9} {'text bytes':>13}  result")
    for path in paths:
        found = set()
        for name, read in PEERS.items():
            label = f"{path.split('/')[-1][:34]:34} {name:9}"
            try:
                rows, size = read(path, kind_of(path))
            except (ImportError, Absent) as error:
                print(f"{label} {'-':>9} {'-':>13}  absent: {error}")
                continue
            except Exception as error:  # whatever a peer throws is its verdict on the file
                failed = True
                print(f"{label} {'-':>9} {'-':>13}  FAILED: {type(error).__name__}: {str(error.__cause__ or error)[:120]!r}")
                continue
            found.add((rows, size))
            agrees = len(found) == 1
            failed |= not agrees
            print(f"{label} {rows:>9,} {size:>13,}  {'OK' if agrees else 'DISAGREES'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
