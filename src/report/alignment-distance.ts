/**
 * A word of caution where a policy has left what its reward knows. KL to the reference grows whatever a reward is pleased by, and past
 * some distance a learnt reward goes on rising while what it stands for falls (Gao et al. 2023, arXiv 2210.10760). Where that is depends on the
 * reward; a nat a token is a mark that honest runs of ours stay below and hacked ones pass.
 */
import { figureText } from './figure-names.ts';
import type { ReportAlignedStage } from './report-schema.ts';

/** Nats of a token beyond which readers are told. */
const FAR = 1;

/** The sentence, where a stage's policy is that far from its reference at the end. */
export function farFromReference({ figures }: Pick<ReportAlignedStage, 'figures'>): string | undefined {
  const lastOf = (name: string): number | null => figures.find((figure) => figure.name === name)?.last ?? null;
  const [kl, length] = [lastOf('kl'), lastOf('responseLength')];
  if (kl === null || length === null || length === 0 || kl / length <= FAR) return undefined;
  return (
    `The policy is ${figureText(kl)} nats a text from its reference, ${figureText(kl / length)} a token. So far away a reward ` +
    'often rises by its own flaws (reward hacking): read the answers, and hold it nearer with a larger kl.coefficient.'
  );
}
