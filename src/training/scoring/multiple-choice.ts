/**
 * Multiple choice by log-likelihood: a question is answered by the choice whose tokens are likeliest after the prompt.
 *
 *   acc        the largest sum of log-probabilities
 *   acc_norm   the largest sum divided by the choice's characters
 *   acc_bytes  the largest sum divided by the choice's bytes in UTF-8
 *
 * As lm-evaluation-harness 0.4.13 defines them (`api/task.py`, `multiple_choice`; `_encode_pair` in `api/model.py`): prompt and
 * choice are joined by a delimiter, a space by default; white space at the prompt's end goes to the choice, and the tokens of
 * the choice are those of the whole behind as many as the prompt has alone. An empty prompt is the token that begins a text.
 * Characters are code points, as in Python. Ties go to the first choice. Errors are standard errors of a mean.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { TextTokenizer } from '../../tokenizer/text-tokenizer.ts';
import type { SequenceScorer } from './sequence-scorer.ts';

export interface Question {
  readonly prompt: string;
  readonly choices: readonly string[];
  /** Number of the right choice, from 0. */
  readonly answer: number;
}

export interface AnsweredQuestion {
  /** Sum of log-probabilities of each choice. */
  readonly logLikelihoods: readonly number[];
  /** The choice taken by each measure. */
  readonly acc: number;
  readonly accNorm: number;
  readonly accBytes: number;
}

export interface Accuracy {
  readonly value: number;
  /** Null for fewer than two questions. */
  readonly error: number | null;
}

export interface MultipleChoice {
  readonly questions: number;
  readonly acc: Accuracy;
  readonly accNorm: Accuracy;
  readonly accBytes: Accuracy;
  readonly answers: readonly AnsweredQuestion[];
}

export interface MultipleChoiceOptions {
  /** Between prompt and choice; default a space. */
  readonly delimiter?: string;
  /** The token that begins a text: put before every prompt where the tokenizer does so. */
  readonly start?: number | undefined;
  /** Stands for an empty prompt; default `start`. */
  readonly prefix?: number | undefined;
}

/**
 * Scores all questions. A text longer than the scorer allows loses its beginning, never the choice. Throws USAGE where a
 * choice is longer than that, or where a prompt is empty and no token begins a text.
 */
export async function answerQuestions(
  scorer: SequenceScorer,
  tokenizer: TextTokenizer,
  questions: readonly Question[],
  options: MultipleChoiceOptions = {},
): Promise<MultipleChoice> {
  const pairs = questions.flatMap(({ prompt, choices }, question) =>
    choices.map((choice) => {
      const { context, continuation } = encodePair(tokenizer, prompt, choice, options, question);
      if (continuation.length >= scorer.maxLength) {
        throw new CorpusmillError(
          'USAGE',
          `question ${question + 1}: a choice has ${continuation.length} tokens, at most ${scorer.maxLength - 1} can be scored`,
        );
      }
      const ids = [...context, ...continuation];
      return { ids: ids.slice(-scorer.maxLength), counted: continuation.length };
    }),
  );
  const logProbs = await scorer.logProbs(pairs.map(({ ids }) => ids));
  const sums = pairs.map(({ counted }, i) => logProbs[i].slice(-counted).reduce((sum, value) => sum + value, 0));
  let at = 0;
  const answers = questions.map(({ choices }): AnsweredQuestion => {
    const logLikelihoods = sums.slice(at, at + choices.length);
    at += choices.length;
    return {
      logLikelihoods,
      acc: largest(logLikelihoods),
      accNorm: largest(logLikelihoods.map((sum, i) => sum / [...choices[i]].length)),
      accBytes: largest(logLikelihoods.map((sum, i) => sum / Buffer.byteLength(choices[i]))),
    };
  });
  const accuracyBy = (measure: 'acc' | 'accNorm' | 'accBytes'): Accuracy =>
    accuracyOf(answers.map((answer, i) => answer[measure] === questions[i].answer));
  return {
    questions: questions.length,
    acc: accuracyBy('acc'),
    accNorm: accuracyBy('accNorm'),
    accBytes: accuracyBy('accBytes'),
    answers,
  };
}

/** Tokens of the prompt and of the choice after it; never empty. */
export function encodePair(
  tokenizer: TextTokenizer,
  prompt: string,
  choice: string,
  { delimiter = ' ', start, prefix = start }: MultipleChoiceOptions,
  question: number,
): { context: number[]; continuation: number[] } {
  const begin = start === undefined ? [] : [start];
  const context = prompt.trimEnd();
  const text = prompt.slice(context.length) + delimiter + choice;
  if (context === '') {
    if (prefix === undefined) {
      throw new CorpusmillError('USAGE', `question ${question + 1}: its prompt is empty`, {
        hint: 'The model has no token that begins a text: give a prompt.',
      });
    }
    return { context: [prefix], continuation: Array.from(tokenizer.encode(text)) };
  }
  const whole = Array.from(tokenizer.encode(context + text));
  // A tokenizer may join the prompt's last letters with the choice: at least a token is the choice's.
  const length = Math.min(tokenizer.encode(context).length, whole.length - 1);
  return { context: [...begin, ...whole.slice(0, length)], continuation: whole.slice(length) };
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}

function accuracyOf(right: readonly boolean[]): Accuracy {
  const n = right.length;
  const value = right.filter(Boolean).length / n;
  return { value, error: n < 2 ? null : Math.sqrt((value * (1 - value)) / (n - 1)) };
}
