/** Simplifies texts as datatrove does before it compares them (src/text/simplify.ts): for training or keying, not for a corpus. */
import { z } from 'zod';
import { defineMap, KEEP } from '../core/stage.ts';
import { simplifyText } from '../text/simplify.ts';

const step = (description: string) => z.boolean().default(true).describe(description);

const options = z.strictObject({
  lowercase: step('Lower case'),
  numbers: step('Write every number as 0'),
  punctuation: step('Replace punctuation marks by spaces'),
  whiteSpace: step('Write runs of white space as one space, and none at the ends'),
  diacritics: step('Decompose (NFD) and remove non-spacing marks'),
});

export const simplify = defineMap({
  kind: 'map',
  name: 'clean.simplify',
  summary: 'Lower-case, and remove punctuation, diacritics and numbers: texts for comparison, not for reading.',
  source: 'datatrove simplify_text (utils/text.py)',
  version: 1,
  options,
  create: (steps) => ({
    process(document) {
      document.text = simplifyText(document.text, steps);
      return KEEP;
    },
  }),
});
