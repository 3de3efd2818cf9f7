/**
 * A few members of the largest clusters as a report shows them, with an excerpt each. Where all members begin alike for
 * longer than an excerpt, the excerpts begin shortly before the place where they part, so that a reader sees the
 * difference and not five times the same first page.
 *
 * Documents are read once, in ascending order, a part at a time; of each only the start is held, shorter the more there
 * are, so that ten thousand clusters take at most about 130 MB.
 */
import type { Document } from '../core/document.ts';
import type { DuplicateCluster } from '../core/run-summary.ts';
import type { BarrierContext, FeaturePart } from '../core/stage.ts';
import { commonStart } from '../text/common-start.ts';

export const MEMBERS_SHOWN = 5;
/** UTF-16 units held of all members in all, and of one. */
const HELD_CHARS = 64 << 20;
const MAX_HELD_CHARS = 20_000;
/** UTF-16 units of all excerpts in all, and of one. */
const EXCERPT_CHARS = 6_000_000;
const MAX_EXCERPT_CHARS = 1_000;
const MIN_EXCERPT_CHARS = 200;
/** Of what all members begin with, so much stays in sight before the first difference. */
const CONTEXT_CHARS = 120;

/** The kept document and the first others of each cluster, by the kept one's ordinal. */
export function chooseMembers(kept: readonly number[], keptAs: Uint32Array): Map<number, number[]> {
  const members = new Map<number, number[]>(kept.map((ordinal) => [ordinal, [ordinal]]));
  for (let i = 0; i < keptAs.length && kept.length > 0; i++) {
    if (keptAs[i] === i) continue;
    const known = members.get(keptAs[i]);
    if (known !== undefined && known.length < MEMBERS_SHOWN) known.push(i);
  }
  return members;
}

export interface MemberFacts {
  size(kept: number): number;
  source(ordinal: number): string;
  fingerprint(ordinal: number): string | undefined;
}

/** Reads the members that `chooseMembers` gave; clusters in its order. */
export async function readMembers(
  chosen: ReadonlyMap<number, readonly number[]>,
  facts: MemberFacts,
  context: BarrierContext,
): Promise<DuplicateCluster[]> {
  const ordinals = [...chosen.values()].flat().sort((a, b) => a - b);
  const held = await readStarts(ordinals, context);
  const excerptChars = clamp(EXCERPT_CHARS / ordinals.length, MIN_EXCERPT_CHARS, MAX_EXCERPT_CHARS);
  return [...chosen].map(([kept, members]) => {
    const skipped = skippable(
      members.map((member) => held.get(member)!.start),
      excerptChars,
    );
    return {
      size: facts.size(kept),
      skipped,
      members: members.map((member) => {
        const { id, start, bytes } = held.get(member)!;
        const fingerprint = facts.fingerprint(member);
        return {
          id,
          source: facts.source(member),
          kept: member === kept,
          bytes,
          // The cut may halve a surrogate pair.
          excerpt: start.slice(skipped, skipped + excerptChars).toWellFormed(),
          ...(fingerprint !== undefined && { fingerprint }),
        };
      }),
    };
  });
}

interface HeldMember {
  id: string;
  start: string;
  bytes: number;
}

async function readStarts(ordinals: readonly number[], context: BarrierContext): Promise<Map<number, HeldMember>> {
  const chars = clamp(HELD_CHARS / ordinals.length, 1, MAX_HELD_CHARS);
  const held = new Map<number, HeldMember>();
  let next = 0;
  for (const part of ascending(context.parts)) {
    const wanted: number[] = [];
    while (next < ordinals.length && ordinals[next] < part.firstOrdinal + part.rows) wanted.push(ordinals[next++]);
    if (wanted.length === 0) continue;
    context.signal.throwIfAborted();
    const documents = await context.readDocuments(wanted);
    for (let i = 0; i < wanted.length; i++) held.set(wanted[i], startOf(documents[i], chars));
  }
  return held;
}

function ascending(parts: readonly FeaturePart[]): FeaturePart[] {
  return [...parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
}

function startOf({ id, text }: Document, chars: number): HeldMember {
  // Through a buffer: a slice would keep the whole text alive.
  const start = Buffer.from(text.slice(0, chars), 'utf16le').toString('utf16le');
  return { id, start, bytes: Buffer.byteLength(text) };
}

/** How much of what all texts begin with need not be shown. */
function skippable(texts: readonly string[], excerptChars: number): number {
  const [first, ...others] = texts;
  const common = Math.min(...others.map((other) => commonStart(first, other)));
  const isSame = others.every((other) => other === first);
  if (isSame || common + CONTEXT_CHARS <= excerptChars) return 0;
  const skipped = common - CONTEXT_CHARS;
  return isLowSurrogate(first.charCodeAt(skipped)) ? skipped - 1 : skipped;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(Math.max(value, least), most));
}
