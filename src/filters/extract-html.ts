/**
 * Main content of web pages: the source of a page becomes its article's text, with paragraphs, lists, tables and code kept
 * readable; navigation, advertisements, comments and the rest of the page's frame go.
 *
 * Two engines. `fast` is ours (html/content.ts): one parse, one walk, sums over the tree; F1 .916 on the 990 pages of
 * trafilatura's evaluation (.914 on the half that was not searched for thresholds) at 250–300 pages a second and core.
 * `readability` is Mozilla's Readability over linkedom: F1 .887 at 27–37. trafilatura 2.2 itself: .920 (fast), .925.
 * Guarded by bench/html.ts.
 *
 * What a page says of itself goes into meta under the stage's name: title, language (`<html lang>`), canonicalUrl,
 * description. A page that is too large to handle is dropped, so that none can hold a worker up.
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { defineMap, drop, KEEP, type Measurement } from '../core/stage.ts';
import { findContent } from './html/content.ts';
import { readabilityRuns } from './html/readability.ts';
import { renderRuns } from './html/render.ts';
import { layOut } from './html/runs.ts';
import { type PageMetadata, parsePage } from './html/tree.ts';

const options = z.strictObject({
  engine: z
    .enum(['fast', 'readability'])
    .default('fast')
    .describe("fast: corpusmill's own; readability: Mozilla's Readability (about an eighth of the speed)"),
  minTextLength: z
    .int()
    .min(1)
    .default(25)
    .describe(
      'Pages whose text has fewer characters are dropped (trafilatura keeps any text; its fallbacks begin at 250)',
    ),
  keepTables: z.boolean().default(true).describe('Keep tables, a line for each row with bars between cells'),
  keepLinks: z.boolean().default(false).describe('Write links as [text](address)'),
  otherText: z
    .enum(['pass', 'drop'])
    .default('pass')
    .describe('What happens to documents that are no HTML (plain text, WET): pass them unchanged, or drop them'),
  maxCharacters: z
    .int()
    .min(1)
    .default(8_000_000)
    .describe("Pages with a longer source are dropped (the largest of trafilatura's 990 has 1.6 million)"),
  maxNodes: z.int().min(1).default(200_000).describe('Pages with more elements and texts than this are dropped'),
  maxDepth: z.int().min(8).max(1000).default(256).describe('Elements nested deeper count as children of this depth'),
});

export type ExtractHtmlOptions = z.output<typeof options>;

export const extractHtml = defineMap({
  kind: 'map',
  name: 'extract.html',
  summary: 'Extract the main content of HTML pages as text; title, language and address go into meta.',
  source:
    'Maximum subsequence segmentation (Pasternack & Roth 2009), text and link density (Kohlschütter et al. 2010); ' +
    "Mozilla Readability as the other engine; evaluated on trafilatura's pages (Barbaresi 2021)",
  version: 1,
  options,
  reasons: {
    no_content: 'the page has no text that looks like content',
    too_short: "the content's text is shorter than minTextLength",
    too_large: "the page's source is longer than maxCharacters",
    too_many_nodes:
      'the page has more than maxNodes elements and texts, or more than 4,096 elements inside one another',
    not_html: 'the document is no HTML (with otherText: drop)',
  },
  create(given, { name }) {
    return {
      process(document) {
        if (!isHtml(document)) return given.otherText === 'drop' ? drop('not_html') : KEEP;
        const { length } = document.text;
        if (length > given.maxCharacters) return drop('too_large', length, given.maxCharacters);
        const extracted = extractPage(document.text, given);
        if (extracted === undefined) return drop('too_many_nodes', given.maxNodes + 1, given.maxNodes);
        const { text, metadata } = extracted;
        if (text === '') return drop('no_content', 0, given.minTextLength);
        if (text.length < given.minTextLength) return drop('too_short', text.length, given.minTextLength);
        document.text = text;
        document.meta[name] = said(metadata);
        return KEEP;
      },
      explain(document): Measurement[] {
        if (!isHtml(document)) return [{ rule: 'not_html', value: 'no HTML', broken: given.otherText === 'drop' }];
        const { length } = document.text;
        const tooLarge = {
          rule: 'too_large',
          value: length,
          max: given.maxCharacters,
          broken: length > given.maxCharacters,
        };
        if (tooLarge.broken) return [tooLarge];
        const extracted = extractPage(document.text, given);
        const nodes = extracted?.nodes ?? given.maxNodes + 1;
        const manyNodes = {
          rule: 'too_many_nodes',
          value: nodes,
          max: given.maxNodes,
          broken: extracted === undefined,
        };
        if (extracted === undefined) return [tooLarge, manyNodes];
        const characters = extracted.text.length;
        const short = characters < given.minTextLength;
        const rule = characters === 0 ? 'no_content' : 'too_short';
        return [tooLarge, manyNodes, { rule, value: characters, min: given.minTextLength, broken: short }];
      },
    };
  },
});

/** Pages with more nodes, and pages deeper than `maxDepth`, are left to the fast engine. */
const MAX_READABILITY_NODES = 50_000;

export interface ExtractedPage {
  text: string;
  metadata: PageMetadata;
  nodes: number;
}

/** The main content of a page's source; undefined when the page has more than `maxNodes` nodes. Never throws. */
export function extractPage(
  html: string,
  given: Pick<ExtractHtmlOptions, 'engine' | 'keepTables' | 'keepLinks' | 'maxNodes' | 'maxDepth'>,
): ExtractedPage | undefined {
  const limits = { maxNodes: given.maxNodes, maxDepth: given.maxDepth };
  const page = parsePage(html, limits);
  if (page === undefined) return undefined;
  // Readability's cost grows with the square of depth: 100,000 nested elements hold it up for many minutes.
  const slow = page.flattened || page.nodes > MAX_READABILITY_NODES;
  const runs =
    given.engine === 'readability' && !slow
      ? readabilityRuns(html, limits, given.keepLinks)
      : findContent(layOut(page.root, given.keepLinks)).runs;
  return { text: renderRuns(runs, given.keepTables).toWellFormed(), metadata: page.metadata, nodes: page.nodes };
}

/** What the page says, without what it does not. */
function said(metadata: PageMetadata): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) if (value !== undefined) result[key] = value.toWellFormed();
  return result;
}

const HTML_TYPE = /^(?:text\/html|application\/xhtml\+xml)$/;
/** A page or a piece of one: what it begins with, comments and an XML declaration aside. */
const HTML_START =
  /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|div|p|article|section|main|table|h[1-6]|center|font|ul|ol)\b/i;

/** By the reader's `contentType` (WARC) where there is one, else by the first bytes. */
function isHtml({ text, meta }: Document): boolean {
  const type = meta['contentType'];
  if (type === 'text/plain') return false;
  if (typeof type === 'string' && HTML_TYPE.test(type)) return true;
  return HTML_START.test(text.slice(0, 4096));
}
