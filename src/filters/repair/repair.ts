/**
 * Text repair: undoes what went wrong between the author and the crawl — text read in the wrong encoding, HTML entities
 * left in place, control and invisible characters — and on request evens out layout.
 *
 * After the idea and the order of ftfy (Speer 2019, "ftfy", doi:10.5281/zenodo.2591652); detection and tables are our own (see
 * latin-mojibake.ts, chinese-mojibake.ts). Defaults change what is surely broken and agree with datatrove's
 * FTFYFormatter on its cases. Run it before `normalize`: the control characters and soft hyphens that `normalize` removes are part of
 * the evidence.
 *
 * Cost: one look-up per character finds out what a text may need; one without suspicious characters passes with that
 * (bench `repair`).
 */
import { z } from 'zod';
import { lazyPackage } from '../../core/lazy.ts';
import { defineMap, drop, KEEP } from '../../core/stage.ts';
import * as characters from './characters.ts';
import { repairGbkAsLatin, repairUtf8AsGbk } from './chinese-mojibake.ts';
import { gbkBytes, SINGLE_BYTE } from './encodings.ts';
import { repairSingleByte } from './latin-mojibake.ts';
import * as layout from './layout.ts';

const htmlEntities = lazyPackage<typeof import('entities')>('entities');

const options = z.strictObject({
  encoding: z
    .boolean()
    .default(true)
    .describe('Repair UTF-8 that was read as Latin-1, Windows-1250/1251/1252, Mac Roman or code page 437 (ftfy)'),
  chineseEncoding: z
    .boolean()
    .default(true)
    .describe('Repair UTF-8 read as GBK and GBK read as Latin-1; 锟斤拷, which is lost, becomes U+FFFD'),
  maxPasses: z.int().min(1).max(10).default(4).describe('Undo at most so many wrong readings one upon another'),
  entities: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe('Decode HTML entities that end in a semicolon; auto: not in a text with tags, which is HTML (ftfy)'),
  terminalEscapes: z.boolean().default(true).describe('Remove terminal colour and cursor sequences (ftfy)'),
  controls: z.boolean().default(true).describe('Remove C0 control characters but tab, line ends and form feed (ftfy)'),
  c1Controls: z
    .boolean()
    .default(true)
    .describe(
      'Turn C1 controls into the Windows-1252 characters they stand for, U+0085 (NEL) among them (HTML Standard)',
    ),
  zeroWidth: z
    .enum(['keep', 'bom', 'all'])
    .default('bom')
    .describe(
      'Remove byte order marks (bom), or also zero width spaces, soft hyphens and direction marks (all); ZWJ and ZWNJ stay',
    ),
  replacementCharacters: z
    .enum(['keep', 'remove'])
    .default('keep')
    .describe('U+FFFD, which stands for what could not be read: kept, other stages can judge by it'),
  ligatures: z.boolean().default(false).describe('Open Latin ligatures: ﬁ becomes fi (ftfy; off in datatrove)'),
  width: z
    .enum(['keep', 'letters', 'all'])
    .default('keep')
    .describe('Full-width letters and digits to ASCII (letters), or every full-width and half-width form (all)'),
  unicode: z.enum(['none', 'NFC', 'NFKC']).default('none').describe('Unicode normalization (UAX #15), last'),
  spaces: z.boolean().default(false).describe('One space for a run of spaces or tabs between words'),
  maxBlankLines: z.int().min(0).nullable().default(null).describe('Most blank lines together; null: no limit'),
  maxRepeatedPunctuation: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Most repetitions of one mark (full stops: at least 3, dashes and ellipses: 2); null: no limit'),
  hyphenation: z.boolean().default(false).describe('Join words divided at a line end; compounds lose their hyphen too'),
  counts: z.boolean().default(false).describe('Write the number of repairs by kind into meta.<stage name>'),
});

export type RepairOptions = z.output<typeof options>;

export const repair = defineMap({
  kind: 'map',
  name: 'repair',
  summary: 'Repair text read in the wrong encoding, HTML entities, control and invisible characters.',
  source: 'Speer 2019, ftfy (doi:10.5281/zenodo.2591652): idea and order; own heuristics, Chinese among them',
  version: 1,
  options,
  reasons: { empty: 'nothing but white space is left' },
  create(given, context) {
    const repairText = createRepair(given);
    return {
      process(document) {
        const counts: RepairCounts = {};
        const text = repairText(document.text, counts);
        if (text !== document.text) {
          document.text = text;
          if (given.counts) document.meta[context.name] = counts;
          if (text.trim() === '') return drop('empty', 0, 1);
        }
        return KEEP;
      },
      explain(document) {
        const counts: RepairCounts = {};
        repairText(document.text, counts);
        return Object.entries(counts).map(([rule, value]) => ({ rule, value, broken: false }));
      },
    };
  },
});

