/** From the verdicts on all documents to counts, examples, and a list of what is not unchanged. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Document } from '../../core/document.ts';
import { mix32 } from '../../core/random.ts';
import { type BarrierContext, type BarrierResult, NOBODY } from '../../core/stage.ts';
import { commonStart } from '../../text/common-start.ts';
import {
  CHANGES,
  type Change,
  type ChangeExample,
  type ComparisonDetails,
  type ExampleDocument,
  type Sides,
} from './comparison.ts';
import { KINDS, type Matching, matchCorpora } from './matching.ts';
import { ownId } from './observer.ts';
import type { CompareOptions } from './options.ts';

/** UTF-16 units of a text in an example, and how much of them goes before the first difference. */
const EXCERPT_CHARS = 1000;
const CONTEXT_CHARS = 80;
/** Documents read at once for the list. */
const LIST_STEP = 2000;

export async function decideComparison(options: CompareOptions, context: BarrierContext): Promise<BarrierResult> {
  const matching = await matchCorpora(options, context);
  context.progress(0.8, 'counting');
  const { total, changes } = await countChanges(matching, context);
  const examples = await readExamples(matching, options.examples, context);
  if (options.list) await writeList(matching, context);
  context.progress(1);
  const { normalize, threshold, near } = options;
  const details: ComparisonDetails = {
    kind: 'comparison',
    total,
    changes,
    examples,
    settings: { normalize, near: near ? (threshold ?? 'containment') : 'not looked for' },
  };
  return { details, ...(options.list && { artifacts: { changes: LIST } }) };
}

const LIST = 'changes.jsonl';

function changeOf({ border, kinds }: Matching, ordinal: number): Change {
  const kind = KINDS[kinds[ordinal]];
  return kind !== 'alone' ? kind : ordinal < border ? 'removed' : 'new';
}

async function countChanges(
  matching: Matching,
  { parts }: BarrierContext,
): Promise<Pick<ComparisonDetails, 'total' | 'changes'>> {
  const none = (): Sides => ({ a: { documents: 0, bytes: 0 }, b: { documents: 0, bytes: 0 } });
  const total = none();
  const changes = Object.fromEntries(CHANGES.map((change) => [change, none()])) as Record<Change, Sides>;
  for (const { firstOrdinal, rows, alive, ...part } of parts) {
    const info = await part.rowInfo();
    for (let row = 0; row < rows; row++) {
      if (alive !== undefined && alive[row] === 0) continue;
      const ordinal = firstOrdinal + row;
      const side = ordinal < matching.border ? 'a' : 'b';
      for (const volume of [total[side], changes[changeOf(matching, ordinal)][side]]) {
        volume.documents++;
        volume.bytes += info[2 * row];
      }
    }
  }
  return { total, changes };
}

/** Whether an entry of the list or an example is told from this document: a pair once, from its first. */
function tells({ border, kinds, partners }: Matching, ordinal: number): boolean {
  const kind = KINDS[kinds[ordinal]];
  if (kind === 'unchanged') return false;
  return kind === 'alone' || kind === 'near' || ordinal < border || partners[ordinal] === NOBODY;
}

/** Examples of each change, chosen by a hash of seed and place, in the order of the input. */
async function readExamples(
  matching: Matching,
  most: number,
  context: BarrierContext,
): Promise<ComparisonDetails['examples']> {
  const chosen = new Map<Change, { hash: number; ordinal: number }[]>();
  const alive = aliveRows(context);
  for (let ordinal = 0; ordinal < context.rows && most > 0; ordinal++) {
    if (!tells(matching, ordinal) || !alive(ordinal)) continue;
    const change = changeOf(matching, ordinal);
    const some = chosen.get(change) ?? [];
    chosen.set(change, some);
    some.push({ hash: mix32(ordinal ^ context.seed), ordinal });
    if (some.length >= 2 * most + 100) keepFirst(some, most);
  }
  const examples: ComparisonDetails['examples'] = {};
  for (const change of CHANGES) {
    const some = chosen.get(change);
    if (some === undefined) continue;
    keepFirst(some, most);
    const ordinals = some.map(({ ordinal }) => ordinal).sort((a, b) => a - b);
    const documents = await readWithPartners(matching, ordinals, context);
    examples[change] = ordinals.map((ordinal) => exampleOf(matching, ordinal, documents));
  }
  return examples;
}

