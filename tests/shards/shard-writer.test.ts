import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordBatchReader, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { openShardFile } from '../../src/shards/shard-file.ts';
import { NO_LABEL, type Shard, type TokenType, tokenArray, tokenTypeFor } from '../../src/shards/shard-rows.ts';
import { rowsPerBatch, writeShard } from '../../src/shards/shard-writer.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** Rows whose every value is known: row r holds r, r + 1, …; two documents each, and padding in every third row. */
function knownRows(rows: number, contextLength: number, type: TokenType, withLabels = false): Shard {
  const inputIds = tokenArray(type, rows * contextLength);
  for (let i = 0; i < inputIds.length; i++) inputIds[i] = Math.floor(i / contextLength) + (i % contextLength);
  const padding = Int32Array.from({ length: rows }, (_, r) => (r % 3 === 0 ? 1 : 0));
  const seqLengths: number[] = [];
  const seqOffsets = [0];
  for (let r = 0; r < rows; r++) {
    seqLengths.push(2, contextLength - 2 - padding[r]);
    if (padding[r] > 0) seqLengths.push(padding[r]);
    seqOffsets.push(seqLengths.length);
  }
  const labels = Int32Array.from(inputIds, (id, i) => (i % 2 === 0 ? NO_LABEL : id));
  return {
    contextLength,
    rows,
    type,
    hasLabels: withLabels,
    seqOffsets: Int32Array.from(seqOffsets),
    seqLengths: Int32Array.from(seqLengths),
    padding,
    readRows: (from, to) => ({
      inputIds: inputIds.slice(from * contextLength, to * contextLength),
      labels: withLabels ? labels.slice(from * contextLength, to * contextLength) : undefined,
    }),
  };
}

describe('writeShard', () => {
  it.each(['uint16', 'uint32'] as const)('writes an Arrow stream that apache-arrow reads back, %s', async (type) => {
    const path = join(temporaryFolder(), 'shard.arrow');
    const rows = knownRows(2500, 16, type);
    const written = await writeShard(path, rows, { about: 'test' });
    const bytes = await readFile(path);
    expect(written).toEqual({
      rows: 2500,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const reader = RecordBatchReader.from(bytes);
    const batches = [...reader];
    expect(reader.isStream()).toBe(true);
    expect(batches.map((batch) => batch.numRows)).toEqual([1024, 1024, 452]);
    const table = new Table(batches);
    expect(String(table.schema)).toContain(`input_ids: FixedSizeList[16]<${type === 'uint16' ? 'Uint16' : 'Uint32'}>`);
    expect(table.schema.metadata.get('about')).toBe('test');
    for (const r of [0, 1, 1023, 1024, 2047, 2048, 2499]) {
      const row = table.get(r)?.toJSON() ?? {};
      expect(Array.from(row['input_ids'])).toEqual(Array.from({ length: 16 }, (_, i) => r + i));
      expect(Array.from(row['seq_lengths'])).toEqual(r % 3 === 0 ? [2, 13, 1] : [2, 14]);
      expect(row['padding']).toBe(r % 3 === 0 ? 1 : 0);
    }
  });

  it('leaves no file behind when it cannot write', async () => {
    const dir = temporaryFolder();
    const rows = knownRows(3, 16, 'uint16');
    await writeFile(join(dir, 'a file'), '');
    await expect(writeShard(join(dir, 'a file', 'shard.arrow'), rows, {})).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
    });
    expect(await readdir(dir)).toEqual(['a file']);
  });
});

describe('the integer type', () => {
  it.each([
    [65_536, 'uint16'],
    [65_537, 'uint32'],
    [151_936, 'uint32'],
  ] as const)('for a vocabulary of %i is %s', (vocabulary, type) => {
    expect(tokenTypeFor(vocabulary)).toBe(type);
  });
});

describe('batches', () => {
  it.each([
    [2048, 'uint16', 1024],
    [2048, 'uint32', 1024],
    [32_768, 'uint32', 128],
    [1 << 22, 'uint32', 1],
  ] as const)('of rows of %i %s hold %i rows', (contextLength, type, expected) => {
    expect(rowsPerBatch(contextLength, type)).toBe(expected);
  });
});