/** Places repaired, by kind; kinds without any are absent. */
export type RepairCounts = Partial<Record<RepairKind, number>>;
export type RepairKind =
  | 'encoding'
  | 'chineseEncoding'
  | 'entities'
  | 'terminalEscapes'
  | 'controls'
  | 'c1Controls'
  | 'zeroWidth'
  | 'replacementCharacters'
  | 'ligatures'
  | 'width'
  | 'unicode'
  | 'spaces'
  | 'blankLines'
  | 'repeatedPunctuation'
  | 'hyphenation';

// What a character makes worth a closer look.
const LATIN = 1;
const CYRILLIC = 2;
const CHINESE = 4;
const AMPERSAND = 8;
const CONTROL = 16;
const INVISIBLE = 32;
const FORM = 64;
/** What the passes look into: what one repair uncovers, the next may undo. */
const MISREAD = LATIN | CYRILLIC | CHINESE | AMPERSAND | CONTROL;

/** A function that repairs a text and adds to `counts`; it gives back the same string when there is nothing to do. */
export function createRepair(given: RepairOptions): (text: string, counts: RepairCounts) => string {
  const suspects = suspectTable();
  const { zeroWidth, width } = given;
  const changesForms = given.ligatures || width !== 'keep' || given.replacementCharacters === 'remove';
  return (text, counts) => {
    const add = (kind: RepairKind, places: number): void => {
      if (places > 0) counts[kind] = (counts[kind] ?? 0) + places;
    };
    const replace = (kind: RepairKind, pattern: RegExp, by: (piece: string) => string): void => {
      text = text.replace(pattern, (piece) => {
        add(kind, 1);
        return by(piece);
      });
    };

    const cleanCharacters = (found: number): void => {
      if ((found & CONTROL) !== 0) {
        if (given.c1Controls) replace('c1Controls', characters.C1, characters.fromC1);
        if (given.controls) replace('controls', characters.CONTROLS, nothing);
      }
      if ((found & INVISIBLE) !== 0 && zeroWidth !== 'keep') {
        replace('zeroWidth', characters.ZERO_WIDTH[zeroWidth], nothing);
      }
    };

    let found = suspicion(text, suspects);
    for (let pass = 0; pass < given.maxPasses && (found & MISREAD) !== 0; pass++) {
      const before = text;
      if ((found & AMPERSAND) !== 0 && given.entities !== 'never') text = decodeEntities(text, given.entities, add);
      if ((found & CONTROL) !== 0 && given.terminalEscapes) {
        replace('terminalEscapes', characters.TERMINAL_ESCAPE, nothing);
      }
      if ((found & (LATIN | CYRILLIC | CHINESE)) !== 0) text = repairEncoding(text, found, given, add);
      // Control characters may be halves of mangled characters: they go when nothing is left to repair with them.
      if (text === before) cleanCharacters(found);
      if (text === before) break;
      found = suspicion(text, suspects);
    }
    cleanCharacters(found);
    if (changesForms && (found & FORM) !== 0) {
      if (given.replacementCharacters === 'remove') replace('replacementCharacters', /\ufffd+/g, nothing);
      if (given.ligatures) replace('ligatures', characters.LIGATURES, characters.openLigature);
      if (width !== 'keep') replace('width', characters.WIDTH[width], characters.usualWidth);
    }
    if (given.hyphenation) text = layout.joinDivided(text, () => add('hyphenation', 1));
    if (given.spaces) text = layout.collapseSpaces(text, () => add('spaces', 1));
    if (given.maxBlankLines !== null) {
      text = layout.limitBlankLines(text, given.maxBlankLines, () => add('blankLines', 1));
    }
    if (given.maxRepeatedPunctuation !== null) {
      text = layout.limitPunctuation(text, given.maxRepeatedPunctuation, () => add('repeatedPunctuation', 1));
    }
    if (given.unicode !== 'none') {
      const normal = text.normalize(given.unicode);
      if (normal !== text) add('unicode', 1);
      text = normal;
    }
    return text;
  };
}

