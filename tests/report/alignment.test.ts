/** Alignment in every report: what each stage changed, and the same prompts after each, with text that is data and no markup. */
import { describe, expect, it } from 'vitest';
import type { AlignedStage, AlignmentSummary } from '../../src/core/run-summary.ts';
import { renderAlignmentEnd } from '../../src/report/align-terminal.ts';
import { alignmentVerdict, renderAlignment } from '../../src/report/html/alignment.ts';
import { renderAlignment as renderMarkdown } from '../../src/report/markdown/alignment.ts';
import type { Report } from '../../src/report/report-schema.ts';

const stage = (name: string, given: Partial<AlignedStage>): AlignedStage => ({
  name,
  stage: name,
  from: 'train',
  reward: null,
  path: `output/align/${name}`,
  model: `output/align/${name}/checkpoints/step-00000010`,
  steps: 10,
  records: { read: 5, used: 4 },
  figures: [],
  charts: [],
  evaluation: null,
  ...given,
});

const ALIGNMENT: AlignmentSummary = {
  stages: [
    stage('sft', { figures: [{ name: 'loss', first: 2.5, last: 1.25 }] }),
    stage('reward', {
      from: 'sft',
      evaluation: {
        pairs: 200,
        accuracy: { share: 0.62, low: 0.551, high: 0.685 },
        bagOfWords: { share: 0.58, low: 0.51, high: 0.646 },
        longer: { share: 0.5, low: 0.431, high: 0.569 },
        calibrationError: 0.04,
        swapDifference: 0,
        lengthCorrelation: 0.3,
      },
    }),
    stage('ppo', {
      from: 'sft',
      reward: 'reward',
      figures: [
        { name: 'reward', first: 0.1, last: 0.4 },
        { name: 'kl', first: null, last: 1.5 },
      ],
      charts: [
        {
          title: 'Reward',
          lines: [
            {
              name: 'reward',
              kind: 'line',
              points: [
                [1, 0.1],
                [2, 0.4],
              ],
            },
          ],
        },
      ],
    }),
  ],
  answers: {
    sampling: { tokens: 8, temperature: 0, topP: 1, seed: 0 },
    prompts: ['<i>Hi</i>', 'Bye'],
    policies: [
      { name: 'train', stage: null, answers: ['', 'x'] },
      { name: 'sft', stage: 'sft', answers: ['<script>1</script>', 'y'] },
      { name: 'ppo', stage: 'ppo', answers: ['a|b', 'z'] },
    ],
  },
};
const REPORT = { alignment: { stages: ALIGNMENT.stages, answers: ALIGNMENT.answers ?? null } } as unknown as Report;

describe('the page', () => {
  const page = String(renderAlignment(REPORT.alignment!));

  it('has a column for each policy, the first one before all stages, and says where there is no answer', () => {
    const heads = [...page.matchAll(/<th scope="col">([^<]*)<small>([^<]*)<\/small>/g)].map(([, ...names]) => names);
    expect(heads).toEqual([
      ['Before', 'train'],
      ['sft', 'from train'],
      ['ppo', 'from sft'],
    ]);
    expect(page).toContain('<span class="empty">nothing</span>');
  });

  it('takes prompts and answers for text', () => {
    expect(page).toContain('&lt;i&gt;Hi&lt;/i&gt;');
    expect(page).toContain('&lt;script&gt;1&lt;/script&gt;');
    expect(page).not.toContain('<script>1');
  });

  it('shows what changed, curves over steps, and the reward model beside its baselines', () => {
    expect(page).toMatch(/Reward<\/dt><dd>0\.1 .*<b>0\.4<\/b>/);
    expect(page).toMatch(/KL to the reference<\/dt><dd>– /);
    expect(page).toContain('"unit":"steps"');
    expect(page).toMatch(/Reward model<\/th><td class="num">62\.0 %<\/td><td class="num">55\.1 % – 68\.5 %/);
    expect(page).toMatch(/Words alone<\/th><td class="num">58\.0 %/);
  });

  it('draws a row for each branch', () => {
    const rows = [...page.matchAll(/<li><span class="quiet">(\w+)<\/span>(.*?)<\/li>/g)].map(([, from, rest]) => [
      from,
      ...[...rest.matchAll(/>(\w+)<\/a>/g)].map(([, name]) => name),
    ]);
    expect(rows).toEqual([
      ['train', 'sft', 'reward'],
      ['sft', 'ppo'],
    ]);
  });

  it('begins with the stage that raised its reward most', () => {
    expect(String(alignmentVerdict(REPORT.alignment!))).toContain('Reward 0.1 → <strong>0.4</strong>');
  });
});

it('says so where a policy has gone more than a nat a token from its reference', () => {
  const ends = (kl: number, length: number | null): string => {
    const figures = [
      { name: 'reward', first: 0.5, last: 1 },
      { name: 'kl', first: 0, last: kl },
      { name: 'responseLength', first: 7, last: length },
    ];
    return String(renderAlignment({ stages: [stage('ppo', { figures })], answers: null }));
  };
  expect(ends(18, 8)).toContain('18 nats a text from its reference, 2.25 a token');
  expect(ends(18, 8)).toContain('reward hacking');
  expect(ends(8, 8)).not.toContain('reward hacking');
  expect(ends(18, null)).not.toContain('reward hacking');
  expect(String(renderAlignment(REPORT.alignment!))).not.toContain('reward hacking');
});

describe('in few words', () => {
  it('a terminal has a line for each stage and the answers below each other, 80 columns wide', () => {
    const text = renderAlignmentEnd(ALIGNMENT, { color: false, width: 80 });
    expect(text).toContain('  ppo     from sft, 10 steps, reward 0.1 → 0.4, KL to the reference – → 1.5\n');
    expect(text).toContain('62.0 % of 200 held-out pairs in order (words alone 58.0 %)');
    expect(text).toContain('  before  nothing\n  sft     <script>1</script>\n  ppo     a|b\n');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('a job summary has a table that no answer breaks', () => {
    const text = renderMarkdown(REPORT);
    expect(text).toContain('| Prompt | Before | sft | ppo |');
    expect(text).toContain('a&#124;b');
    expect(text).toContain('reward 0.1 → 0.4');
    expect(renderMarkdown({ alignment: null } as Report)).toBe('');
  });
});
