/**
 * Up-sampling: documents of some sources several times, for data that is worth more than its size.
 *
 * 2.5 means every document twice, and a seeded half of them a third time; 0.5 keeps a seeded half. The first copy keeps
 * its id, the others get `#2`, `#3` … A copy is a document of its own from here on: put the stage behind
 * deduplication, which would take the copies away again.
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { mix32, sampleFraction } from '../core/random.ts';
import { defineMap, drop, KEEP } from '../core/stage.ts';
import { unknownInputs } from './inputs.ts';

const options = z.strictObject({
  times: z
    .record(z.string().min(1), z.number().gt(0).max(1000))
    .describe(
      'How often, by name of input: 2.5 is twice, and half of them a third time; 0.5 keeps half. Others: once.',
    ),
  seed: z.int().min(0).max(0xffffffff).optional().describe("Seed of the choice; the pipeline's by default."),
});

/** Another draw than the input option `sample` makes of the same id and seed. */
const OWN_DRAW = 0x3c6ef372;

export const repeat = defineMap({
  kind: 'map',
  name: 'repeat',
  summary: 'Repeat the documents of some inputs, or thin them out, by a factor.',
  source: 'Epochs per source as in GPT-3 (Brown et al. 2020, table 2.2) and LLaMA (Touvron et al. 2023, table 1).',
  version: 1,
  options,
  reasons: { thinned_out: 'not among the share that a factor below 1 keeps' },
  checkInputs: ({ times }, inputs) => unknownInputs(['times'], Object.keys(times), inputs),
  create({ times, seed }, context) {
    const factors = new Map(Object.entries(times));
    const ownSeed = mix32((seed ?? context.seed) ^ OWN_DRAW);
    return {
      process(document) {
        const factor = factors.get(document.meta['source'] as string);
        if (factor === undefined || factor === 1) return KEEP;
        const draw = sampleFraction(ownSeed, document.id);
        const whole = Math.floor(factor);
        const copies = whole + (draw < factor - whole ? 1 : 0);
        if (copies === 0) return drop('thinned_out', draw, factor);
        if (copies === 1) return KEEP;
        const documents: Document[] = [document];
        for (let copy = 2; copy <= copies; copy++) {
          const meta = { ...structuredClone(document.meta), repeat: copy };
          documents.push({ id: `${document.id}#${copy}`, text: document.text, meta });
        }
        return { action: 'split', documents };
      },
    };
  },
});
