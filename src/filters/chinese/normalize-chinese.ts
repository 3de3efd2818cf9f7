/**
 * Normalization of Chinese text: one form for each letter, digit and ideograph, on request one kind of punctuation and one
 * script.
 *
 * Full-width letters and digits become ASCII (１ is 1 and Ａ is A: the tables of UAX #11, not a hand-made list);
 * full-width punctuation is what Chinese uses and stays. Compatibility ideographs and radicals that look like characters become those
 * characters (NFC and NFKC mappings). Guarded by bench `repair`.
 */
import { z } from 'zod';
import { defineMap, KEEP } from '../../core/stage.ts';
import { toChinesePunctuation } from './punctuation.ts';
import { createScriptConverter } from './script.ts';

const options = z.strictObject({
  fullWidth: z
    .enum(['keep', 'letters', 'symbols'])
    .default('letters')
    .describe(
      'Full-width letters and digits to ASCII (letters), or also ＃＄％＆＊＋－／＜＝＞＠＼＾＿｀｜～ (symbols)',
    ),
  ideographicSpace: z
    .enum(['keep', 'space', 'trim'])
    .default('keep')
    .describe('U+3000: kept, turned into a space, or removed at the start of lines and otherwise turned into a space'),
  compatibility: z
    .boolean()
    .default(true)
    .describe('CJK compatibility ideographs and Kangxi radicals to the ideographs they stand for (Unicode 4.8, 18.1)'),
  punctuation: z
    .enum(['keep', 'chinese'])
    .default('keep')
    .describe('ASCII punctuation behind Chinese characters to Chinese punctuation (GB/T 15834)'),
  script: z
    .enum(['keep', 'simplified', 'traditional'])
    .default('keep')
    .describe('Convert to one script with OpenCC (opencc-js); conversion to traditional has to guess'),
});

export type NormalizeChineseOptions = z.output<typeof options>;

export const normalizeChinese = defineMap({
  kind: 'map',
  name: 'normalize.chinese',
  summary: 'Normalize Chinese text: full-width letters, compatibility ideographs, punctuation, script.',
  source: 'UAX #11 and UAX #15; GB/T 15834 for punctuation; OpenCC (opencc-js) for simplified and traditional',
  version: 1,
  options,
  create(given) {
    const change = createChineseNormalizer(given);
    return {
      process(document) {
        const text = change(document.text);
        if (text !== document.text) document.text = text;
        return KEEP;
      },
    };
  },
});

const WIDTH = {
  letters: /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+/g,
  symbols: /[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a＃＄％＆＊＋－／＜＝＞＠＼＾＿｀｜～]+/g,
} as const;
/** Compatibility ideographs in the BMP and (as a high surrogate of theirs) beyond, Kangxi radicals and their supplement. */
const COMPATIBILITY = /[\u2e9f\u2ef3\u2f00-\u2fd5\uf900-\ufaff]+|\ud87e[\udc00-\ude1d]/g;
const LEADING_SPACE = /^[ \t\u3000]*\u3000[ \t\u3000]*/gm;

/** A function that normalizes a text by the options; it gives back the same string when there is nothing to do. */
export function createChineseNormalizer(given: NormalizeChineseOptions): (text: string) => string {
  const width = given.fullWidth === 'keep' ? undefined : WIDTH[given.fullWidth];
  const convert = given.script === 'keep' ? undefined : createScriptConverter(given.script);
  const suspect = new RegExp(
    `[${width === undefined ? '' : width.source.slice(1, -2)}\\u2e9f\\u2ef3\\u2f00-\\u2fd5\\uf900-\\ufaff\\u3000\\ud87e]`,
  );
  return (text) => {
    if (suspect.test(text)) {
      if (width !== undefined) text = text.replace(width, asNfkc);
      if (given.compatibility) text = text.replace(COMPATIBILITY, asNfkc);
      if (given.ideographicSpace === 'trim') text = text.replace(LEADING_SPACE, '');
      if (given.ideographicSpace !== 'keep') text = text.replaceAll('\u3000', ' ');
    }
    if (given.punctuation === 'chinese') text = toChinesePunctuation(text);
    return convert === undefined ? text : convert(text);
  };
}

function asNfkc(piece: string): string {
  return piece.normalize('NFKC');
}
