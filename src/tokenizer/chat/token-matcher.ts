/**
 * Finding a template's own special tokens in what it rendered, while the words of a message cannot forge one.
 *
 * Before rendering, every place in a message where the characters of a token stand (or begin, at the end of a string) is
 * guarded: a noncharacter goes behind the token's first character. What then still matches in the rendered text is the
 * template's own. The guard is taken out again before text is encoded, so a message's `<|im_end|>` becomes the ordinary
 * ids of those ten characters.
 * Source: Qwen's tokenization note, "injection attack prevention".
 */
import type { AddedToken } from '../hf-json.ts';

const GUARD = '\ufdd0';
/** The guard and the two marks of chat-template.ts. */
const RESERVED = /[\ufdd0-\ufdd2]/g;

export interface TokenMatch {
  token: AddedToken;
  /** UTF-16 units [start, end) of the text; white space that the token swallows (`lstrip`, `rstrip`) included. */
  start: number;
  end: number;
}

export interface TokenMatcher {
  /** Tokens in a text from left to right, the longest at each place. */
  matches(text: string): TokenMatch[];
  /** The value with every string guarded; `role` members stay. Noncharacters of the guard's kind become U+FFFD. */
  guard(value: unknown): unknown;
}

export function createTokenMatcher(tokens: readonly AddedToken[]): TokenMatcher {
  const byContent = new Map(tokens.filter(({ content }) => content !== '').map((token) => [token.content, token]));
  // Longest first, as an alternation takes the first that matches.
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const any = contents.length === 0 ? undefined : new RegExp(contents.map(escapeRegex).join('|'), 'g');
  const firsts = new Set(contents.map((content) => content[0]));

  /** Whether a token begins at `at`, or the text ends before it is told apart from one. */
  const mayBegin = (text: string, at: number): boolean =>
    contents.some((content) => content.startsWith(text.slice(at, at + content.length)));

  const guardText = (text: string): string => {
    const clean = text.replace(RESERVED, '\ufffd');
    let out = '';
    let from = 0;
    for (let i = 0; i < clean.length; i++) {
      if (!firsts.has(clean[i]) || !mayBegin(clean, i)) continue;
      out += clean.slice(from, i + 1) + GUARD;
      from = i + 1;
    }
    return out + clean.slice(from);
  };

  const guard = (value: unknown): unknown => {
    if (typeof value === 'string') return guardText(value);
    if (Array.isArray(value)) return value.map(guard);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [guardText(key), key === 'role' ? member : guard(member)]),
    );
  };

  return {
    guard,
    matches(text) {
      const found: TokenMatch[] = [];
      if (any === undefined) return found;
      for (const { 0: content, index } of text.matchAll(any)) {
        const token = byContent.get(content)!;
        let start = index;
        let end = index + content.length;
        const before = found.at(-1)?.end ?? 0;
        if (token.lstrip === true) while (start > before && isSpace(text[start - 1])) start--;
        if (token.rstrip === true) while (end < text.length && isSpace(text[end])) end++;
        found.push({ token, start, end });
      }
      return found;
    },
  };
}

/** A text as the message had it. */
export function withoutGuards(text: string): string {
  return text.replaceAll(GUARD, '');
}

function isSpace(unit: string): boolean {
  return /\s/.test(unit);
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
