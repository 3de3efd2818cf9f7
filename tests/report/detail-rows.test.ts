import { describe, expect, it } from 'vitest';
import { detailRows } from '../../src/report/detail-rows.ts';

describe('details as rows', () => {
  it.each([
    ['a count', { paddingTokens: 1_204 }, 'Padding tokens', '1,204'],
    ['bytes by name', { textBytes: 12_300_000 }, 'Text bytes', '12.3 MB'],
    ['a share by name', { duplicate_share: 0.125 }, 'Duplicate share', '12.5 %'],
    ['a percentage by name', { paddingPercent: 0.0487 }, 'Padding', '0.05 %'],
    ['a yes or no', { normalized: true }, 'Normalized', 'yes'],
    ['a short list', { columns: ['id', 'text'] }, 'Columns', 'id, text'],
    ['a long list', { files: Array.from({ length: 40 }, (_, i) => i) }, 'Files', '40 entries'],
    ['nested values', { tokenizer: { vocabularySize: 512 } }, 'Tokenizer: vocabulary size', '512'],
    ['a seed, which is no quantity', { seed: 12345 }, 'Seed', '12345'],
  ])('shows %s', (_, details, label, value) => expect(detailRows(details)).toEqual([{ label, value }]));

  it('leaves out what has no value', () => {
    expect(detailRows({ a: null, b: undefined })).toEqual([]);
  });

  it('says how much it left out', () => {
    const rows = detailRows(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`n${i}`, i])));
    expect(rows).toHaveLength(16);
    expect(rows.at(-1)).toEqual({ label: 'More', value: '15 further values in report.json' });
  });
});
