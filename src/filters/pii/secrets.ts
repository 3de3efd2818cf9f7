/**
 * Secrets: keys and tokens that their issuers gave a recognizable form, private-key blocks, JSON web tokens, and values of
 * assignments such as `api_key = "…"` or `password: …` that are too random to be words.
 *
 * Sources: the issuers' published formats (AWS, GitHub, GitLab, Slack, Google, OpenAI, Anthropic, Stripe, npm, Hugging Face,
 * SendGrid); RFC 7468 and RFC 7519. A generic value needs 16 characters, letters and digits, and 3.2 bits of entropy a character.
 */

/** By the first two characters, so that a token is compared with few. */
const ISSUED: Record<string, RegExp> = {
  AK: /AKIA[A-Z0-9]{16}(?![\w-])/y,
  AS: /ASIA[A-Z0-9]{16}(?![\w-])/y,
  AI: /AIza[\w-]{35}(?![\w-])/y,
  gh: /gh[pousr]_[A-Za-z0-9]{36,255}(?!\w)/y,
  gi: /github_pat_\w{60,255}/y,
  gl: /glpat-[\w-]{20,}/y,
  xo: /xox[abeoprs]-[A-Za-z0-9-]{10,}/y,
  xa: /xapp-\d-[A-Za-z0-9-]{20,}/y,
  sk: /sk-(?:proj-|svcacct-|admin-|ant-(?:api|admin)\d\d-|or-v1-)?[A-Za-z0-9_-]{20,}|sk_(?:live|test)_[A-Za-z0-9]{16,}/y,
  rk: /rk_(?:live|test)_[A-Za-z0-9]{16,}/y,
  wh: /whsec_[A-Za-z0-9+/=]{24,}/y,
  np: /npm_[A-Za-z0-9]{36}(?!\w)/y,
  hf: /hf_[A-Za-z0-9]{34,}(?!\w)/y,
  ey: /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/y,
  ya: /ya29\.[\w-]{20,}/y,
  SG: /SG\.[\w-]{16,}\.[\w-]{16,}/y,
};

/** The shortest first run of word characters of any of them; `SG.`, `ya29.` are found by their dots. */
export const MIN_TOKEN = 14;

/** End of the issued key or token at `start`, or -1. */
export function findIssuedSecret(text: string, start: number): number {
  const pattern = ISSUED[text.slice(start, start + 2)];
  if (pattern === undefined) return -1;
  pattern.lastIndex = start;
  if (!pattern.test(text)) return -1;
  const end = pattern.lastIndex;
  // A hyphenated name such as sk-button-with-a-long-name has no digit among its letters.
  return /\d/.test(text.slice(start, end)) ? end : -1;
}

const KEY_HEADER = /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;
const KEY_FOOTER = /-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;

/** End of the private-key block at `start` (through its last line, or the end of the base64 where that is cut off), or -1. */
export function findPrivateKey(text: string, start: number): number {
  KEY_HEADER.lastIndex = start;
  if (!KEY_HEADER.test(text)) return -1;
  const body = KEY_HEADER.lastIndex;
  KEY_FOOTER.lastIndex = body;
  if (KEY_FOOTER.test(text)) return KEY_FOOTER.lastIndex;
  let end = body;
  while (end < text.length && /[A-Za-z0-9+/=\s\\]/.test(text[end])) end++;
  return end;
}

const NAME =
  /(?:api[_-]?key|apikey|access[_-]?key(?:[_-]?id)?|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|auth(?:orization)?[_-]?(?:token|key)?|access[_-]?token|refresh[_-]?token|bearer[_-]?token|token|passw(?:or)?d|pwd|private[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?)$/i;
const VALUE = /[=:]>?\s{0,2}(?:Bearer )?(["'`]?)([\w+/.~!@#$%^&*-]{16,200}={0,2})\1(?=[\s"'`,;)}\]<]|$)/y;
const MIN_BITS = 3.2;

/** Start and end of a secret value that is assigned at the `=` or `:` at `at`, or undefined. */
export function findAssignedSecret(text: string, at: number): [number, number] | undefined {
  let end = at;
  while (end > 0 && end > at - 3 && /["'`\]\s]/.test(text[end - 1])) end--;
  if (!NAME.test(text.slice(Math.max(0, end - 24), end))) return undefined;
  VALUE.lastIndex = at;
  const match = VALUE.exec(text);
  if (match === null) return undefined;
  const value = match[2];
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value) || bitsPerCharacter(value) < MIN_BITS) return undefined;
  // Names and addresses of secrets are not secrets: process.env.API_KEY1, https://…, path/to/file2.
  if (/^(?:https?:|[\w-]+\.[\w-]+\.[\w-]+$|\$|%|[a-z]+(?:[._/-][a-z]+)+\d*$)/.test(value)) return undefined;
  const start = match.index + match[0].length - value.length - match[1].length;
  return [start, start + value.length];
}

/** Shannon entropy of the characters. */
export function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

const USER_AND_PASSWORD = /:\/\/([^\s/:@"'<>[\]{}$]{1,64}:[^\s/@"'<>[\]{}$]{1,128})$/;
/** What manuals write for a password. */
const STAND_IN = /:(?:pass(?:w(?:or)?d)?|pwd|secret|token|[x*.]+)$/i;

/** Start of `user:password` before the `@` at `at` of a URL, or -1. */
export function findUrlCredentials(text: string, at: number, from: number): number {
  const before = text.slice(Math.max(from, at - 200), at);
  if (!before.includes('://')) return -1;
  const match = USER_AND_PASSWORD.exec(before);
  return match === null || STAND_IN.test(match[1]) ? -1 : at - match[1].length;
}
