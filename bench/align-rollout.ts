/**
 * Rollouts of the online alignment stages: tokens per second in the first and the last quarter of a response (with a cache they are
 * the same but for attention, which looks at more), beside the bare decoder, which takes the likeliest token and nothing else;
 * then what a step of PPO at its defaults consists of. Rollout and decoder take turns in one process.
 *
 * Weights are drawn, and the last norm is scaled so that distributions have some nats of entropy: those of an untrained model are flat,
 * which no policy's are, and make top-p sort the whole vocabulary. Texts never end, so that all are of one length.
 */
import { modelReward } from '../src/align/model-reward.ts';
import { alignmentOptimizer, PPO_ADVANTAGE, ppoSettings } from '../src/align/online-settings.ts';
import { createPolicyLearner } from '../src/align/policy-learner.ts';
import { NO_MOMENTS } from '../src/align/reward-statistics.ts';
import { createRollout, type Rollout } from '../src/align/rollout.ts';
import { sampleAdvantages } from '../src/align/sample-advantages.ts';
import { findConfig } from '../src/models/known-configs.ts';
import { createWeights, type ModelWeights } from '../src/models/weights.ts';
import type { Backend } from '../src/tensor/backend.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { type CachedDecoder, createCachedDecoder } from '../src/training/generation/cached-decoder.ts';
import { createGenerator, type Generator } from '../src/training/generation/generator.ts';
import { argmax } from '../src/training/generation/sampling.ts';
import { createSequenceScorer } from '../src/training/scoring/sequence-scorer.ts';
import type { Bench, Figure } from './bench.ts';
import { median } from './median.ts';

const MODEL = process.env['CORPUSMILL_BENCH_MODEL'] ?? 'tiny-qwen2-6m';
const [PROMPT, RESPONSE, ROUNDS, THREADS] = [32, 128, 3, 2];
const TEXTS = [1, 8, 32];
/** As PPO's defaults: 16 prompts with two responses each. */
const STEP_TEXTS = 32;
const SAMPLING = { temperature: 1, topP: 0.9 };
/** Standard deviation of the logits; their entropy is about ln(vocabulary) − half of its square. */
const LOGIT_DEVIATION = 3.5;

/** Seconds by the clock and of processors, of all threads. */
interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs something and says what it took. */
async function spend(work: () => Promise<unknown>): Promise<Spent> {
  const [begin, used] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(used);
  return { wall: (performance.now() - begin) / 1000, cpu: (user + system) / 1e6 };
}

export const alignRollout: Bench = {
  name: 'align-rollout',
  summary: `rollouts of ${RESPONSE} tokens beside the bare decoder, early and late in the text; the parts of a PPO step (${MODEL})`,
  async run() {
    const backend = await openBackend('auto', { threads: THREADS });
    const policy = await peakedWeights(backend, 1);
    const table: (string | number)[][] = [
      [
        'texts',
        'rollout tokens/s',
        'first quarter',
        'last quarter',
        'late / early',
        '… by CPU',
        'decoder tokens/s',
        'rollout / decoder',
        '… by CPU',
        'CPU µs a token',
        'decoder',
      ],
    ];
    const figures: Record<string, Figure> = { model: MODEL };
    for (const texts of TEXTS) {
      const found = await rolloutSpeed(backend, policy, texts);
      const { rollout, early, late, decoder } = found;
      const speed = (spent: readonly Spent[], tokens: number): number =>
        (texts * tokens) / median(spent.map(({ wall }) => wall));
      const cpu = (spent: readonly Spent[], tokens: number): number =>
        (1e6 * median(spent.map((s) => s.cpu))) / (texts * tokens);
      const quarter = RESPONSE / 4;
      const ratio = (kind: keyof Spent, more: readonly Spent[], than: readonly Spent[]): number =>
        rounded(median(more.map((spent, i) => than[i][kind] / spent[kind])));
      const flat = ratio('wall', late, early);
      const flatCpu = ratio('cpu', late, early);
      const share = ratio('wall', rollout, decoder);
      const shareCpu = ratio('cpu', rollout, decoder);
      table.push([
        texts,
        Math.round(speed(rollout, RESPONSE)),
        Math.round(speed(early, quarter)),
        Math.round(speed(late, quarter)),
        flat.toFixed(2),
        flatCpu.toFixed(2),
        Math.round(speed(decoder, RESPONSE)),
        share.toFixed(2),
        shareCpu.toFixed(2),
        Math.round(cpu(rollout, RESPONSE)),
        Math.round(cpu(decoder, RESPONSE)),
      ]);
      figures[`texts${texts}`] = {
        tokensPerSecond: Math.round(speed(rollout, RESPONSE)),
        lateBesideEarly: flat,
        lateBesideEarlyCpu: flatCpu,
        besideDecoder: share,
        besideDecoderCpu: shareCpu,
      };
    }
    const parts = await partsOfStep(backend, policy);
    const total = (kind: keyof Spent): number => Object.values(parts).reduce((sum, spent) => sum + spent[kind], 0);
    const shares = Object.fromEntries(
      Object.entries(parts).map(([name, { wall, cpu }]) => [
        name,
        { share: rounded(wall / total('wall')), cpuShare: rounded(cpu / total('cpu')) },
      ]),
    );
    policy.dispose();
    await backend.dispose();
    const named = Object.entries(shares).map(([name, { share }]) => `${name} ${Math.round(100 * share)} %`);
    const notes = [
      `A step of PPO at its defaults (${STEP_TEXTS} texts, ${PPO_DEFAULTS.epochs} epochs, reward model and critic of the same size): ` +
        `${total('wall').toFixed(1)} s; ${named.join(', ')}.`,
    ];
    return { table, figures: { ...figures, ppoStep: shares, ppoStepSeconds: rounded(total('wall')) }, notes };
  },
};