function keepFirst(some: { hash: number; ordinal: number }[], most: number): void {
  some.sort((a, b) => a.hash - b.hash || a.ordinal - b.ordinal);
  some.length = Math.min(some.length, most);
}

/** Documents by ordinal, their partners included. */
async function readWithPartners(
  { partners }: Matching,
  ordinals: readonly number[],
  context: BarrierContext,
): Promise<Map<number, Document>> {
  const others = ordinals.map((ordinal) => partners[ordinal]).filter((partner) => partner !== NOBODY);
  const wanted = [...new Set([...ordinals, ...others])].sort((a, b) => a - b);
  const documents = await context.readDocuments(wanted);
  return new Map(wanted.map((ordinal, i) => [ordinal, documents[i]]));
}

function exampleOf(
  { border, partners }: Matching,
  ordinal: number,
  documents: ReadonlyMap<number, Document>,
): ChangeExample {
  const own = documents.get(ordinal)!;
  const other = documents.get(partners[ordinal]);
  const [a, b] = ordinal < border ? [own, other] : [other, own];
  // Excerpts begin a little before the first difference.
  const same = a === undefined || b === undefined ? 0 : commonStart(a.text, b.text);
  const skipped = Math.max(0, same - CONTEXT_CHARS);
  return { ...(a && { a: shown(a, skipped) }), ...(b && { b: shown(b, skipped) }), skipped };
}

function shown({ id, text, meta }: Document, skipped: number): ExampleDocument {
  return {
    id: ownId({ id, text, meta }) ?? id,
    bytes: Buffer.byteLength(text),
    // The cuts may halve surrogate pairs.
    excerpt: text.slice(skipped, skipped + EXCERPT_CHARS).toWellFormed(),
  };
}

/** One line for each document that is not unchanged, a pair on one line, in the order of the input. */
async function writeList(matching: Matching, context: BarrierContext): Promise<void> {
  const stream = createWriteStream(join(context.outputDir, LIST));
  const alive = aliveRows(context);
  let ordinals: number[] = [];
  const flush = async (): Promise<void> => {
    const documents = await readWithPartners(matching, ordinals, context);
    const lines = ordinals.map((ordinal) => {
      const { a, b } = exampleOf(matching, ordinal, documents);
      const change = changeOf(matching, ordinal);
      // Near-copies are told by the document that has no partner of its own.
      const side = change === 'near' ? { side: ordinal < matching.border ? 'a' : 'b' } : {};
      return JSON.stringify({ change, ...(a && { a: a.id }), ...(b && { b: b.id }), ...side });
    });
    ordinals = [];
    if (lines.length > 0 && !stream.write(`${lines.join('\n')}\n`)) await once(stream, 'drain');
  };
  for (let ordinal = 0; ordinal < context.rows; ordinal++) {
    if (tells(matching, ordinal) && alive(ordinal)) ordinals.push(ordinal);
    if (ordinals.length === LIST_STEP) {
      context.signal.throwIfAborted();
      context.progress(0.8 + (0.2 * ordinal) / context.rows, 'listing changes');
      await flush();
    }
  }
  await flush();
  stream.end();
  await finished(stream);
}

function aliveRows({ parts }: BarrierContext): (ordinal: number) => boolean {
  const ascending = [...parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  if (ascending.every(({ alive }) => alive === undefined)) return () => true;
  let at = 0;
  return (ordinal) => {
    if (ordinal < ascending[at].firstOrdinal) at = 0;
    while (ordinal >= ascending[at].firstOrdinal + ascending[at].rows) at++;
    const { alive, firstOrdinal } = ascending[at];
    return alive === undefined || alive[ordinal - firstOrdinal] === 1;
  };
}