describe('openShardFile', () => {
  it('reads rows by position, also across batches, without the rest of the file', async () => {
    const path = join(temporaryFolder(), 'shard.arrow');
    await writeShard(path, knownRows(2500, 16, 'uint16'), { about: 'test' });
    const shard = await openShardFile(path);
    expect(shard).toMatchObject({ rows: 2500, batches: 3, contextLength: 16, type: 'uint16' });
    expect(shard.metadata.get('about')).toBe('test');
    for (const [row, count] of [
      [0, 1],
      [1023, 2],
      [1000, 1200],
      [2499, 1],
    ]) {
      const tokens = new Uint16Array((count + 1) * 16);
      await shard.readTokens(row, count, tokens, 16);
      expect(Array.from(tokens.subarray(0, 16))).toEqual(Array(16).fill(0));
      for (let i = 0; i < count; i++) expect(tokens[(i + 1) * 16 + 5]).toBe(row + i + 5);
    }
    const pieces = await shard.readPieces(2);
    expect(pieces).toMatchObject({ firstRow: 2048, rows: 452 });
    expect(pieces.seqOffsets[1] - pieces.seqOffsets[0]).toBe(2);
    expect(pieces.seqOffsets[2] - pieces.seqOffsets[1]).toBe(3);
    expect(Array.from(pieces.padding.subarray(0, 4))).toEqual([0, 1, 0, 0]);
    expect(shard.hasLabels).toBe(false);
    await shard.close();
  });

  it('reads labels by position, also across batches', async () => {
    const path = join(temporaryFolder(), 'shard.arrow');
    const rows = knownRows(1030, 8, 'uint32', true);
    await writeShard(path, rows, {});
    const labelsOf = async (from: number, to: number) => (await rows.readRows(from, to)).labels;
    const shard = await openShardFile(path);
    expect(shard.hasLabels).toBe(true);
    const labels = new Int32Array(7 * 8);
    await shard.readLabels(1020, 7, labels, 0);
    expect(labels).toEqual(await labelsOf(1020, 1027));
    expect(Array.from(labels.subarray(0, 3))).toEqual([NO_LABEL, 1021, NO_LABEL]);
    const table = new Table([...RecordBatchReader.from(await readFile(path))]);
    expect(Array.from(table.get(1029)?.toJSON()['labels'])).toEqual(Array.from((await labelsOf(1029, 1030))!));
    await shard.close();
  });

  it('says which columns it found in an Arrow stream that is no shard', async () => {
    const path = join(temporaryFolder(), 'other.arrow');
    await writeFile(path, tableToIPC(new Table({ text: vectorFromArray(['a']) }), 'stream'));
    await expect(openShardFile(path)).rejects.toThrow(
      /other\.arrow at byte 0: expected the columns input_ids, seq_lengths and padding of a token shard, found text:/,
    );
  });

  it('refuses an Arrow file, which HF Dataset.from_file cannot open either', async () => {
    const path = join(temporaryFolder(), 'file.arrow');
    await writeFile(path, tableToIPC(new Table({ text: vectorFromArray(['a']) }), 'file'));
    await expect(openShardFile(path)).rejects.toThrow(/no Arrow message begins here/);
  });

  it.each([0, 7, 300])('says where a file of %i bytes ends', async (bytes) => {
    const dir = temporaryFolder();
    await writeShard(join(dir, 'whole.arrow'), knownRows(5, 16, 'uint16'), {});
    const path = join(dir, 'cut.arrow');
    await writeFile(path, (await readFile(join(dir, 'whole.arrow'))).subarray(0, bytes));
    await expect(openShardFile(path)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringMatching(/cut\.arrow at byte \d+: .*(ends at|cut short)/),
    });
  });

  it('notices a stream that lost only its end mark', async () => {
    const dir = temporaryFolder();
    await writeShard(join(dir, 'whole.arrow'), knownRows(5, 16, 'uint16'), {});
    const path = join(dir, 'cut.arrow');
    await writeFile(path, (await readFile(join(dir, 'whole.arrow'))).subarray(0, -8));
    await expect(openShardFile(path)).rejects.toThrow(/without the end-of-stream mark/);
  });
});
