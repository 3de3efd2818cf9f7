/**
 * Writes a model as an ARPA file, the text form that SRILM, KenLM, NLTK and others read: `\data\` with the number of n-grams
 * of each order, then a line for each: log10 probability, the words, and the log10 of the back-off weight.
 *
 * Format: Doug Paul's ARPA back-off models as SRILM documents them (ngram-format(5)). n-grams stand in lmplz's order: sorted
 * by their last word, then the one before it. A first line beginning with # says how texts are cut into tokens; the format
 * lets anything stand before `\data\`, and KenLM lines that begin so. Cost: bench/ngram-lm.ts.
 */
import { openAtomic } from '../../io/atomic.ts';
import type { EstimatedLevel } from './kneser-ney.ts';
import { UNITS_BYTES, writeUnits } from './log10.ts';
import { walkNgrams } from './ngram-walk.ts';
import type { TokenForm } from './options.ts';
import type { Vocabulary } from './vocabulary.ts';

const BUFFER_BYTES = 1 << 20;
const TAB = 0x09;
const NEWLINE = 0x0a;
const BLANK = 0x20;

/** Begins the line that says the token form, as JSON. */
export const FORM_PREFIX = '# corpusmill ';

/** Writes the file, atomically. Throws OUTPUT_FAILED. */
export async function writeArpa(
  path: string,
  vocabulary: Vocabulary,
  levels: readonly EstimatedLevel[],
  form: TokenForm,
): Promise<void> {
  const file = await openAtomic(path);
  try {
    for (const piece of arpaPieces(vocabulary, levels, form)) await file.write(piece);
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** The file in pieces; each is valid until the next is asked for. */
export function* arpaPieces(
  vocabulary: Vocabulary,
  levels: readonly EstimatedLevel[],
  form: TokenForm,
): Generator<Uint8Array> {
  const counts = levels.map(({ size }, k) => `ngram ${k + 1}=${size}\n`);
  yield Buffer.from(`${FORM_PREFIX}${JSON.stringify(form)}\n\\data\\\n${counts.join('')}`);
  for (let k = 0; k < levels.length; k++) {
    yield Buffer.from(`\n\\${k + 1}-grams:\n`);
    yield* levelPieces(vocabulary, levels, k);
  }
  yield Buffer.from('\n\\end\\\n');
}

function* levelPieces(vocabulary: Vocabulary, levels: readonly EstimatedLevel[], k: number): Generator<Uint8Array> {
  const { logProbabilities, logBackoffs } = levels[k];
  const { bytes, starts } = vocabulary;
  let buffer = new Uint8Array(BUFFER_BYTES);
  let at = 0;
  const walk = walkNgrams(levels, k + 1);
  const { words } = walk;
  for (let i = walk.next(); i >= 0; i = walk.next()) {
    let room = 2 * UNITS_BYTES + 3;
    for (let j = 0; j <= k; j++) room += starts[words[j] + 1] - starts[words[j]] + 1;
    if (at + room > buffer.length) {
      yield buffer.subarray(0, at);
      at = 0;
      if (room > buffer.length) buffer = new Uint8Array(2 * room);
    }
    at = writeUnits(logProbabilities[i], buffer, at);
    for (let j = 0; j <= k; j++) {
      buffer[at++] = j === 0 ? TAB : BLANK;
      const end = starts[words[j] + 1];
      for (let b = starts[words[j]]; b < end; b++) buffer[at++] = bytes[b];
    }
    if (logBackoffs.length > 0) {
      buffer[at++] = TAB;
      at = writeUnits(logBackoffs[i], buffer, at);
    }
    buffer[at++] = NEWLINE;
  }
  yield buffer.subarray(0, at);
}
