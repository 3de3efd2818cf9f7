/**
 * Beside datatrove: its verdicts on 4,191 real documents and 316 hand-made ones (see shared/goldens). Words are UAX #29 segments
 * on both sides.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { c4 } from '../../src/filters/c4.ts';
import { fineweb } from '../../src/filters/fineweb.ts';
import { gopherQuality } from '../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../src/filters/gopher-repetition.ts';
import { describeWithShared, shared } from '../shared.ts';
import { stageOf } from './process.ts';

function rows<T>(path: string): T[] {
  const lines = gunzipSync(readFileSync(shared(path)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

interface Decision {
  id: string;
  spacy: Record<string, string>;
  uax29?: Record<string, string>;
}

describeWithShared('verdicts beside datatrove on 4,191 real documents', () => {
  const decisions: Decision[] = [];
  const texts = new Map<string, string>();

  beforeAll(() => {
    decisions.push(...rows<Decision>('goldens/filters/decisions.jsonl.gz'));
    for (const { id, text } of rows<{ id: string; text: string }>('data/web-mix.jsonl.gz')) texts.set(id, text);
  });

  function disagreements(judge: (text: string, wanted: Record<string, string>) => string | undefined): string[] {
    const found: string[] = [];
    for (const { id, spacy, uax29 } of decisions) {
      const difference = judge(texts.get(id) as string, uax29 ?? spacy);
      if (difference !== undefined) found.push(`${id}: ${difference}`);
    }
    return found;
  }

  it.each([
    ['gopher_quality', stageOf(gopherQuality)],
    ['gopher_repetition', stageOf(gopherRepetition)],
    ['fineweb_quality', stageOf(fineweb)],
  ] as const)('%s: the same verdict and rule on every document', (name, judge) => {
    const differing = disagreements((text, wanted) => {
      const { verdict } = judge(text);
      return verdict === wanted[name] ? undefined : `${verdict}, datatrove ${wanted[name]}`;
    });
    expect(decisions.length).toBe(4191);
    expect(differing, `${name}: ${4191 - differing.length} of 4191 agree`).toEqual([]);
  });

  it.each([
    ['c4_quality', stageOf(c4)],
    ['c4_quality_no_terminal', stageOf(c4, { requireTerminalPunctuation: false })],
  ] as const)('%s: the same verdict and resulting text on every document', (name, judge) => {
    const differing = disagreements((text, wanted) => {
      const outcome = judge(text);
      if (outcome.verdict !== wanted[name]) return `${outcome.verdict}, datatrove ${wanted[name]}`;
      if (outcome.verdict !== 'keep') return undefined;
      const sha1 = createHash('sha1').update(outcome.text).digest('hex');
      return sha1 === wanted[`${name}.sha1`] ? undefined : 'another text';
    });
    expect(differing, `${name}: ${4191 - differing.length} of 4191 agree`).toEqual([]);
  });
});

interface HandMade {
  text: string;
  kind: string;
  fineweb_quality?: { keep: boolean; reason?: string };
  gopher_quality?: { keep: boolean; reason?: string };
  gopher_repetition?: { keep: boolean; reason?: string };
  c4?: { keep: boolean; reason?: string };
  c4_text?: string;
  c4_no_term_punct?: { keep: boolean; reason?: string };
  c4_no_term_punct_text?: string;
}

describeWithShared('verdicts beside datatrove on 316 hand-made documents, edge cases among them', () => {
  const words = { gopher_quality: stageOf(gopherQuality), gopher_repetition: stageOf(gopherRepetition) };
  const lines = {
    fineweb_quality: stageOf(fineweb),
    c4: stageOf(c4),
    c4_no_term_punct: stageOf(c4, { requireTerminalPunctuation: false }),
  };

  it('gives the same C4 and FineWeb verdict on all, and the same text', () => {
    const differing: string[] = [];
    let checked = 0;
    for (const document of rows<HandMade>('goldens/peers/datatrove_documents.jsonl.gz')) {
      if (document.text === '') continue;
      for (const [name, judge] of Object.entries(lines) as [keyof typeof lines, (typeof lines)['c4']][]) {
        const wanted = document[name];
        if (wanted === undefined) continue;
        checked++;
        const { verdict, text } = judge(document.text);
        if (verdict !== (wanted.keep ? 'keep' : wanted.reason)) {
          // FineWeb's last rule counts words, and those are spaCy's in these values.
          if (verdict === 'list_ratio' || wanted.reason === 'list_ratio') continue;
          differing.push(
            `${name} ${document.kind}: ${verdict}, datatrove ${wanted.reason}: ${document.text.slice(0, 80)}`,
          );
        } else if (wanted.keep && name !== 'fineweb_quality' && text !== document[`${name}_text`]) {
          differing.push(`${name} ${document.kind}: another text`);
        }
      }
    }
    expect(checked).toBe(945);
    expect(differing).toEqual([]);
  });

  it('gives a verdict on every one, the empty text included', () => {
    for (const document of rows<HandMade>('goldens/peers/datatrove_documents.jsonl.gz')) {
      for (const judge of [...Object.values(words), ...Object.values(lines)]) {
        expect(judge(document.text).verdict).toMatch(/^[a-z]/);
      }
    }
  });

  it('agrees on words with spaCy in nine of ten English ones, where words differ at all', () => {
    let agreed = 0;
    let checked = 0;
    for (const document of rows<HandMade>('goldens/peers/datatrove_documents.jsonl.gz')) {
      if (!document.kind.startsWith('en')) continue;
      for (const [name, judge] of Object.entries(words) as [keyof typeof words, (typeof words)['gopher_quality']][]) {
        const wanted = document[name];
        if (wanted === undefined) continue;
        checked++;
        if (judge(document.text).verdict === (wanted.keep ? 'keep' : wanted.reason)) agreed++;
      }
    }
    expect(agreed / checked, `${agreed} of ${checked}`).toBeGreaterThan(0.9);
  });
});
