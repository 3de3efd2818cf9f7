/**
 * What says how good a response is: a reward model, or a program for tasks whose answer can be checked. A program is registered under
 * a name, so that a configuration can ask for it; those here are for tasks that small models learn.
 */
import { CorpusmillError } from '../core/errors.ts';

/** A prompt as the data have it. */
export interface RewardPrompt {
  readonly text: string;
  /** Other members of its record, such as `answer`. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A response to be scored. */
export interface RewardedResponse {
  readonly prompt: RewardPrompt;
  /** Without the token that ended it. */
  readonly text: string;
  /** Prompt and response, the token that ended it included. */
  readonly ids: Int32Array;
  readonly promptLength: number;
  /** By itself, not for want of room. */
  readonly ended: boolean;
}

export interface Reward {
  readonly name: string;
  /** A finite number for each response, more for better. */
  score(responses: readonly RewardedResponse[]): Promise<Float64Array>;
}

/** A score by program, of one response. */
export type RewardProgram = (response: RewardedResponse) => number;

/** Makes a program out of the options that a configuration gives. Throws CONFIG_INVALID for one that it does not understand. */
export type RewardProgramFactory = (options: Readonly<Record<string, unknown>>) => RewardProgram;

const programs = new Map<string, RewardProgramFactory>();

/** Makes a program known by name. Throws USAGE for a name that is taken. */
export function registerReward(name: string, factory: RewardProgramFactory): void {
  if (programs.has(name)) throw new CorpusmillError('USAGE', `rewards: ${name} is registered already`);
  programs.set(name, factory);
}

/** Names of programs, in order. */
export function rewardNames(): string[] {
  return [...programs.keys()].sort();
}

/** A registered program as a reward. Throws CONFIG_INVALID for a name that nothing is registered under. */
export function programReward(name: string, options: Readonly<Record<string, unknown>> = {}): Reward {
  const factory = programs.get(name);
  if (factory === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `reward: there is no program ${JSON.stringify(name)}`, {
      hint: `There are ${rewardNames().join(', ')}; registerReward adds another.`,
    });
  }
  return rewardOf(name, factory(options));
}

/** A reward of a function. Its scores must be finite: throws CHECK_FAILED naming the response otherwise. */
export function rewardOf(name: string, program: RewardProgram): Reward {
  return {
    name,
    async score(responses) {
      return checkScores(
        name,
        responses,
        Float64Array.from(responses, (response) => program(response)),
      );
    },
  };
}

/** The scores, if every one is a finite number. Throws CHECK_FAILED. */
export function checkScores(
  name: string,
  responses: readonly Pick<RewardedResponse, 'prompt' | 'text'>[],
  scores: Float64Array,
): Float64Array {
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad < 0) return scores;
  const { prompt, text } = responses[bad];
  const what = `${JSON.stringify(text.slice(0, 80))} to ${JSON.stringify(prompt.text.slice(0, 80))}`;
  throw new CorpusmillError('CHECK_FAILED', `reward ${name}: the score of ${what} is ${scores[bad]}`, {
    hint: 'A reward must be a finite number for every text, an empty one included.',
  });
}

/** The share of places at which two strings agree, of the longer one's. */
function agreement(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  if (length === 0) return 1;
  let same = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] === b[i]) same++;
  return same / length;
}

function answerOf({ prompt }: RewardedResponse): string {
  const { answer } = prompt.data;
  if (typeof answer === 'string') return answer;
  throw new CorpusmillError('CONFIG_INVALID', `reward: the prompt ${JSON.stringify(prompt.text)} has no answer`, {
    hint: 'The program compares with the member `answer` of each prompt, a string.',
  });
}

const digitsOf = (text: string): string[] => Array.from(text).filter((c) => c >= '0' && c <= '9');

// 1 for the answer itself, spaces around it aside, else 0.
registerReward('exact-match', () => (response) => Number(response.text.trim() === answerOf(response).trim()));

// The share of the answer's characters that are in their places.
registerReward('agreement', () => (response) => agreement(response.text.trim(), answerOf(response).trim()));

// The share of places at which the response has the prompt's digits in ascending order, and nothing else.
registerReward(
  'digits-sorted',
  () =>
    ({ prompt, text }) =>
      agreement(text, digitsOf(prompt.text).sort().join('')),
);

// A proxy with a flaw, to see a policy exploit it: Σ place · digit, over the most it could be. Of the same digits no order has more
// than the ascending one (the rearrangement inequality), but other digits do: all nines have the most.
registerReward('digits-late', () => ({ text }) => {
  const places = Array.from(text, (_, i) => i + 1);
  const most = 9 * places.reduce((sum, place) => sum + place, 0);
  const sum = places.reduce((total, place) => total + place * (Number(text[place - 1]) || 0), 0);
  return most === 0 ? 0 : sum / most;
});

// 1 where the response matches the regular expression `pattern` (flags `u`), else 0: a fixed style.
registerReward('style', ({ pattern }) => {
  if (typeof pattern !== 'string') {
    throw new CorpusmillError('CONFIG_INVALID', 'reward style: `pattern` must be a regular expression');
  }
  const expression = new RegExp(pattern, 'u');
  return ({ text }) => Number(expression.test(text));
});

// −|characters − target| / target: nearest to a length.
registerReward('length', ({ target }) => {
  if (typeof target !== 'number' || !(target > 0)) {
    throw new CorpusmillError('CONFIG_INVALID', 'reward length: `target` must be a number of characters above 0');
  }
  return ({ text }) => -Math.abs(Array.from(text).length - target) / target;
});
