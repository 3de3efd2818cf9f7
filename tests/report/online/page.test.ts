/** The page of an online stage: what it says first, answers side by side, scores, and nothing of a model's words as markup. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { OnlineLogRecord } from '../../../src/align/online-log.ts';
import { renderOnlineReport } from '../../../src/report/online/page.ts';
import { sortOnlineRecords } from '../../../src/report/online/read-run.ts';
import { HOSTILE } from '../fixture.ts';

const RUN = {
  kind: 'run',
  version: 1,
  name: 'made',
  stage: 'ppo',
  prompts: { records: 9, used: 8, truncated: 0, skipped: [{ reason: 'prompt too long', count: 1, first: 'p:3: x' }] },
  reward: 'runs/reward',
  settings: { model: 'runs/sft', clip: 0.2 },
};

/** Rewards 0.01, 0.02 …; samples every 10 steps. */
function made(steps: number, text = 'fine', ended = true): OnlineLogRecord[] {
  const records: object[] = [RUN];
  const sample = (step: number) => records.push({ kind: 'sample', step, prompt: 'Hi?', text: `${text} ${step}` });
  sample(0);
  for (let step = 1; step <= steps; step++) {
    const samples = step % 10 === 0 ? [{ prompt: 'Who?', response: text, score: step / 4 }] : [];
    const figures = { reward: step / 100, kl: step / 10, entropy: 1, responseLength: 5, clipFraction: null };
    records.push({ kind: 'online', step, samples, ...figures });
    if (step % 10 === 0) sample(step);
  }
  if (ended) records.push({ kind: 'end', step: steps, reason: 'steps', policy: 'checkpoints/step-00000060/policy' });
  return records as unknown as OnlineLogRecord[];
}

const page = (records: readonly OnlineLogRecord[]) => renderOnlineReport(sortOnlineRecords(records, 'made'));
const parse = (records: readonly OnlineLogRecord[]) => parseHTML(page(records)).document;
const textOf = (element: { textContent: string | null } | null | undefined) =>
  element?.textContent?.replaceAll(/\s+/g, ' ').trim();

describe('the report of an online stage', () => {
  it('leads with the reward, where it came from, and at which KL', () => {
    const document = parse(made(60));
    // Means of three steps at either end.
    expect(textOf(document.querySelector('.verdict'))).toBe(
      'Reward 0.02 → 0.59, at a KL of 5.9, finished after 60 steps.',
    );
    expect(textOf(parse(made(12, 'fine', false)).querySelector('.verdict'))).toContain('not finished: 12 steps so far');
    expect(textOf(parse([RUN as never]).querySelector('.verdict'))).toBe('No step was made yet.');
  });

  it('has the same prompts side by side, the first and the last among them, and all others folded', () => {
    const document = parse(made(60));
    const [shown, all] = [...document.querySelectorAll('table.answers')];
    expect([...shown.querySelectorAll('thead th')].map(textOf)).toEqual([
      'Prompt',
      'Before',
      'Step 20',
      'Step 40',
      'Step 60',
    ]);
    expect([...shown.querySelectorAll('tbody td')].map(textOf)).toEqual(['fine 0', 'fine 20', 'fine 40', 'fine 60']);
    expect(all.querySelectorAll('thead th')).toHaveLength(8);
    expect(all.closest('details')).toBeTruthy();
    const scores = [...document.querySelectorAll('#responses tbody tr')].map(textOf);
    expect(scores[0]).toBe('60Who?fine15');
  });

  it('draws the curves that there are, and says which records were left out', () => {
    const document = parse(made(60));
    const titles = [...document.querySelectorAll('.chart .legend b')].map(textOf);
    expect(titles).toEqual([
      'Reward',
      'KL to the reference (nats a text)',
      'Entropy (nats a token)',
      'Response length (tokens)',
    ]);
    expect(textOf(document.querySelector('#setup'))).toContain('1, prompt too long: p:3: x');
  });

  it('writes what models say as text', () => {
    const html = page(made(10, HOSTILE));
    expect(html).not.toContain(HOSTILE);
    expect(parseHTML(html).document.querySelectorAll('script:not([type])')).toHaveLength(1);
  });
});
