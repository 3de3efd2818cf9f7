/**
 * Fenced blocks of the documentation that tests try as they stand. The word behind the language says what a block is:
 *
 *   yaml pipeline      a whole pipeline file, valid
 *   yaml stages        entries of `stages`, valid
 *   yaml mistakes F    a file F with mistakes; the next `text mistakes` is what `validate F` prints
 *   js file F          a file F of the project, written before anything is tried (also: yaml file F)
 *   sh run             commands, one a line; `# exit N` where one does not end with 0
 *   ts run             a program of a project that has corpusmill installed: type-checked, then run
 *   ts stage           a file for a folder of src/: type-checked, then imported
 *   python run         tried where the Python peers are set up (bench/peers/setup.sh)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/core/package-root.ts';

export interface Block {
  /** `docs/running.md:12`, the line of its first line. */
  place: string;
  language: string;
  /** `run`, `pipeline`, `mistakes` …; undefined where a block is only to be read. */
  mark: string | undefined;
  argument: string | undefined;
  text: string;
}

export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(packageRoot(), 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function pageText(page: string): string {
  return readFileSync(join(packageRoot(), page), 'utf8');
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = pageText(page).split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\S+)?(?: (\S+))?(?: (\S+))?$/.exec(lines[at]);
    if (fence === null) continue;
    const start = at + 1;
    while (lines[++at] !== '```') {
      if (at >= lines.length) throw new Error(`${page}:${start}: a block without an end`);
    }
    const [, language = '', mark, argument] = fence;
    const text = `${lines.slice(start, at).join('\n')}\n`;
    blocks.push({ place: `${page}:${start + 1}`, language, mark, argument, text });
  }
  return blocks;
}

/** All files that pages write into the project. */
export function fileBlocks(): Block[] {
  return PAGES.flatMap(blocksOf).filter((block) => block.mark === 'file');
}

/** All blocks of a kind, of all pages. */
export function marked(language: string, mark: string): Block[] {
  return PAGES.flatMap(blocksOf).filter((block) => block.language === language && block.mark === mark);
}
