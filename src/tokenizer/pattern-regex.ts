/**
 * A published pre-tokenizer pattern (Oniguruma or Rust syntax) as a JavaScript regular expression with the `u` flag.
 *
 * Differences bridged: `\s` and `\S` become Unicode White_Space (JavaScript's lacks U+0085 and has U+FEFF); `\d` and
 * `\w` become their Unicode forms; `(?i:…)` is written out, as Node 20 has no inline flags, with the Unicode folds
 * s/ſ and k/K; needless escapes are dropped. Possessive and atomic forms have no equivalent and are refused.
 * These are the slow path and the referee of the hand-written scanners; V8's Unicode version applies.
 */
import { CorpusmillError } from '../core/errors.ts';

/** Compiles `pattern`; throws CONFIG_INVALID with the reason when JavaScript cannot express it. */
export function compilePattern(pattern: string): RegExp {
  const source = translate(pattern);
  try {
    return new RegExp(source, 'gu');
  } catch (error) {
    throw cannotRun(pattern, (error as Error).message);
  }
}

function cannotRun(pattern: string, reason: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `pre-tokenizer pattern ${JSON.stringify(pattern)}: ${reason}`, {
    hint: "Use 'qwen2', 'gpt2', 'cl100k' or 'o200k', or a regular expression of letters, classes, groups and look-ahead.",
  });
}

const CLASS_ESCAPES: Record<string, string> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: '\\p{L}\\p{M}\\p{Nd}\\p{Pc}',
};

/** Escapes that mean the same under the `u` flag. */
const KEPT_ESCAPE = /[\^$\\.*+?()[\]{}|/trnfvbBcx0-9uk]/;

function translate(pattern: string): string {
  let out = '';
  let inClass = false;
  // One entry per open group: whether ASCII letters inside it match both cases.
  const foldOfGroup: boolean[] = [];
  let fold = false;
  // Whether the last thing read was a quantifier: a + behind it would be possessive.
  let quantified = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    const afterQuantifier: boolean = quantified;
    quantified = false;
    if (char === '\\') {
      const next = pattern[++i] ?? '';
      if (next === 'p' || next === 'P') {
        const close = pattern[i + 1] === '{' ? pattern.indexOf('}', i) : -1;
        if (close < 0) throw cannotRun(pattern, `\\${next} at ${i - 1} is not followed by {Name}`);
        out += pattern.slice(i - 1, close + 1);
        i = close;
      } else if (next === 'w' && !inClass) out += `[${CLASS_ESCAPES['w']}]`;
      else if (CLASS_ESCAPES[next] !== undefined) out += CLASS_ESCAPES[next];
      else if (next === '-' || KEPT_ESCAPE.test(next)) out += next === '-' && !inClass ? '-' : `\\${next}`;
      else if (/[A-Za-z]/.test(next) || next === '') throw cannotRun(pattern, `the escape \\${next} at ${i - 1}`);
      else out += next;
      continue;
    }
    if (inClass) {
      if (char === ']') inClass = false;
      if (char === '[' || (char === '&' && pattern[i + 1] === '&')) throw cannotRun(pattern, `a nested class at ${i}`);
      out += fold && pattern[i + 1] !== '-' && pattern[i - 1] !== '-' ? bothCases(char) : char;
      continue;
    }
    if (char === '[') {
      inClass = true;
      out += char;
    } else if (char === '(') {
      foldOfGroup.push(fold);
      if (pattern.startsWith('(?i:', i)) {
        fold = true;
        out += '(?:';
        i += 3;
      } else if (pattern.startsWith('(?i)', i)) {
        foldOfGroup.pop();
        fold = true;
        i += 3;
      } else if (pattern.startsWith('(?', i) && /[:=!<]/.test(pattern[i + 2] ?? '')) {
        out += '(?';
        i += 1;
      } else if (pattern.startsWith('(?>', i)) throw cannotRun(pattern, `an atomic group at ${i}`);
      else out += char;
    } else if (char === ')') {
      fold = foldOfGroup.pop() ?? false;
      out += char;
    } else if (char === '+' && afterQuantifier) {
      throw cannotRun(pattern, `a possessive quantifier at ${i}`);
    } else if (char === '*' || char === '+' || char === '?') {
      quantified = !afterQuantifier;
      out += char;
    } else if (char === '{') {
      const close = pattern.indexOf('}', i);
      if (close < 0) throw cannotRun(pattern, `the { at ${i} is not closed`);
      quantified = true;
      out += pattern.slice(i, close + 1);
      i = close;
    } else {
      const cases = fold ? bothCases(char) : char;
      out += cases.length > 1 ? `[${cases}]` : cases;
    }
  }
  return out;
}

/** The characters that equal an ASCII letter under Unicode simple case folding. */
function bothCases(char: string): string {
  if (!/[A-Za-z]/.test(char)) return char;
  const lower = char.toLowerCase();
  return lower + lower.toUpperCase() + (lower === 's' ? '\u017f' : lower === 'k' ? '\u212a' : '');
}
