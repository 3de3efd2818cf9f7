/** The kinds of models that can be trained, and the option of `quality.train` that holds those of each. */
export const OPTION_OF = {
  fasttext: 'fasttext',
  'naive-bayes': 'naiveBayes',
  logistic: 'logistic',
  gbdt: 'gbdt',
  forest: 'forest',
  'ngram-lm': 'ngramLm',
} as const;

export type ModelKind = keyof typeof OPTION_OF;

export const MODEL_KINDS = Object.keys(OPTION_OF) as [ModelKind, ...ModelKind[]];
