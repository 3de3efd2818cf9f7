/**
 * One scan of a text for all kinds of personal data and secrets. It looks at every character once, by a table, and calls a
 * finder only where something could begin: at `@`, at `:` and `=`, at runs of letters and digits that hold a digit or are as
 * long as keys are. Finders are anchored expressions and check sums; none searches. Guarded by bench/pii.ts.
 */
import type { CountryCode } from 'libphonenumber-js';
import { findCreditCard, findIban } from './account-numbers.ts';
import { createContext } from './context.ts';
import { findEmail } from './email.ts';
import { findChinaId, findUsSsn } from './identity-numbers.ts';
import { findIpv4, findIpv6 } from './ip-address.ts';
import type { Kind, Span } from './kinds.ts';
import { findQq, findWechat } from './messenger.ts';
import { findPhone, nationalNumbers } from './phone.ts';
import { findAssignedSecret, findIssuedSecret, findPrivateKey, findUrlCredentials, MIN_TOKEN } from './secrets.ts';

export interface ScanOptions {
  /** The kinds to look for. */
  kinds: ReadonlySet<Kind>;
  publicIpOnly: boolean;
  phoneRegions: readonly CountryCode[];
  /** What finds are replaced by, where that is not the default: an earlier run may have left it in a text. */
  placeholders?: readonly string[];
}

/** A character of a run: letter, digit, `_`, `-`. */
const RUN = 1;
const DIGIT = 2;
const AT = 4;
const COLON = 8;
const EQUALS = 16;
const HYPHEN = 32;

const classes = new Uint8Array(0x10000);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_') classes[c.charCodeAt(0)] = RUN;
for (const c of '0123456789') classes[c.charCodeAt(0)] = RUN | DIGIT;
classes[0x2d] = RUN | HYPHEN;
classes[0x40] = AT;
classes[0x3a] = COLON;
classes[0x3d] = EQUALS;

/** A function that finds all spans in a text, in order and without overlaps. */
export function createScanner(options: ScanOptions): (text: string, units: Uint16Array) => Span[] {
  const { kinds, publicIpOnly, phoneRegions, placeholders = [] } = options;
  const context = createContext(placeholders);
  const phoneSearch = { national: nationalNumbers(phoneRegions), context };
  const wants = (kind: Kind): boolean => kinds.has(kind);
  const email = wants('email');
  const urlCredentials = wants('urlCredentials');
  const ip = wants('ip');
  const secret = wants('secret');
  const iban = wants('iban');
  const creditCard = wants('creditCard');
  const chinaId = wants('chinaId');
  const usSsn = wants('usSsn');
  const phone = wants('phone');
  const qq = wants('qq');
  const wechat = wants('wechat');

  let spans: Span[] = [];
  /** Where the last span ends. */
  let taken = 0;
  function take(kind: Kind, start: number, end: number): number {
    spans.push({ kind, start, end });
    taken = end;
    return end;
  }

  /** A run that holds a digit; gives the position to go on at. */
  function number(text: string, units: Uint16Array, start: number, end: number): number {
    const first = units[start];
    let found = -1;
    if (first < 48 || first > 57) {
      return iban && end - start >= 4 && (found = findIban(text, start)) > 0 ? take('iban', start, found) : end;
    }
    const digits = countDigits(units, start, text.length);
    if (digits < 4 || isFraction(units, start)) return end;
    const length = end - start;
    if (chinaId && length === 18 && (found = findChinaId(text, start)) > 0) return take('chinaId', start, found);
    if (ip && length <= 3 && units[end] === 0x2e && (found = findIpv4(text, start, publicIpOnly)) > 0) {
      return take('ip', start, found);
    }
    if (digits < 5) return end;
    if (qq && digits <= 11 && (found = findQq(text, start)) > 0) return take('qq', start, found);
    if (digits < 7) return end;
    if (usSsn && digits >= 9 && (found = findUsSsn(text, start, context)) > 0) return take('usSsn', start, found);
    if (creditCard && digits >= 12 && (found = findCreditCard(text, start, context)) > 0) {
      return take('creditCard', start, found);
    }
    if (phone) {
      const from = phoneStart(units, start, taken);
      if ((found = findPhone(text, from, taken, phoneSearch)) > 0) return take('phone', from, found);
      if (from < start && units[from] === 0x28 && (found = findPhone(text, start, taken, phoneSearch)) > 0) {
        return take('phone', start, found);
      }
    }
    return end;
  }

  return (text, units) => {
    spans = [];
    taken = 0;
    const length = text.length;
    for (let i = 0; i < length; ) {
      let kind = classes[units[i]];
      if (kind === 0) {
        i++;
        continue;
      }
      if ((kind & RUN) !== 0) {
        const start = i;
        let flags = 0;
        do {
          flags |= kind;
          kind = classes[units[++i]];
        } while (i < length && (kind & RUN) !== 0);
        if (
          i - start >= MIN_TOKEN ||
          (wechat && mayFollowName(units, start)) ||
          (units[i] === 0x2e && isDottedPrefix(units, start, i))
        ) {
          const end = word(text, units, start, i);
          if (end > 0) {
            i = end;
            continue;
          }
        }
        if ((flags & HYPHEN) !== 0 && secret && units[start] === 0x2d && text.startsWith('-----BEGIN', start)) {
          const end = findPrivateKey(text, start);
          if (end > 0) i = take('secret', start, end);
          continue;
        }
        if ((flags & DIGIT) !== 0) i = number(text, units, firstLetterOrDigit(units, start), i);
        continue;
      }
      if (kind === AT) {
        const credentials = urlCredentials ? findUrlCredentials(text, i, taken) : -1;
        if (credentials >= 0) {
          dropFrom(credentials);
          take('urlCredentials', credentials, i);
        } else if (email) {
          const found = findEmail(text, i, taken);
          if (found !== undefined) i = take('email', found[0], found[1]) - 1;
        }
      } else if (kind === COLON && ip) {
        const found = units[i + 1] === 0x20 ? undefined : findIpv6(text, i, taken, publicIpOnly);
        if (found !== undefined) {
          i = take('ip', found[0], found[1]);
          continue;
        }
      }
      if ((kind === COLON || kind === EQUALS) && secret && mayEndName(units, i)) {
        const found = findAssignedSecret(text, i);
        if (found !== undefined) i = take('secret', found[0], found[1]) - 1;
      }
      i++;
    }
    return spans;
  };

  /** A run as long as a key, or before a dot; gives the end of what it is, or -1. */
  function word(text: string, units: Uint16Array, start: number, end: number): number {
    if (secret && (end - start >= MIN_TOKEN || units[end] === 0x2e) && (units[start] | 0x20) >= 0x61) {
      const found = findIssuedSecret(text, start);
      if (found > 0) return take('secret', start, found);
    }
    if (wechat && end - start >= 6) {
      const found = findWechat(text, start);
      if (found > 0) return take('wechat', start, found);
    }
    return -1;
  }

  /** A password may have looked like something else before its `@` was met. */
  function dropFrom(position: number): void {
    while (spans.length > 0 && spans[spans.length - 1].end > position) spans.pop();
  }
}

