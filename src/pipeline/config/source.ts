/**
 * The YAML text of a pipeline and where everything in it is.
 *
 * `yaml` keeps for every node its offsets in the text; a path into the data (`stages.2.minWords`) is walked down the
 * nodes, through aliases and merge keys (`<<: *defaults`), to the nearest node that exists. So every later check works
 * on plain data and still names line and column.
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { ConfigPath, ConfigPlace, IssueCollector } from './issues.ts';
import { quote } from './issues.ts';

export interface ConfigSource {
  document: Document.Parsed;
  /** Place of the value at `path`, or of its key; the nearest enclosing value when there is nothing at `path`. */
  locate(path: ConfigPath, what?: 'value' | 'key'): ConfigPlace;
  /** True where a key stands without a value (`minWords:`), as against a written `null`. */
  isEmpty(path: ConfigPath): boolean;
  /** Place of a node of `document`. */
  placeOf(node: Node): ConfigPlace;
}

/** YAML aliases may multiply a file by this much at most ("billion laughs"). */
export const MAX_ALIASES = 100;

/**
 * Parses the text of a pipeline file. Syntax errors and duplicate keys go to `issues`; undefined when the text is so
 * broken that looking further would only list consequences.
 *
 * @param file the file as it is to be shown in mistakes
 */
export function parseSource(text: string, file: string, issues: IssueCollector): ConfigSource | undefined {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true, version: '1.2' });
  const placeAt = (offset: number): ConfigPlace => {
    const { line, col } = lineCounter.linePos(offset);
    return { text: file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = reportSyntax(document, text, placeAt, issues);
  if (broken) return undefined;
  const placeOf = (node: Node): ConfigPlace => placeAt(node.range?.[0] ?? 0);
  return {
    document,
    placeOf,
    isEmpty(path) {
      let node: Node | null = document.contents;
      for (const step of path) node = child(document, node, step)?.value ?? null;
      return node !== null && isEmptyValue(node);
    },
    locate(path, what = 'value') {
      let node: Node | null = document.contents;
      let key: Node | undefined;
      for (const [depth, step] of path.entries()) {
        const member = child(document, node, step);
        if (member === undefined) break;
        if (depth === path.length - 1) key = member.key;
        // An empty value (`limit:`) has a node of its own, but no text to point at: its key says more.
        if (member.value === null || isEmptyValue(member.value)) {
          return placeOf(member.key ?? node ?? document.contents!);
        }
        node = member.value;
      }
      const target = (what === 'key' ? key : undefined) ?? node;
      return target === null ? { text: file, line: 1, column: 1 } : placeOf(target);
    },
  };
}

/** True when the text is not YAML at all. Later errors on a line follow from its first and are not listed. */
function reportSyntax(
  document: Document.Parsed,
  text: string,
  placeAt: (offset: number) => ConfigPlace,
  issues: IssueCollector,
): boolean {
  let broken = false;
  const linesSeen = new Set<number | undefined>();
  for (const error of [...document.errors, ...document.warnings]) {
    const place = placeAt(openedAt(document, error) ?? error.pos[0]);
    if (error.name === 'YAMLParseError' && error.code !== 'DUPLICATE_KEY') {
      broken = true;
      if (linesSeen.has(place.line)) continue;
      linesSeen.add(place.line);
    }
    issues.add(place, [], syntaxMistake(error, text));
  }
  visit(document, {
    Alias(_, alias) {
      if (broken || alias.resolve(document) !== undefined) return;
      const found = `the alias ${quote(`*${alias.source}`)}, which nothing defines`;
      issues.add(placeAt(alias.range?.[0] ?? 0), [], { found, expected: 'quotes around a value that begins with *' });
      broken = true;
    },
  });
  return broken;
}

/** A quote or bracket that is never closed is noticed at the end; it is wanted where it was opened. */
function openedAt(document: Document.Parsed, error: YAMLError): number | undefined {
  if (!/Missing closing|end with a/.test(error.message)) return undefined;
  let opened: number | undefined;
  visit(document, {
    Node(_, node) {
      const opens = (isScalar(node) && node.type?.startsWith('QUOTE')) || (isCollection(node) && node.flow);
      if (opens && node.range?.[1] === error.pos[0]) opened = node.range[0];
    },
  });
  return opened;
}

function syntaxMistake(error: YAMLError, text: string): { found: string; expected: string } {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return { found: `the key ${quote(key)} a second time in one mapping`, expected: 'each key once' };
    }
    case 'MULTIPLE_DOCS':
      return { found: "a second document after '---'", expected: 'one pipeline in a file' };
    default: {
      const message = error.message.replaceAll(/\s+/g, ' ').replace(/[.:]$/, '');
      return { found: `text that is not YAML (${message})`, expected: 'valid YAML 1.2' };
    }
  }
}

function isEmptyValue(node: Node): boolean {
  return isScalar(node) && node.value === null && node.source === '';
}

function child(
  document: Document,
  node: Node | null,
  step: string | number,
): { key: Node | undefined; value: Node | null } | undefined {
  const parent = resolve(document, node);
  if (isSeq(parent)) {
    const item = parent.items[Number(step)];
    return item === undefined ? undefined : { key: undefined, value: item as Node };
  }
  if (!isMap(parent)) return undefined;
  const pair = pairOf(parent, String(step));
  if (pair !== undefined) return { key: pair.key as Node, value: pair.value as Node | null };
  for (const merged of mergedMaps(document, parent)) {
    const inherited = child(document, merged, step);
    if (inherited !== undefined) return inherited;
  }
  return undefined;
}

function resolve(document: Document, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key) === key);
}

function mergedMaps(document: Document, map: YAMLMap): Node[] {
  const merge = pairOf(map, '<<') ?? map.items.find((pair) => isScalar(pair.key) && pair.key.source === '<<');
  const merged = resolve(document, (merge?.value as Node | undefined) ?? null);
  if (merged === null) return [];
  return isSeq(merged) ? (merged.items as Node[]) : [merged];
}
