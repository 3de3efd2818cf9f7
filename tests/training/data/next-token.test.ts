import { describe, expect, it } from 'vitest';
import { nextTokenBatch, packedInputs, stretchInputs } from '../../../src/training/data/next-token.ts';

const NONE = -100;

describe('packed rows', () => {
  // Two rows of eight: documents of 3 and 4 tokens and one place of padding; one document of 8.
  const rows = {
    rows: 2,
    time: 8,
    ids: Uint16Array.of(11, 12, 13, 21, 22, 23, 24, 0, 31, 32, 33, 34, 35, 36, 37, 38),
    seqLengths: [Int32Array.of(3, 4, 1), Int32Array.of(8)],
    validTokens: Int32Array.of(7, 8),
  };

  it('labels are the ids moved on by one, and none crosses a border', () => {
    const { labels } = packedInputs(rows);
    expect([...labels.subarray(0, 8)]).toEqual([12, 13, NONE, 22, 23, 24, NONE, NONE]);
    expect([...labels.subarray(8)]).toEqual([32, 33, 34, 35, 36, 37, 38, NONE]);
  });

  it('positions restart with every document, and segments tell documents apart', () => {
    const { positions, segmentIds } = packedInputs(rows);
    expect([...positions]).toEqual([0, 1, 2, 0, 1, 2, 3, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...segmentIds.subarray(0, 8)]).toEqual([0, 0, 0, 1, 1, 1, 1, 2]);
  });

  it('counts what is trained', () => {
    expect(packedInputs(rows).trained).toBe(2 + 3 + 7);
  });

  it('moves given labels on too, and leaves out what they leave out', () => {
    const given = Int32Array.of(NONE, NONE, 13, NONE, 22, 23, NONE, NONE, ...new Array<number>(8).fill(NONE));
    const { labels, trained } = packedInputs({ ...rows, labels: given });
    expect([...labels.subarray(0, 8)]).toEqual([NONE, 13, NONE, 22, 23, NONE, NONE, NONE]);
    expect(trained).toBe(3);
  });

  it('a row of padding alone trains nothing', () => {
    const empty = { ...rows, rows: 1, seqLengths: [Int32Array.of(8)], validTokens: Int32Array.of(0) };
    expect(packedInputs({ ...empty, ids: new Uint16Array(8) }).trained).toBe(0);
  });
});

describe('stretches of one text', () => {
  it('every place has a label; a short last stretch leaves its rest untrained', () => {
    const inputs = stretchInputs(2, 3, [
      [1, 2, 3, 4],
      [5, 6],
    ]);
    expect([...inputs.ids]).toEqual([1, 2, 3, 5, 0, 0]);
    expect([...inputs.labels]).toEqual([2, 3, 4, 6, NONE, NONE]);
    expect([...inputs.positions]).toEqual([0, 1, 2, 0, 1, 2]);
    expect(inputs.trained).toBe(4);
  });
});

describe('the weights of tokens', () => {
  it('are one share of the whole step each, whatever micro-batch a token is in', () => {
    const few = nextTokenBatch(stretchInputs(1, 3, [[1, 2]]), 'a', false);
    const many = nextTokenBatch(stretchInputs(1, 3, [[1, 2, 3, 4]]), 'b', false);
    const step = few.weight + many.weight;
    expect([...few.inputs(step)['tokenWeights']]).toEqual([0.25, 0, 0]);
    expect([...many.inputs(step)['tokenWeights']]).toEqual([0.25, 0.25, 0.25]);
    expect([few, many].map((batch) => batch.inputs(step)['share'][0])).toEqual([0.25, 0.75]);
  });
});
