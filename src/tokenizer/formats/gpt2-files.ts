/**
 * GPT-2's two files: `vocab.json` (word → id, words in the byte alphabet) and `merges.txt` (a merge a line, in order).
 *
 * Neither names the pattern or says which tokens are special: those that are no byte and no merge makes, which of GPT-2
 * is `<|endoftext|>` alone.
 * Source: openai/gpt-2 `encoder.py`; transformers' slow GPT-2 and Qwen2 tokenizers.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { bytesToAlphabet } from '../byte-alphabet.ts';
import { type BpeTables, type Normalization, readHfTokenizer } from '../hf-json.ts';
import { PATTERNS } from '../pre-tokenizer.ts';

export interface Gpt2Options {
  /** A name of `PATTERNS` or a regular expression; GPT-2's by default. */
  pattern?: string;
  normalization?: Normalization;
  /** Special tokens of other ids, as a tokenizer_config.json lists them. */
  added?: readonly { id: number; content: string; special: boolean }[];
}

/** Reads the texts of both files; `source` names them in messages. Throws INPUT_CORRUPT. */
export function readGpt2Files(vocabText: string, mergesText: string, source: string, options: Gpt2Options): BpeTables {
  const fail = (what: string): never => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${source}: ${what}`, {
      hint: "vocab.json is an object of words and ids, merges.txt a merge of two words a line, as GPT-2's.",
    });
  };
  let vocab: unknown;
  try {
    vocab = JSON.parse(vocabText);
  } catch (error) {
    fail(`the vocabulary is not JSON: ${(error as Error).message}`);
  }
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) fail('the vocabulary is not a JSON object');
  const merges: string[] = [];
  mergesText.split(/\r?\n/).forEach((line, i) => {
    if (line === '' || (i === 0 && line.startsWith('#version'))) return;
    if (line.split(' ').length !== 2) fail(`line ${i + 1} of the merges is ${JSON.stringify(line.slice(0, 60))}`);
    merges.push(line);
  });
  const made = new Set(merges.map((merge) => merge.replace(' ', '')));
  const words = Object.entries(vocab as Record<string, unknown>);
  const special = words
    .filter(([word]) => word.length > 1 && !made.has(word))
    .map(([content, id]) => ({ id, content, special: true }));
  const known = new Set(special.map(({ content }) => content));
  const pattern = options.pattern ?? PATTERNS.gpt2;
  return readHfTokenizer(
    {
      added_tokens: [...special, ...(options.added ?? []).filter(({ content }) => !known.has(content))],
      normalizer: options.normalization === 'nfc' ? { type: 'NFC' } : null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          {
            type: 'Split',
            pattern: { Regex: Object.hasOwn(PATTERNS, pattern) ? PATTERNS[pattern as keyof typeof PATTERNS] : pattern },
            behavior: 'Isolated',
          },
          { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
        ],
      },
      model: { type: 'BPE', vocab, merges },
    },
    source,
  );
}

/** Both files of a byte-level tokenizer, as transformers' slow tokenizers read them. */
export function writeGpt2Files(tables: BpeTables): { vocab: string; merges: string } {
  const added = new Map(tables.added.map(({ id, content }) => [id, content]));
  const words = tables.tokens.map((bytes, id) => added.get(id) ?? (bytes && bytesToAlphabet(bytes)));
  const vocab = Object.fromEntries(words.flatMap((word, id) => (word === undefined ? [] : [[word, id]])));
  const merges = Array.from(tables.lefts, (left, rank) => `${words[left]} ${words[tables.rights[rank]]}\n`);
  return { vocab: `${JSON.stringify(vocab)}\n`, merges: `#version: 0.2\n${merges.join('')}` };
}
