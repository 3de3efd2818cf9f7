/** What a text goes through before it is cut: one of Unicode's normal forms, or nothing. */

export const NORMAL_FORMS = ['nfc', 'nfkc', 'nfd', 'nfkd'] as const;
export type Normalization = (typeof NORMAL_FORMS)[number] | 'none';

const FORM = { nfc: 'NFC', nfkc: 'NFKC', nfd: 'NFD', nfkd: 'NFKD' } as const;

export function normalizeText(text: string, normalization: Normalization): string {
  return normalization === 'none' ? text : text.normalize(FORM[normalization]);
}
