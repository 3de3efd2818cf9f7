/**
 * nanoGPT's configuration for a CPU on the characters of Shakespeare (4 layers, 4 heads, 128 wide, blocks of 64, batches of 12,
 * 2,000 steps): the validation loss of its GPT-2 model, published as 1.88, and of a Qwen-style model of the same size and
 * steps. The loss is over the whole validation part, which estimates from 20 random batches, as nanoGPT makes them, scatter about by
 * some hundredths. The configurations are those of configs/training.
 *
 * Peer: karpathy/nanoGPT, README ("validation loss of 1.88") and train.py.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import { loadTrainConfig } from '../src/pipeline/config/load-train.ts';
import { prepareTraining } from '../src/training/run-training.ts';
import type { Bench } from './bench.ts';

const PUBLISHED = 1.88;
/** By then everything is warm. */
const EARLY_STEP = 200;

interface Trained {
  validationLoss: number;
  seconds: number;
  parameters: number;
  /** Memory at the end beyond that at EARLY_STEP: what steps leave behind. */
  growthMiB: number;
}

export const shakespeare: Bench = {
  name: 'shakespeare',
  summary: 'Validation loss of nanoGPT’s CPU configuration on tinyshakespeare, and of a Qwen-style model of its size',
  async run() {
    const shared = process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared');
    const text = join(shared, 'data', 'tinyshakespeare.txt');
    if (!existsSync(text)) throw new Error(`there is no ${text}: set CORPUSMILL_SHARED to the folder of shared data`);
    const gpt2 = await train('shakespeare-gpt2', text);
    const qwen = await train('shakespeare-qwen', text);
    const row = (name: string, { validationLoss, seconds, parameters, growthMiB }: Trained): (string | number)[] => [
      name,
      parameters,
      validationLoss.toFixed(4),
      seconds.toFixed(1),
      growthMiB.toFixed(1),
    ];
    return {
      table: [
        ['model', 'parameters', 'validation loss', 'seconds', `MiB more than at step ${EARLY_STEP}`],
        ['nanoGPT, published', '', PUBLISHED, '', ''],
        row('GPT-2 style', gpt2),
        row('Qwen style', qwen),
      ],
      figures: {
        validationLoss: gpt2.validationLoss,
        seconds: gpt2.seconds,
        qwenValidationLoss: qwen.validationLoss,
        qwenSeconds: qwen.seconds,
        published: PUBLISHED,
        growthMiB: Math.max(gpt2.growthMiB, qwen.growthMiB),
      },
      notes: ['Seconds of training alone: evaluations and checkpoints are not counted.'],
    };
  },
};

async function train(name: string, text: string): Promise<Trained> {
  const output = await mkdtemp(join(tmpdir(), 'corpusmill-bench-shakespeare-'));
  const file = join(packageRoot(), 'configs', 'training', `${name}.yaml`);
  const set = [
    `data.text=${text}`,
    `output=${output}`,
    'evaluation.every=2000',
    'samples.every=0',
    'checkpoints.every=0',
    'checkpoints.minutes=0',
    'checkpoints.best=false',
  ];
  const prepared = await prepareTraining(await loadTrainConfig(file, { set, env: {} }));
  try {
    let [seconds, early, late] = [0, 0, 0];
    const { state } = await prepared.run({
      onRecord: (record) => {
        if (record.kind !== 'step') return;
        seconds += record.time.stepSeconds;
        if (record.step === EARLY_STEP) early = process.memoryUsage.rss();
        late = process.memoryUsage.rss();
      },
    });
    if (state.validationLoss === null) throw new Error(`${name}: the validation loss is not finite`);
    const { parameters } = prepared.record.model;
    return { validationLoss: state.validationLoss, seconds, parameters, growthMiB: (late - early) / 2 ** 20 };
  } finally {
    await prepared.close();
    await rm(output, { recursive: true });
  }
}
