/**
 * A page's source to a small tree: elements with the few attributes that extraction asks for, and text. htmlparser2
 * tokenizes (400 pages a second with entities decoded); what is never text — scripts, styles, form controls, embedded
 * media, hidden elements — is left out while parsing, so that nothing later sees it.
 *
 * Limits make the cost of a hostile page known: past `maxNodes` parsing stops, and elements deeper than `maxDepth` become
 * children of the element at that depth.
 */
import { lazyPackage } from '../../core/lazy.ts';

const htmlparser2 = lazyPackage<typeof import('htmlparser2')>('htmlparser2');

export interface Element {
  /** Lower case. */
  tag: string;
  /** class, id, role, itemprop and data-testid, in lower case, joined by spaces. */
  names: string;
  href: string | undefined;
  children: (Element | string)[];
}

/** What the head says of the page. */
export interface PageMetadata {
  title: string | undefined;
  language: string | undefined;
  canonicalUrl: string | undefined;
  description: string | undefined;
}

export interface Page {
  root: Element;
  metadata: PageMetadata;
  /** Elements and texts made. */
  nodes: number;
  /** Elements were nested deeper than `maxDepth`. */
  flattened: boolean;
}

export interface TreeLimits {
  maxNodes: number;
  maxDepth: number;
}

/** Elements whose content is no text of the page. */
const SKIPPED = new Set(
  (
    'script style noscript template svg math iframe object embed applet audio video canvas map select option button input ' +
    'textarea datalist dialog frameset noframes link meta base rt rp'
  ).split(' '),
);

/** The tokenizer's cost of a tag grows with the number of elements open around it. */
const MAX_OPEN = 4096;

/** Parses a page; undefined when it has more than `maxNodes` nodes, or 4,096 elements open at once. Never throws. */
export function parsePage(html: string, limits: TreeLimits): Page | undefined {
  const root: Element = { tag: 'body', names: '', href: undefined, children: [] };
  const open: Element[] = [root];
  const metadata: PageMetadata = {
    title: undefined,
    language: undefined,
    canonicalUrl: undefined,
    description: undefined,
  };
  let ogTitle: string | undefined;
  let ogDescription: string | undefined;
  let nodes = 0;
  /** Depth of open elements within one that is left out, or 0. */
  let skipping = 0;
  let inTitle = false;
  let title = '';
  /** Elements beyond maxDepth that are open and stand for nothing. */
  let tooDeep = 0;
  let flattened = false;
  let depth = 0;
  const { Parser } = htmlparser2();
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        if (++depth > MAX_OPEN) {
          nodes = limits.maxNodes + 1;
          parser.pause();
          return;
        }
        if (tag === 'meta') {
          const key = (attributes['property'] ?? attributes['name'] ?? '').toLowerCase();
          const content = attributes['content']?.trim();
          if (!content) return;
          if (key === 'og:title') ogTitle ??= content;
          else if (key === 'description') metadata.description ??= content;
          else if (key === 'og:description') ogDescription ??= content;
          return;
        }
        if (tag === 'link') {
          if (/\bcanonical\b/i.test(attributes['rel'] ?? '')) metadata.canonicalUrl ??= attributes['href']?.trim();
          return;
        }
        if (tag === 'title' && skipping === 0) {
          inTitle = title === '';
          skipping++;
          return;
        }
        if (skipping > 0) {
          skipping++;
          return;
        }
        if (tag === 'html') metadata.language ??= (attributes['lang'] ?? attributes['xml:lang'])?.trim() || undefined;
        if (SKIPPED.has(tag) || isHidden(tag, attributes)) {
          skipping = 1;
          return;
        }
        if (tag === 'html' || tag === 'head') return;
        if (++nodes > limits.maxNodes) {
          parser.pause();
          return;
        }
        if (open.length > limits.maxDepth) {
          tooDeep++;
          flattened = true;
          return;
        }
        const names = namesOf(attributes);
        if (tag === 'body') {
          root.names = names;
          return;
        }
        const element: Element = { tag, names, href: tag === 'a' ? attributes['href'] : undefined, children: [] };
        open[open.length - 1].children.push(element);
        open.push(element);
      },
      ontext(text) {
        if (inTitle) title += text;
        if (skipping > 0 || ++nodes > limits.maxNodes) return;
        const { children } = open[open.length - 1];
        const last = children.length - 1;
        // The tokenizer gives a text in pieces, one for each entity.
        if (last >= 0 && typeof children[last] === 'string') children[last] += text;
        else children.push(text);
      },
      onclosetag(tag) {
        depth--;
        if (tag === 'meta' || tag === 'link') return;
        if (skipping > 0) {
          skipping--;
          if (skipping === 0) inTitle = false;
          return;
        }
        if (tag === 'html' || tag === 'head' || tag === 'body') return;
        if (tooDeep > 0) tooDeep--;
        else if (open.length > 1) open.pop();
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true, recognizeSelfClosing: false },
  );
  parser.end(html);
  if (nodes > limits.maxNodes) return undefined;
  metadata.title = collapse(title) || (ogTitle && collapse(ogTitle)) || undefined;
  metadata.description = collapse(metadata.description ?? ogDescription ?? '') || undefined;
  metadata.canonicalUrl ||= undefined;
  return { root, metadata, nodes, flattened };
}

function collapse(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function namesOf(attributes: Record<string, string>): string {
  let names = '';
  for (const key of NAME_ATTRIBUTES) {
    const value = attributes[key];
    if (value !== undefined && value !== '') names += names === '' ? value : ` ${value}`;
  }
  return names.toLowerCase();
}

const NAME_ATTRIBUTES = ['class', 'id', 'role', 'itemprop', 'data-testid', 'data-component'] as const;

const HIDING_STYLE = /display\s*:\s*none|visibility\s*:\s*hidden/i;

function isHidden(tag: string, attributes: Record<string, string>): boolean {
  if (tag === 'body' || tag === 'html') return false;
  if (attributes['hidden'] !== undefined && attributes['hidden'] !== 'false') return true;
  const style = attributes['style'];
  return style !== undefined && HIDING_STYLE.test(style);
}
