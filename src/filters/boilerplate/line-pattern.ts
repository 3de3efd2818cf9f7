/** What the lists of boilerplate lines are made of. */
export const KINDS = [
  'menu',
  'position',
  'neighbours',
  'related',
  'credits',
  'date',
  'copyright',
  'licence',
  'contact',
  'share',
  'login',
  'newsletter',
  'comments',
  'cookies',
  'adverts',
  'end',
] as const;
export type BoilerplateKind = (typeof KINDS)[number];

export interface LinePattern {
  kind: BoilerplateKind;
  /** Tried on a trimmed line of at most `maxChars`: no pattern here meets a long text, so none can be slow on one. */
  pattern: RegExp;
  maxChars: number;
}
