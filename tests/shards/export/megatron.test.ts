import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DocumentGroup } from '../../../src/shards/export/documents.ts';
import { megatronType, writeMegatron } from '../../../src/shards/export/megatron.ts';
import { openOutputFolder } from '../../../src/shards/export/output-folder.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

describe('megatronType', () => {
  it('is that of Megatron itself: uint16 below 65,500', () => {
    expect([65_499, 65_500, 65_536].map(megatronType)).toEqual(['uint16', 'int32', 'int32']);
  });
});

describe('writeMegatron', () => {
  it('has positions beyond 4 GiB', async () => {
    const lengths = [2 ** 31 - 1, 2 ** 31 - 1, 5, 1];
    // The tokens themselves are left out: only what the index says of them is looked at.
    const group: DocumentGroup = { tokens: new Uint16Array(0), lengths, ids: [], sources: [], rows: 1 };
    const output = await openOutputFolder(join(temporaryFolder(), 'out'), { force: false, neededBytes: 0 });
    await writeMegatron(
      output,
      'x',
      1000,
      (async function* () {
        yield group;
      })(),
    );
    const idx = await readFile(join(output.path, 'x.idx'));
    const positions = [0, 1, 2, 3].map((i) => idx.readBigInt64LE(34 + 4 * 4 + 8 * i));
    expect(positions).toEqual([0n, 4_294_967_294n, 8_589_934_588n, 8_589_934_598n]);
  });
});
