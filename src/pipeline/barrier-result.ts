/** What a barrier has left, as later phases and the summary ask for it. */
import { type BarrierDecision, type BarrierOutcome, decideDir } from './barrier-task.ts';
import type { BarrierPhase } from './phase.ts';
import type { RunContext } from './run-context.ts';
import { finishedResult } from './run-directory.ts';

/** The result of a barrier that is through. */
export function barrierOutcome(run: RunContext, phase: BarrierPhase): BarrierOutcome | undefined {
  return finishedResult<BarrierOutcome>(decideDir(run.directory.phase(phase.id)), phase.key);
}

/** What later phases go by: also of a barrier whose account is still being made. */
export function barrierDecision(run: RunContext, phase: BarrierPhase): BarrierDecision | undefined {
  return run.decisions.get(phase.id) ?? barrierOutcome(run, phase);
}
