/** Everything that is asked of quality models in one table: the benches `fasttext` and `quality-features`, one after the other. */
import type { Bench } from './bench.ts';
import { fasttext } from './fasttext.ts';
import { qualityFeatures } from './quality-features.ts';

export const quality: Bench = {
  name: 'quality',
  summary: 'quality models beside fastText and scikit-learn: `fasttext` and `quality-features` together',
  async run(options) {
    const parts = [await fasttext.run(options), await qualityFeatures.run(options)];
    const width = Math.max(...parts.flatMap(({ table }) => table.map((row) => row.length)));
    return {
      table: parts.flatMap(({ table }, i) => [
        ...(i === 0 ? [] : [new Array<string>(width).fill('')]),
        ...table.map((row) => [...row, ...new Array<string>(width - row.length).fill('')]),
      ]),
      figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
      notes: parts.flatMap(({ notes = [] }) => notes),
    };
  },
};
