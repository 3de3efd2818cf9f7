/**
 * Removes lines that belong to the page and not to its text: menus, breadcrumbs, credits, copyright and licence lines,
 * share and login lines, cookie notices, link lists under "相关阅读".
 *
 * Three kinds of evidence. What a line says: our own patterns for Chinese and English, tried on short lines that do not end
 * like a sentence (legal lines do). What it looks like: several words divided by bars or spaces without any mark. Where it stands: a run of
 * very short lines without marks is a menu, whatever it says, and a long run of titles a list of links; after a heading such
 * as 相关阅读 the titles go with it.
 * Lines of prose are long or end in punctuation, so that few patterns ever see one.
 *
 * Cost: lines longer than `maxLineChars` are passed over; others meet a few combined searches before any single pattern.
 * Guarded by bench/repair.ts: 28 MB/s on English web text, 47 on Chinese, with both languages' patterns.
 */
import { RE2JS } from 're2js';
import { z } from 'zod';
import type { Document } from '../../core/document.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { defineMap, drop, KEEP } from '../../core/stage.ts';
import { type BoilerplateKind, KINDS, type LinePattern } from './line-pattern.ts';
import { splitLine } from './line-shape.ts';
import { LINES } from './patterns.ts';

const options = z.strictObject({
  languages: z
    .array(z.enum(['zh', 'en']))
    .default(['zh', 'en'])
    .describe('Whose patterns to try; [] leaves the rules of shape and place'),
  kinds: z
    .array(z.enum(KINDS))
    .default([...KINDS])
    .describe('Kinds of lines to remove'),
  patterns: z
    .array(z.string().min(1))
    .default([])
    .describe('Your own patterns (RE2), searched in every line of at most maxLineChars'),
  maxLineChars: z.int().min(1).default(300).describe('Longer lines are never removed'),
  menuRun: z
    .int()
    .min(2)
    .nullable()
    .default(5)
    .describe('Remove runs of at least so many lines of at most menuLineChars without punctuation; null: leave them'),
  menuLineChars: z.int().min(1).default(8).describe('Length of a menu line; a Latin word counts as two characters'),
  titleRun: z
    .int()
    .min(2)
    .nullable()
    .default(6)
    .describe(
      'Remove runs of at least so many Chinese titles: lines of at most 45 characters that end no statement; null: leave them',
    ),
  menuPieces: z
    .int()
    .min(2)
    .nullable()
    .default(4)
    .describe('Remove lines of at least so many short pieces between | / > · or spaces; null: leave them'),
  linkLists: z.boolean().default(true).describe('After a heading such as 相关阅读 also remove the titles that follow'),
  minChars: z.int().min(1).default(1).describe('Drop the document when fewer characters are left'),
  maxRemoved: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe('Drop the document when a larger share of its characters was removed; null: no limit'),
  counts: z.boolean().default(false).describe('Write the number of removed lines by kind into meta.<stage name>'),
});

export type BoilerplateOptions = z.output<typeof options>;

export const boilerplateLines = defineMap({
  kind: 'map',
  name: 'clean.boilerplate-lines',
  summary: 'Remove navigation, copyright, share, login and similar lines, in Chinese and English.',
  source: 'own patterns and line features; the kinds of lines after jusText (Pomikálek 2011) and C4 (policy lines)',
  version: 1,
  options,
  reasons: {
    only_boilerplate: 'fewer characters than minChars are left',
    mostly_boilerplate: 'share of removed characters over maxRemoved',
  },
  create(given, context) {
    const remove = createRemover(given);
    const clean = (text: string): Removal => (text === '' ? { text, counts: {} } : remove(text));
    return {
      process(document: Document) {
        const before = document.text.length;
        const { text, counts } = clean(document.text);
        if (given.counts && Object.keys(counts).length > 0) document.meta[context.name] = counts;
        if (text.length < given.minChars || text.trim() === '')
          return drop('only_boilerplate', text.length, given.minChars);
        const share = (before - text.length) / before;
        if (given.maxRemoved !== null && share > given.maxRemoved) {
          return drop('mostly_boilerplate', share, given.maxRemoved);
        }
        if (text.length !== before) document.text = text;
        return KEEP;
      },
      explain(document) {
        const { text, counts } = clean(document.text);
        const lines = Object.entries(counts).map(([rule, value]) => ({ rule, value, broken: false }));
        const left = text.trim().length;
        return [
          ...lines,
          { rule: 'only_boilerplate', value: left, min: given.minChars, broken: left < given.minChars },
        ];
      },
    };
  },
});