/** Digits from `start` on through the separators of numbers, at most 19. */
function countDigits(units: Uint16Array, start: number, length: number): number {
  let digits = 0;
  let gap = 0;
  for (let i = start; i < length && digits < 19 && gap < 3; i++) {
    const unit = units[i];
    if (unit >= 48 && unit <= 57) {
      digits++;
      gap = 0;
    } else if (unit === 0x20 || (unit >= 0x28 && unit <= 0x2f && unit !== 0x2a && unit !== 0x2c)) {
      gap++;
    } else {
      break;
    }
  }
  return digits;
}

/** Takes in the `+`, `(` before a telephone number. */
function phoneStart(units: Uint16Array, start: number, from: number): number {
  let at = start;
  if (at > from && units[at - 1] === 0x28) at--;
  if (at > from && units[at - 1] === 0x2b) return at - 1;
  if (at > from + 1 && units[at - 1] === 0x20 && units[at - 2] === 0x2b) return at - 2;
  return at;
}

/** Digits after a decimal point or comma: no number of their own. */
function isFraction(units: Uint16Array, start: number): boolean {
  if (start < 2 || (units[start - 1] !== 0x2e && units[start - 1] !== 0x2c)) return false;
  return units[start - 2] >= 48 && units[start - 2] <= 57;
}

/** A colon, a line end or the last character of 微信, 微信号, 帐号 stands before it, perhaps with a space. */
function mayFollowName(units: Uint16Array, start: number): boolean {
  const before = start === 0 ? 0 : units[start - (units[start - 1] === 0x20 && start > 1 ? 2 : 1)];
  return before === 0x3a || before === 0xff1a || before === 0x0a || before === 0x53f7 || before === 0x4fe1;
}

/** `SG` or `ya29`, which keys have before a dot. */
function isDottedPrefix(units: Uint16Array, start: number, end: number): boolean {
  return (
    (end - start === 2 && units[start] === 0x53 && units[start + 1] === 0x47) ||
    (end - start === 4 && units[start] === 0x79 && units[start + 1] === 0x61 && units[start + 2] === 0x32)
  );
}

function firstLetterOrDigit(units: Uint16Array, start: number): number {
  while (units[start] === 0x2d || units[start] === 0x5f) start++;
  return start;
}

/** True when the character before `=` or `:` can end the name of a secret (key, id, token, secret, password, credentials). */
function mayEndName(units: Uint16Array, at: number): boolean {
  for (let i = at - 1; i >= 0 && i >= at - 3; i--) {
    const unit = units[i] | 0x20;
    if (unit === 0x20 || unit === 0x22 || unit === 0x27 || unit === 0x60 || unit === 0x7d) continue;
    return unit === 0x79 || unit === 0x64 || unit === 0x6e || unit === 0x74 || unit === 0x73 || unit === 0x68;
  }
  return false;
}