const rounded = (value: number): number => Number(value.toPrecision(3));

/** Drawn weights whose distributions are as uneven as a policy's. */
async function peakedWeights(backend: Backend, seed: number): Promise<ModelWeights> {
  const { config } = findConfig(MODEL);
  const weights = createWeights(backend, config);
  weights.initialize(seed);
  // After the last norm a hidden state has √hidden for length, and weights of 0.02 make logits of 0.02 √hidden.
  const factor = LOGIT_DEVIATION / (0.02 * Math.sqrt(config.hiddenSize));
  const name = 'model.norm.weight';
  const norm = await weights.read(name);
  weights.write(
    name,
    norm.map((value) => value * factor),
  );
  return weights;
}

function promptsOf(count: number, vocabSize: number): Int32Array[] {
  return Array.from({ length: count }, (_, b) =>
    Int32Array.from({ length: PROMPT }, (__, t) => (t * 31 + b * 7 + 11) % vocabSize),
  );
}

interface RolloutSpeed {
  readonly rollout: Spent[];
  /** The first quarter of the response, after its first token, which is the prompt's. */
  readonly early: Spent[];
  readonly late: Spent[];
  readonly decoder: Spent[];
}

async function rolloutSpeed(backend: Backend, policy: ModelWeights, texts: number): Promise<RolloutSpeed> {
  const prompts = promptsOf(texts, policy.config.vocabSize);
  const capacity = PROMPT + RESPONSE + 1;
  const rollout = createRollout(backend, policy, {
    maxNewTokens: RESPONSE,
    capacity,
    sampling: SAMPLING,
    stopTokens: [],
    slots: texts,
  });
  const generator = createGenerator(backend, policy, { capacity, slots: texts });
  const decoder = createCachedDecoder(backend, policy, { capacity, slots: texts });
  const found: RolloutSpeed = { rollout: [], early: [], late: [], decoder: [] };
  for (let round = -1; round < ROUNDS; round++) {
    const whole = await spend(() => rollOut(rollout, prompts, round));
    const bare = await spend(() => decode(decoder, prompts));
    const { early, late } = await quarters(generator, prompts, round);
    // The first round compiles programs.
    if (round < 0) continue;
    found.rollout.push(whole);
    found.decoder.push(bare);
    found.early.push(early);
    found.late.push(late);
  }
  rollout.dispose();
  generator.dispose();
  decoder.dispose();
  return found;
}

async function rollOut(rollout: Rollout, prompts: readonly Int32Array[], round: number): Promise<void> {
  const samples = await rollout.sample(prompts, { responses: 1, seed: 1, step: round + 1 });
  for (const { ids } of samples) if (ids.length !== PROMPT + RESPONSE) throw new Error('a response has ended early');
}