/** Removed lines by kind; `run`, `titles` and `pieces` are those without words of their own, `own` the user's. */
export type RemovalCounts = Partial<Record<BoilerplateKind | 'run' | 'titles' | 'pieces' | 'list' | 'own', number>>;
export interface Removal {
  text: string;
  counts: RemovalCounts;
}

const LIST_TITLE_CHARS = 45;
/** Titles that a heading may pull out with it. */
const MAX_LIST = 30;
const SENTENCE_END = /[。．！？!?；;…][”’」』）)】》"'\s]*$|[^.\s]\.["')\]]?$/;
const MARK = /[。！？，；：、,;:!?…"“”「」『』（）()《》]|\.\s|\.$/;

/** A function that removes boilerplate lines; it gives back the same string when there are none. */
export function createRemover(given: BoilerplateOptions): (text: string) => Removal {
  const patterns = given.languages.flatMap((language) =>
    LINES[language].filter(({ kind }) => given.kinds.includes(kind)),
  );
  const quickLook = combined(patterns);
  const own = given.patterns.map(compileOwn);
  const { menuRun, menuLineChars, menuPieces, titleRun } = given;

  return (text) => {
    const lines = text.split('\n');
    // A text of one line is not a page.
    if (lines.length === 1) return { text, counts: {} };
    const removed = new Uint8Array(lines.length);
    const counts: RemovalCounts = {};
    let any = false;
    const remove = (at: number, kind: keyof RemovalCounts): void => {
      if (removed[at] === 1) return;
      removed[at] = 1;
      any = true;
      counts[kind] = (counts[kind] ?? 0) + 1;
    };

    // Fenced code is left alone.
    let isCode = false;
    let fences = text.includes('```') ? Math.floor((text.match(/^\s*```/gm)?.length ?? 0) / 2) : 0;
    let listLeft = 0;
    let run: number[] = [];
    let titles: number[] = [];
    let questions = 0;
    const endRun = (): void => {
      if (menuRun !== null && run.length >= menuRun) for (const at of run) remove(at, 'run');
      run = [];
    };
    const endTitles = (): void => {
      // Questions alone are a dialogue.
      const isList = titleRun !== null && titles.length >= titleRun && questions * 2 <= titles.length;
      if (isList) for (const at of titles) remove(at, 'titles');
      titles = [];
      questions = 0;
    };
    for (let i = 0; i < lines.length; i++) {
      const raw = lines[i];
      if (raw.length > given.maxLineChars) {
        endRun();
        endTitles();
        listLeft = 0;
        continue;
      }
      const line = raw.trim();
      if (line.startsWith('```')) isCode = !isCode && fences-- > 0;
      if (line === '' || isCode) continue;
      const kind = quickLook.some((pattern) => pattern.test(line)) ? kindOf(line, patterns) : undefined;
      if (kind !== undefined) remove(i, kind);
      else if (own.some((pattern) => pattern.test(line))) remove(i, 'own');
      else if (menuPieces !== null && !MARK.test(line) && splitLine(line).pieces >= menuPieces) remove(i, 'pieces');

      // Marks and numbers alone (a bar, a counter) belong to what stands around them.
      const isFiller = isWordless(line);
      if (isFiller ? run.length > 0 : isMenuLine(line, menuLineChars)) run.push(i);
      else if (removed[i] === 0) endRun();
      if (isFiller ? titles.length > 0 : isTitle(line)) {
        titles.push(i);
        if (QUESTION_END.test(line)) questions++;
      } else if (removed[i] === 0) endTitles();

      if (kind === 'related') listLeft = given.linkLists ? MAX_LIST : 0;
      else if (listLeft > 0 && removed[i] === 0) {
        if (line.length > LIST_TITLE_CHARS || SENTENCE_END.test(line)) listLeft = 0;
        else {
          listLeft--;
          remove(i, 'list');
        }
      }
    }
    endRun();
    endTitles();
    if (!any) return { text, counts };
    return {
      text: lines
        .filter((_, i) => removed[i] === 0)
        .join('\n')
        .trim(),
      counts,
    };
  };
}

/**
 * All patterns as a few alternations: a line that none of them fits, as most do not, is left after these searches instead of
 * thirty. Says nothing of lengths, so `kindOf` has the word. Those that hold to the start of the line stand apart from those
 * that are looked for everywhere, and so do those that do not ignore case: each kind is searched in its own way.
 */
function combined(patterns: readonly LinePattern[]): RegExp[] {
  const groups = new Map<string, { flags: string; sources: string[] }>();
  for (const { pattern } of patterns) {
    const { flags, source } = pattern;
    const key = `${flags} ${source.startsWith('^')}`;
    const group = groups.get(key) ?? { flags, sources: [] };
    groups.set(key, group);
    group.sources.push(`(?:${source})`);
  }
  return Array.from(groups.values(), ({ flags, sources }) => new RegExp(sources.join('|'), flags));
}

/** The first kind whose pattern fits the line. A line that ends a sentence must be of a kind that may. */
function kindOf(line: string, patterns: readonly LinePattern[]): BoilerplateKind | undefined {
  const length = line.length;
  let isSentence: boolean | undefined;
  for (const { kind, pattern, maxChars } of patterns) {
    if (length > maxChars || !pattern.test(line)) continue;
    if (MAY_END.has(kind)) return kind;
    isSentence ??= SENTENCE_END.test(line);
    if (!isSentence) return kind;
  }
  return undefined;
}

const MAY_END: ReadonlySet<BoilerplateKind> = new Set([
  'copyright',
  'licence',
  'cookies',
  'login',
  'comments',
  'newsletter',
]);

/** No word: digits and their units, bars, dots. Not Markdown's rules and fences. */
const FILLER =
  /^(?![-=*`~#]{2})(?:[^\p{L}<>{}()[\];=/\\]{1,12}|[-+]?[\d.,]+(?:万|亿|萬|億)?(?:元|股|手|条|次|人|点|度)?)$/u;

function isWordless(line: string): boolean {
  // Nothing that begins with a letter is; most lines do, and a table of letters costs more than this.
  const first = line.charCodeAt(0) | 0x20;
  return !(first >= 0x61 && first <= 0x7a) && FILLER.test(line);
}

/** Markdown, numbers, code. */
const NOT_A_MENU = /^[-*+#>|`=~\d]|[<>{}[\];=\\$@_#'`]/;

/** Short and without marks, not a list item, a heading or a table row of a text's own. */
function isMenuLine(line: string, chars: number): boolean {
  if (line.length > chars * 3 || MARK.test(line) || NOT_A_MENU.test(line)) return false;
  return splitLine(line).width <= chars;
}

/** A Chinese line that may be a link: not long, no statement, not a list item, a heading, a table row or code. */
function isTitle(line: string): boolean {
  if (line.length > LIST_TITLE_CHARS) return false;
  let han = 0;
  for (let i = 0; i < line.length; i++) if (line.charCodeAt(i) >= 0x3400 && line.charCodeAt(i) < 0xa000) han++;
  if (han * 5 < line.length * 2 || NOT_A_TITLE.test(line)) return false;
  return !SENTENCE_END.test(line) || (line.length <= QUESTION_CHARS && QUESTION_END.test(line));
}

/** Headlines ask and exclaim. */
const QUESTION_CHARS = 30;
const QUESTION_END = /[？！?!]$/;
/** Markdown, numbered items, tables, code, dialogue, lines that end in a comma or colon; a full stop inside or two commas. */
const NOT_A_TITLE =
  /^(?:[-*+#>`=~“「]|\|.*\||\d+[.、)]|[（(]?[一二三四五六七八九十]+[、)）])|[{}`=。．<>;]|[，,、：:；;…]$|，[^，]*，/;

function compileOwn(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : String(cause);
    throw new CorpusmillError('CONFIG_INVALID', `patterns: ${JSON.stringify(source)} cannot be read: ${words}`, {
      hint: 'Patterns are RE2 expressions: github.com/google/re2/wiki/Syntax.',
      cause,
    });
  }
}
