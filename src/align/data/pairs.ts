/**
 * Preference pairs as tokens in memory: of each side the ids of prompt and completion and which of them are the completion's.
 * Both sides begin with the same prompt. Pairs that cannot be used are left out and counted (preference-records.ts).
 *
 * For a loss that looks at each side by itself (kto-pair), answers with a label (labelled-answers.ts) make pairs as well: a good one and a
 * bad one, each with a prompt of its own, in the order of the files.
 */
import type { Message } from '../../io/conversation.ts';
import type { ChatFormat } from './chat-format.ts';
import { cutToLength, type ExampleOptions, tryEncode } from './examples.ts';
import { labelOf, readLabelled } from './labelled-answers.ts';
import { readPreference } from './preference-records.ts';
import { readRecords, type Unusable } from './records.ts';
import { createSkipCounter, refuseEmpty, type SkipReport } from './skips.ts';

/** Prompt and completion. */
export interface Side {
  readonly ids: Int32Array;
  /** Not shifted: the id of a token of the completion, else −100. */
  readonly labels: Int32Array;
  /** Tokens of the completion. */
  readonly tokens: number;
  /** What the assistant says in it, for figures about lengths and words. */
  readonly text: string;
}

export interface TokenPair {
  readonly chosen: Side;
  readonly rejected: Side;
  readonly margin: number | undefined;
}

export interface Pairs {
  readonly pairs: readonly TokenPair[];
  /** Tokens of both sides. */
  readonly tokens: number;
  readonly report: SkipReport;
}

export interface PairOptions extends Pick<ExampleOptions, 'maxTokens' | 'tooLong' | 'system'> {
  /** A side ends with its last trained token, where a reward is read; else with all that the template puts behind it. */
  readonly endAtLabel: boolean;
  /** Takes answers with labels too. Default: they are left out. */
  readonly labelled?: boolean;
}

/** Reads and encodes files of pairs. Throws what reading throws, and INPUT_CORRUPT where no record can be used. */
export async function readPairs(
  paths: readonly string[],
  format: Pick<ChatFormat, 'encodeCompletion'>,
  options: PairOptions,
): Promise<Pairs> {
  const skips = createSkipCounter();
  const pairs: TokenPair[] = [];
  const unusable = (where: string, why: Unusable): void => {
    skips.read();
    skips.skip(where, why);
  };
  const judged: Record<'good' | 'bad', { side: Side; where: string }[]> = { good: [], bad: [] };
  const encode = (turns: Turns): Side | Unusable => encodeSide(turns, format, options, () => skips.truncate());
  for await (const { record, where } of readRecords(paths, 'comparisons', unusable)) {
    skips.read();
    if (labelOf(record) === undefined) {
      const pair = encodePair(record, encode, options);
      if ('reason' in pair) skips.skip(where, pair);
      else pairs.push(pair);
    } else {
      const found = options.labelled === true ? encodeLabelled(record, encode) : ONE_ANSWER;
      if ('reason' in found) skips.skip(where, found);
      else judged[found.isGood ? 'good' : 'bad'].push({ side: found.side, where });
    }
  }
  const { good, bad } = judged;
  const matched = Math.min(good.length, bad.length);
  for (let i = 0; i < matched; i++) pairs.push({ chosen: good[i].side, rejected: bad[i].side, margin: undefined });
  for (const { where } of [...good.slice(matched), ...bad.slice(matched)]) {
    skips.skip(where, { reason: 'no counterpart', detail: `${good.length} answers are good, ${bad.length} bad` });
  }
  const report = skips.report();
  refuseEmpty(report, paths.join(', '));
  const tokens = pairs.reduce((sum, { chosen, rejected }) => sum + chosen.ids.length + rejected.ids.length, 0);
  return { pairs, tokens, report };
}

const ONE_ANSWER: Unusable = {
  reason: 'not a pair',
  detail: 'one answer with a label: those are for `loss.kind: kto-pair`',
};

/** What is said before, and the turns that are judged. */
interface Turns {
  readonly prompt: readonly Message[];
  readonly completion: readonly Message[];
  readonly tools?: unknown[] | undefined;
}

function encodeLabelled(
  record: Record<string, unknown>,
  encode: (turns: Turns) => Side | Unusable,
): { side: Side; isGood: boolean } | Unusable {
  const labelled = readLabelled(record);
  if ('reason' in labelled) return labelled;
  const { prompt, answer, tools, isGood } = labelled;
  const side = encode({ prompt, completion: [answer], tools });
  return 'reason' in side ? side : { side, isGood };
}

function encodePair(
  record: Record<string, unknown>,
  encode: (turns: Turns) => Side | Unusable,
  { maxTokens }: Pick<PairOptions, 'maxTokens'>,
): TokenPair | Unusable {
  const pair = readPreference(record);
  if ('reason' in pair) return pair;
  const { prompt, tools, margin } = pair;
  const [chosen, rejected] = [pair.chosen, pair.rejected].map((completion) => encode({ prompt, completion, tools }));
  if ('reason' in chosen) return chosen;
  if ('reason' in rejected) return rejected;
  const same = chosen.ids.length === rejected.ids.length && chosen.ids.every((id, i) => id === rejected.ids[i]);
  if (same) return { reason: 'chosen equals rejected', detail: `the first ${maxTokens} tokens are the same` };
  return { chosen, rejected, margin };
}

function encodeSide(
  { prompt, completion, tools }: Turns,
  format: Pick<ChatFormat, 'encodeCompletion'>,
  options: PairOptions,
  onTruncated: () => void,
): Side | Unusable {
  const opening: Message[] =
    options.system !== undefined && prompt[0].role !== 'system' ? [{ role: 'system', content: options.system }] : [];
  // What the assistant has said before is read and not compared.
  const before = prompt.map((turn): Message => (turn.role === 'assistant' ? { ...turn, weight: 0 } : turn));
  const compared = completion.map(({ weight: _, ...turn }): Message => turn);
  const messages = [...opening, ...before, ...compared];
  const encoded = tryEncode(() => format.encodeCompletion({ messages, ...(tools !== undefined && { tools }) }));
  if ('reason' in encoded) return encoded;
  const end = options.endAtLabel ? encoded.labels.findLastIndex((label) => label >= 0) + 1 : encoded.ids.length;
  const whole = { ids: encoded.ids.subarray(0, end), labels: encoded.labels.subarray(0, end) };
  const cut = cutToLength(whole, options);
  if ('reason' in cut) return cut;
  if (cut.ids.length < whole.ids.length) onTruncated();
  const said = completion.filter(({ role }) => role === 'assistant').map(({ content }) => content);
  return {
    ids: Int32Array.from(cut.ids),
    labels: Int32Array.from(cut.labels),
    tokens: cut.labels.reduce((sum, label) => sum + Number(label >= 0), 0),
    text: said.join('\n'),
  };
}
