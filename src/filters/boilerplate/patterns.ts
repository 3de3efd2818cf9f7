/** The lists of boilerplate lines by language. */
import { ENGLISH_LINES } from './patterns-en.ts';
import { CHINESE_LINES } from './patterns-zh.ts';

export const LINES = { zh: CHINESE_LINES, en: ENGLISH_LINES } as const;
export type BoilerplateLanguage = keyof typeof LINES;
