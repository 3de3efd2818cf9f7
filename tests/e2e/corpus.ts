/**
 * A made-up corpus whose fate in the pipeline is known: prose that every filter keeps, exact copies, near copies, short
 * scraps and lists that filters drop. Seeded, so that every test sees the same bytes.
 */
import { createRandom } from '../../src/core/random.ts';

const NOUNS =
  'river harbor mountain garden letter winter teacher village window market engine station library valley orchard bridge painter sailor kitchen meadow lantern cathedral island forest journey museum farmer workshop railway theatre';
const VERBS =
  'carried followed remembered painted crossed repaired visited described measured studied watched answered protected collected discovered welcomed imagined counted opened gathered';
const ADJECTIVES =
  'old quiet northern careful yellow distant heavy patient narrow bright hidden gentle wooden famous silent curious broken early southern endless';

const LINKS = [
  'that was with',
  'which stood near',
  'because it belonged to',
  'while they waited for',
  'as long as she kept',
  'although nobody had asked',
];

const words = (list: string): string[] => list.split(' ');
const [nouns, verbs, adjectives] = [words(NOUNS), words(VERBS), words(ADJECTIVES)];

export type Kind = 'prose' | 'exact copy' | 'near copy' | 'scrap' | 'list';

export interface MadeDocument {
  id: string;
  text: string;
  kind: Kind;
}

/** `count` documents: of each ten, six are prose, one an exact copy, one a near copy, one a scrap and one a list. */
export function madeCorpus(count: number, seed = 1): MadeDocument[] {
  const random = createRandom(seed);
  const pick = (list: readonly string[]): string => list[random.below(list.length)];
  const clause = (): string =>
    `the ${pick(adjectives)} ${pick(nouns)} ${pick(verbs)} the ${pick(adjectives)} ${pick(nouns)}`;
  const sentence = (): string => {
    const text = `${clause()}, and ${clause()} ${pick(LINKS)} the ${pick(nouns)} of the ${pick(adjectives)} ${pick(nouns)}.`;
    return text[0].toUpperCase() + text.slice(1);
  };
  const paragraph = (): string => Array.from({ length: 3 + random.below(3) }, sentence).join(' ');
  const prose = (): string => Array.from({ length: 3 + random.below(4) }, paragraph).join('\n');
  const documents: MadeDocument[] = [];
  const originals: string[] = [];
  for (let i = 0; i < count; i++) {
    const slot = i % 10;
    const original = originals[random.below(originals.length || 1)];
    let kind: Kind = 'prose';
    let text: string;
    if (slot === 6) {
      kind = 'exact copy';
      text = original;
    } else if (slot === 7) {
      kind = 'near copy';
      text = `${original}\n${sentence()}`;
    } else if (slot === 8) {
      kind = 'scrap';
      text = `Page ${i}: not found`;
    } else if (slot === 9) {
      kind = 'list';
      text = Array.from({ length: 40 }, (_, line) => `- ${pick(nouns)} ${line}`).join('\n');
    } else {
      text = prose();
      originals.push(text);
    }
    documents.push({ id: `doc-${i}`, text, kind });
  }
  return documents;
}

export function jsonl(documents: readonly object[]): string {
  return documents.map((document) => `${JSON.stringify(document)}\n`).join('');
}
