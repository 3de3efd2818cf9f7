/**
 * The same prompts put to the policy before the first stage of alignment and after each, as the last phase of a pipeline: the models
 * are all there, so other prompts cost no training.
 */
import { join } from 'node:path';
import type { AskedPolicy } from '../align/answers.ts';
import type { AlignmentAnswers } from '../core/run-summary.ts';
import type { AnswersPhase } from './phase.ts';
import { alignResult, filledIn } from './run-align.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase } from './run-directory.ts';

export interface AnswersResult {
  answers: AlignmentAnswers;
}

export function answersResult(run: RunContext, phase: AnswersPhase): AnswersResult | undefined {
  return finishedResult<AnswersResult>(run.directory.phase(phase.id), phase.key);
}

/** Asks them all. Throws INTERRUPTED when the run's signal is aborted. */
export async function runAnswers(run: RunContext, phase: AnswersPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  await beginPhase(dir, phase.key);
  const { asked, stages } = run.pipeline.alignment!;
  const settings = asked!;
  const { backend: choice, threads } = stages[0].config;
  const policies = policiesOf(run);
  const [{ answersOf }, { openBackend }] = await Promise.all([
    import('../align/answers.ts'),
    import('../tensor/open-backend.ts'),
  ]);
  const backend = await openBackend(choice, threads === 0 ? {} : { threads });
  const found: AlignmentAnswers['policies'] = [];
  try {
    for (const [index, { name, stage, policy }] of policies.entries()) {
      const answers = await answersOf(backend, policy, settings, join(dir, 'asked'), run.signal);
      found.push({ name, stage, answers });
      const note = `${index + 1} of ${policies.length} policies`;
      const fraction = (index + 1) / policies.length;
      run.emit({ type: 'phase-progress', phase: phase.id, fraction, documents: 0, bytes: 0, note });
    }
  } finally {
    await backend.dispose();
  }
  const { prompts, tokens, temperature, topP, seed } = settings;
  const answers = { sampling: { tokens, temperature, topP, seed }, prompts: [...prompts], policies: found };
  await finishPhase(dir, phase.key, { answers } satisfies AnswersResult);
}

/** The policy that alignment begins with, and those that its stages left. */
function policiesOf(run: RunContext): { name: string; stage: string | null; policy: AskedPolicy }[] {
  const phases = run.plan.phases
    .filter((one) => one.kind === 'align')
    .filter(({ aligned }) => aligned.stage !== 'reward');
  const [first] = phases;
  if (first === undefined) return [];
  const templateOf = (data: object): string | undefined => (data as { template?: string }).template;
  const { config } = filledIn(run, first);
  const { tokenizer } = config.data as { tokenizer?: string };
  const start = alignResult(run, first)!.aligned.from;
  return [
    {
      name: start,
      stage: null,
      policy: { model: config.model, tokenizer, template: templateOf(config.data), seed: config.seed },
    },
    ...phases.map((phase) => {
      const { name, stage, model } = alignResult(run, phase)!.aligned;
      const template = templateOf(phase.aligned.config.data);
      const policy: AskedPolicy = {
        model: join(run.directory.root, model),
        // Its folder has the template; only that there is none is not in it.
        template: template === 'none' ? template : undefined,
        seed: phase.aligned.config.seed,
      };
      return { name, stage, policy };
    }),
  ];
}
