/**
 * Short texts that show how a tokenizer cuts what averages hide: numbers and dates, indentation, Chinese, marks and signs.
 * The same texts in every report, so that reports can be laid side by side.
 */
import type { JudgedTokenizer } from './judged-tokenizer.ts';
import type { TokenizerReport } from './tokenizer-report-schema.ts';

type Probes = TokenizerReport['probes'];
type Numbers = TokenizerReport['tokenizers'][number]['numbers'];
type Indentation = TokenizerReport['tokenizers'][number]['indentation'];

const PROBES: readonly [topic: string, texts: readonly string[]][] = [
  ['Numbers', ['1', '12', '123', '1234', '12345', '1234567', '3.14159', '1,000,000', '$1,234.56', '0xFF', '１２３']],
  ['Dates', ['2024-11-29', '29/11/2024', 'Nov 29, 2024', '14:35:07', '2024年11月29日']],
  [
    'Code',
    [
      'if (x <= 0) {\n    return;\n}',
      'def f(self):\n\treturn self.x[0]',
      'for i in range(10):\n        print(f"{i:02d}")',
      '#include <stdio.h>\r\n',
      'https://example.com/a?b=1&c=2',
      'camelCaseName snake_case_name',
    ],
  ],
  [
    'Chinese',
    [
      '人工智能正在改变世界。',
      '中华人民共和国',
      '天气不错，我们去公园吧！',
      '這是繁體中文。',
      '鱻龘靐',
      '使用Python编程',
    ],
  ],
  [
    'Words',
    [
      "don't won't I'll",
      'internationalization',
      'antidisestablishmentarianism',
      'Übergrößenträger',
      'cafe\u0301',
      'HELLO Hello hello',
    ],
  ],
  [
    'Other scripts',
    ['これは日本語です', '안녕하세요 세계', 'Привет, мир', 'مرحبا بالعالم', 'שלום עולם', 'สวัสดีชาวโลก', 'नमस्ते दुनिया'],
  ],
  ['Signs', ['…—“”', '👍🏽👨‍👩‍👧', 'a\u00a0b\u200bc', '∑∫√≠', '\ud840\udc00']],
];

/** Every probe as every tokenizer cuts it. */
export function cutProbes(tokenizers: readonly JudgedTokenizer[]): Probes {
  return PROBES.flatMap(([topic, texts]) =>
    texts.map((text) => ({ topic, text, pieces: tokenizers.map((tokenizer) => piecesOf(tokenizer, text)) })),
  );
}

/**
 * The tokens of a text as texts; a token that is no UTF-8 on its own is joined with those that complete it, and the
 * number of tokens stands beside it.
 */
export function piecesOf(tokenizer: JudgedTokenizer, text: string): Probes[number]['pieces'][number] {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const pieces: Probes[number]['pieces'][number] = [];
  let held: number[] = [];
  let tokens = 0;
  const flush = (piece: string): void => {
    pieces.push({ text: piece, tokens });
    held = [];
    tokens = 0;
  };
  const ids = tokenizer.encode(text);
  for (let i = 0; i < ids.length; i++) {
    for (const byte of tokenizer.tokenBytes(ids[i]) ?? []) held.push(byte);
    tokens++;
    let piece: string;
    try {
      piece = strict.decode(Uint8Array.from(held));
    } catch {
      continue;
    }
    flush(piece);
  }
  if (tokens > 0) flush(new TextDecoder().decode(Uint8Array.from(held)));
  return pieces;
}

/** Numbers looked at for each number of digits. */
const NUMBERS = 900;
const MOST_DIGITS = 7;

/**
 * Tokens of whole numbers by their number of digits, over at most 900 of them evenly spread: `1` for each shows a
 * vocabulary of numbers, as many as digits a rule of single digits, a third of them groups of three.
 */
export function cutNumbers(tokenizer: JudgedTokenizer): Numbers {
  return Array.from({ length: MOST_DIGITS }, (_, i) => {
    const digits = i + 1;
    const first = digits === 1 ? 0 : 10 ** (digits - 1);
    const all = 10 ** digits - first;
    const taken = Math.min(all, NUMBERS);
    let tokens = 0;
    let whole = 0;
    for (let k = 0; k < taken; k++) {
      const { length } = tokenizer.encode(String(first + Math.floor((k * all) / taken)));
      tokens += length;
      if (length === 1) whole++;
    }
    return { digits, numbers: taken, tokensEach: tokens / taken, whole: whole / taken };
  });
}

const DEPTHS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** Tokens that indentation adds to a line of code, by its depth in spaces, and in tabs up to four. */
export function cutIndentation(tokenizer: JudgedTokenizer): Indentation {
  const line = 'return x\n';
  const bare = tokenizer.encode(`{\n${line}`).length;
  const added = (indent: string): number => tokenizer.encode(`{\n${indent}${line}`).length - bare;
  return {
    spaces: DEPTHS.map((depth) => ({ depth, tokens: added(' '.repeat(depth)) })),
    tabs: [1, 2, 3, 4].map((depth) => ({ depth, tokens: added('\t'.repeat(depth)) })),
  };
}