/** Undoes one wrong reading, if the text shows signs of one. */
function repairEncoding(
  text: string,
  found: number,
  given: RepairOptions,
  add: (kind: RepairKind, places: number) => void,
): string {
  if (given.encoding) {
    for (const encoding of SINGLE_BYTE) {
      if ((found & (encoding === 'windows-1251' ? CYRILLIC : LATIN)) === 0) continue;
      const repaired = repairSingleByte(text, encoding);
      if (repaired.runs === 0) continue;
      add('encoding', repaired.runs);
      return repaired.text;
    }
  }
  if (!given.chineseEncoding) return text;
  for (const repairChinese of [repairUtf8AsGbk, repairGbkAsLatin]) {
    if ((found & (repairChinese === repairUtf8AsGbk ? CHINESE : LATIN)) === 0) continue;
    const repaired = repairChinese(text);
    if (repaired.runs === 0) continue;
    add('chineseEncoding', repaired.runs);
    return repaired.text;
  }
  return text;
}

function nothing(): string {
  return '';
}

function suspicion(text: string, suspects: Uint8Array): number {
  let found = 0;
  for (let i = 0; i < text.length; i++) found |= suspects[text.charCodeAt(i)];
  return found;
}

let suspectsOnce: Uint8Array | undefined;

function suspectTable(): Uint8Array {
  if (suspectsOnce !== undefined) return suspectsOnce;
  const table = new Uint8Array(0x10000);
  const mark = (flag: number, from: number, to = from): void => {
    for (let c = from; c <= to; c++) table[c] |= flag;
  };
  // Lead characters of UTF-8 in Windows-1252/1250, in Mac Roman (¬ √ ‚ and the letters) and in code page 437 (┬ ├ Γ).
  mark(LATIN, 0xc2, 0xf4);
  for (const c of 'ĂÂ¬√‚ƒ┬├Γ') mark(LATIN, c.charCodeAt(0));
  // Second halves of Russian letters in Windows-1251 that Russian does not use.
  for (const c of 'ЂЃѓ‰ЉЊЌЋЏђљњќћџЎўЈҐЄЇІіґєјЅѕї') mark(CYRILLIC, c.charCodeAt(0));
  // Characters that GBK makes of a UTF-8 lead byte for Chinese and a continuation byte below A1: rare ones all.
  const gbk = gbkBytes();
  for (let c = 0x80; c < 0x10000; c++) {
    const lead = gbk[c] >> 8;
    const trail = gbk[c] & 0xff;
    if (((lead >= 0xe3 && lead <= 0xe9) || lead === 0xef) && trail >= 0x80 && trail <= 0xa0) table[c] |= CHINESE;
  }
  // The same for Russian, and 锟斤拷.
  for (const c of '褌械泻褋锟') mark(CHINESE, c.charCodeAt(0));
  mark(AMPERSAND, 0x26);
  mark(CONTROL, 0x00, 0x08);
  mark(CONTROL, 0x0b);
  mark(CONTROL, 0x0e, 0x1f);
  mark(CONTROL, 0x7f, 0x9f);
  mark(CONTROL, 0x206a, 0x206f);
  mark(CONTROL, 0xfff9, 0xfffb);
  for (const c of [0xfeff, 0x200b, 0x200e, 0x200f, 0xad, 0x180e]) mark(INVISIBLE, c);
  mark(INVISIBLE, 0x2060, 0x2069);
  mark(INVISIBLE, 0x202a, 0x202e);
  mark(FORM, 0xfb00, 0xfb06);
  mark(FORM, 0x132, 0x133);
  mark(FORM, 0xff01, 0xffee);
  mark(FORM, 0xfffd);
  suspectsOnce = table;
  return table;
}

const ENTITY = /&(?:#[xX]?[0-9a-fA-F]{1,7}|[a-zA-Z][a-zA-Z0-9]{1,31});/g;
const TAG = /<\/?[a-zA-Z][^<>]*>/;

function decodeEntities(
  text: string,
  mode: 'auto' | 'always',
  add: (kind: RepairKind, places: number) => void,
): string {
  if (mode === 'auto' && text.includes('<') && TAG.test(text)) return text;
  return text.replace(ENTITY, (entity) => {
    const decoded = htmlEntities().decodeHTMLStrict(entity);
    if (decoded !== entity) add('entities', 1);
    return decoded;
  });
}
