/**
 * A tree as a line of runs: the pieces of text between block borders, each with what extraction weighs — length, share in
 * links, kind — and every element as a range of runs. After this one walk all sums over subtrees are differences of
 * prefix sums.
 */
import type { Element } from './tree.ts';

export const PROSE = 0;
export const HEADING = 1;
export const ITEM = 2;
export const CELL = 3;
export const CODE = 4;
export type RunKind = typeof PROSE | typeof HEADING | typeof ITEM | typeof CELL | typeof CODE;

export interface Run {
  text: string;
  kind: RunKind;
  /** Characters without white space; an ideograph counts for two, as it says about as much as two letters. */
  weight: number;
  /** The part of `weight` inside links. */
  linkWeight: number;
  /** Heading level, depth of nested lists, or number of the cell in its row. */
  level: number;
  /** In a `p` (or quotation): what an author marked as a paragraph. */
  paragraph: boolean;
}

export interface Block {
  element: Element;
  parent: number;
  depth: number;
  /** Runs [from, to). */
  from: number;
  to: number;
}

export interface Layout {
  runs: Run[];
  /** Block elements in document order; 0 is the page. */
  blocks: Block[];
}

const INLINE = new Set(
  (
    'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small span ' +
    'strike strong sub sup time tt u var wbr amp-img img picture source figure-inline'
  ).split(' '),
);

/** Lays a page out. `keepLinks`: write links as `[text](address)`. */
export function layOut(root: Element, keepLinks: boolean): Layout {
  const runs: Run[] = [];
  const blocks: Block[] = [];
  let text = '';
  let linkWeight = 0;
  let kind: RunKind = PROSE;
  let level = 0;
  let paragraph = false;
  let preformatted = 0;
  let lists = 0;
  let links = 0;

  const endRun = (): void => {
    if (text === '') return;
    const clean =
      preformatted > 0
        ? text.replace(/^\s*\n|\s+$/g, '')
        : text
            .replace(/[^\S\n]+/g, ' ')
            .replace(/ ?\n ?/g, '\n')
            .trim();
    text = '';
    const inLinks = linkWeight;
    linkWeight = 0;
    const weight = weightOf(clean);
    if (weight === 0) return;
    runs.push({ text: clean, kind, weight, linkWeight: Math.min(weight, inLinks), level, paragraph });
  };

  const walk = (element: Element, parent: number, depth: number): void => {
    for (const child of element.children) {
      if (typeof child === 'string') {
        text += preformatted > 0 ? child : child.replace(/\s+/g, ' ');
        if (links > 0) linkWeight += weightOf(child);
        continue;
      }
      const { tag } = child;
      if (tag === 'br') {
        text += '\n';
        continue;
      }
      if (INLINE.has(tag)) {
        if (tag !== 'a') walk(child, parent, depth);
        else {
          const before = text.length;
          links++;
          walk(child, parent, depth);
          links--;
          if (keepLinks && child.href !== undefined && /^(?:https?:|\/|\.)/.test(child.href)) {
            const label = text.slice(before).trim();
            if (label !== '') text = `${text.slice(0, before)}[${label}](${child.href})`;
          }
        }
        continue;
      }
      endRun();
      const outer = { kind, level, paragraph };
      const here = blocks.length;
      const block: Block = { element: child, parent, depth, from: runs.length, to: 0 };
      blocks.push(block);
      enter(tag);
      if (tag === 'pre') preformatted++;
      if (tag === 'ul' || tag === 'ol') lists++;
      walk(child, here, depth + 1);
      endRun();
      if (tag === 'pre') preformatted--;
      if (tag === 'ul' || tag === 'ol') lists--;
      block.to = runs.length;
      ({ kind, level, paragraph } = outer);
      if (tag === 'td' || tag === 'th') level++;
    }
  };

  const enter = (tag: string): void => {
    if (/^h[1-6]$/.test(tag)) {
      kind = HEADING;
      level = Number(tag[1]);
      paragraph = false;
    } else if (tag === 'li' || tag === 'dd' || tag === 'dt') {
      kind = ITEM;
      level = lists;
      paragraph = false;
    } else if (tag === 'tr') {
      level = 0;
    } else if (tag === 'td' || tag === 'th') {
      kind = CELL;
    } else if (tag === 'pre') kind = CODE;
    else if (tag === 'p' || tag === 'blockquote') paragraph = true;
  };

  blocks.push({ element: root, parent: -1, depth: 0, from: 0, to: 0 });
  walk(root, 0, 1);
  endRun();
  blocks[0].to = runs.length;
  return { runs, blocks };
}

/** Characters that are no white space; ideographs, kana and hangul count for two. */
export function weightOf(text: string): number {
  let weight = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x20 || unit === 0xa0 || unit === 0x3000) continue;
    weight += unit >= 0x2e80 && unit <= 0xd7a3 ? 2 : 1;
  }
  return weight;
}
