/** Tokenizer reports for the tests of their renderers: made by a comparison, so that they cannot contradict themselves. */
import { createComparison } from '../../../src/tokenizer/compare/comparison.ts';
import type { TokenizerReport } from '../../../src/tokenizer/compare/tokenizer-report-schema.ts';
import { listedTokenizer } from '../../tokenizer/compare/listed-tokenizer.ts';

const EN = 'The tide was late again, and nobody on the quay knew the reason of the tide.';
const ZH = '江边的小镇每年春天都要修一次堤。老人们说，水不认人，只认高低。';

const words = () =>
  listedTokenizer('words', [' the', ' and', ' of', 'The', ' tide', '小镇', '老人们', '，', '。', '人']);
const bytes = () => listedTokenizer('bytes', []);

/** Two tokenizers on texts of two languages and two sources; the last text is not given back by the second. */
export function smallReport(): TokenizerReport {
  const second = bytes();
  const lossy = { ...second, decode: (ids: ArrayLike<number>) => second.decode(ids).replace('LOST', 'lost') };
  const comparison = createComparison([words(), lossy], { title: 'words, bytes on two inputs' });
  for (let i = 0; i < 12; i++) {
    comparison.add({
      id: `en ${i}`,
      text: EN.slice(0, 20 + 5 * i),
      language: 'en',
      source: i % 2 === 0 ? 'mail' : 'web',
    });
    comparison.add({ id: `zh ${i}`, text: ZH.slice(0, 6 + 2 * i), language: 'zh', source: 'web' });
  }
  comparison.add({ id: 'last', text: 'LOST', language: null, source: 'web' });
  return comparison.report(3);
}

/** One tokenizer, nothing read. */
export function emptyReport(): TokenizerReport {
  return createComparison([words()], { title: 'nothing' }).report();
}

/** The report with `text` wherever a text comes from names, documents or tokens. */
export function withText(report: TokenizerReport, text: string): TokenizerReport {
  const copy = structuredClone(report);
  copy.title = text;
  copy.base = `${text}0`;
  const rename = (tokens: { text: string | null }[]): void => {
    for (const token of tokens) if (token.text !== null) token.text = text;
  };
  copy.tokenizers.forEach((tokenizer, i) => {
    tokenizer.name = `${text}${i}`;
    tokenizer.pattern = text;
    rename(tokenizer.vocabulary.longest);
    rename(tokenizer.vocabulary.longestHan);
    rename(tokenizer.vocabulary.longestWithLetters);
    rename(tokenizer.usage.mostUsed);
    for (const example of tokenizer.roundTrip.examples) {
      example.document = example.expected = example.found = text;
    }
  });
  for (const { rows } of copy.groups) for (const row of rows) if (row.name !== null) row.name = text;
  for (const overlap of copy.overlap) {
    overlap.base = `${text}0`;
    overlap.other = `${text}1`;
    rename(overlap.mostUsedOnlyBase);
    rename(overlap.mostUsedOnlyOther);
  }
  for (const probe of copy.probes) {
    probe.text = text;
    for (const pieces of probe.pieces) for (const piece of pieces) piece.text = text;
  }
  return copy;
}
