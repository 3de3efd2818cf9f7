/** The kinds of personal data and secrets that are looked for, with what is put in their place. */

export const PLACEHOLDERS = {
  email: '[EMAIL]',
  phone: '[PHONE]',
  ip: '[IP]',
  iban: '[IBAN]',
  creditCard: '[CREDIT_CARD]',
  chinaId: '[ID_CARD]',
  usSsn: '[SSN]',
  secret: '[SECRET]',
  urlCredentials: '[CREDENTIALS]',
  qq: '[QQ]',
  wechat: '[WECHAT]',
} as const;

export type Kind = keyof typeof PLACEHOLDERS;

export const KINDS = Object.keys(PLACEHOLDERS) as Kind[];

/** A find: UTF-16 offsets into the text. */
export interface Span {
  kind: Kind;
  start: number;
  end: number;
}