/** As the generate bench measures: prompts read, then the likeliest token of each text. */
async function decode(decoder: CachedDecoder, prompts: readonly Int32Array[]): Promise<void> {
  const { vocabSize } = decoder;
  let logits = await decoder.prefill(0, prompts);
  for (let step = 0; step < RESPONSE - 1; step++) {
    const rows = prompts.map((_, b) => ({
      id: argmax(logits.subarray(b * vocabSize, (b + 1) * vocabSize)),
      position: PROMPT + step,
      promptLength: PROMPT,
    }));
    logits = await decoder.decode(rows);
  }
}

/** The same requests as a rollout's, timed at their quarters. */
async function quarters(
  generator: Generator,
  prompts: readonly Int32Array[],
  round: number,
): Promise<{ early: Spent; late: Spent }> {
  const requests = prompts.map((ids, i) => ({
    ids,
    maxNewTokens: RESPONSE,
    sampling: SAMPLING,
    stopTokens: [],
    seed: 1 + i + round * prompts.length,
    logProbs: true,
  }));
  const marks: Spent[] = [];
  const since = process.cpuUsage();
  for await (const { index } of generator.stream(requests)) {
    if (index !== marks.length) continue;
    const { user, system } = process.cpuUsage(since);
    marks.push({ wall: performance.now() / 1000, cpu: (user + system) / 1e6 });
  }
  const between = (from: number, to: number): Spent => ({
    wall: marks[to].wall - marks[from].wall,
    cpu: marks[to].cpu - marks[from].cpu,
  });
  return { early: between(0, RESPONSE / 4), late: between((RESPONSE * 3) / 4 - 1, RESPONSE - 1) };
}

const PPO_DEFAULTS = ppoSettings({
  maxNewTokens: RESPONSE,
  capacity: PROMPT + RESPONSE,
  sampling: SAMPLING,
  optimizer: alignmentOptimizer(1e-6),
  advantage: { ...PPO_ADVANTAGE, warmup: 0 },
});

/** One step, part by part as online-trainer.ts makes it, after one that compiles the programs. */
async function partsOfStep(backend: Backend, policy: ModelWeights): Promise<Record<string, Spent>> {
  const settings = PPO_DEFAULTS;
  const { capacity } = settings;
  const withHead = (seed: number): ModelWeights => {
    const weights = createWeights(backend, { ...policy.config, head: 'score' });
    weights.initialize(seed);
    return weights;
  };
  const [critic, judge, reference] = [withHead(2), withHead(3), await peakedWeights(backend, 1)];
  const rollout = createRollout(backend, policy, { ...settings, stopTokens: [], slots: STEP_TEXTS });
  const reward = modelReward(backend, judge, { name: 'reward model', rows: settings.rows, capacity });
  const scorer = createSequenceScorer(backend, reference, { maxLength: capacity });
  const learner = createPolicyLearner({ backend, policy, critic, settings });
  const prompts = promptsOf(STEP_TEXTS / settings.responses, policy.config.vocabSize);
  const spent: Record<string, Spent> = {};
  for (let step = 1; step <= 2; step++) {
    const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      let result: T | undefined;
      spent[name] = await spend(async () => {
        result = await work();
      });
      return result as T;
    };
    const samples = await timed('rollout', () => rollout.sample(prompts, { ...settings, step }));
    const scores = await timed('reward', async () =>
      reward.score(
        samples.map(({ prompt, ids, promptLength, ended }) => ({
          prompt: { text: '', ids: prompts[prompt], data: {} },
          text: '',
          ids,
          promptLength,
          ended,
        })),
      ),
    );
    const { logProbs, values } = await timed('policy and value', () => learner.measure(samples));
    const scored = await timed('reference', () => scorer.logProbs(samples.map(({ ids }) => ids)));
    const reference = scored.map((all, i) => all.subarray(samples[i].promptLength - 1));
    await timed('learning', async () => {
      const found = sampleAdvantages(
        { scores, logProbs, reference, values },
        { ...settings, klCoefficient: settings.kl.coefficient, moments: NO_MOMENTS },
      );
      return learner.learn(
        { texts: samples, logProbs, reference, values, ...found },
        { step, policy: true, factor: 1 },
      );
    });
  }
  rollout.dispose();
  reward.dispose();
  scorer.dispose();
  await learner.dispose();
  for (const weights of [critic, judge, reference]) weights.dispose();
  return spent;
}
