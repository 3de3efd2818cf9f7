/** The losses of preference pairs, by name; preference.ts says what each is. */
export const PREFERENCE_LOSSES = ['sigmoid', 'robust', 'hinge', 'ipo', 'kto-pair'] as const;
export type PreferenceLossKind = (typeof PREFERENCE_LOSSES)[number];
