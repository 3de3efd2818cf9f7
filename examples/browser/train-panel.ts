/** The tab that trains: settings, the loss as it falls, and what the model writes meanwhile. */
import { element, numberIn } from './elements.ts';
import { createLossChart } from './loss-chart.ts';
import type { Activity, Answer, Ask, TrainingSettings } from './messages.ts';

/** Texts that are kept on the page, the newest first. */
const MOST_SAMPLES = 30;

export interface TrainPanel {
  take(answer: Answer): void;
  showActivity(activity: Activity): void;
  /** Another backend: the model is gone. */
  forget(): void;
}

export function createTrainPanel(ask: (ask: Ask) => void): TrainPanel {
  const form = element('train-form', HTMLFormElement);
  const text = element('train-text', HTMLTextAreaElement);
  const size = element('train-text-size', HTMLElement);
  const start = element('train-start', HTMLButtonElement);
  const stop = element('train-stop', HTMLButtonElement);
  const goOn = element('train-continue', HTMLButtonElement);
  const samples = element('train-samples', HTMLOListElement);
  const model = element('train-model', HTMLElement);
  const state = element('train-state', HTMLElement);
  const progress = element('train-progress', HTMLProgressElement);
  const figures = {
    step: element('train-step', HTMLElement),
    loss: element('train-loss', HTMLElement),
    evaluation: element('train-evaluation', HTMLElement),
    speed: element('train-speed', HTMLElement),
  };
  const chart = createLossChart(element('train-chart', HTMLElement));
  let hasModel = false;
  /** Seconds of the last steps, whose mean is the speed. */
  let stepSeconds: number[] = [];

  const settings = (): TrainingSettings => {
    const number = (id: string): number => numberIn(element(`train-${id}`, HTMLInputElement));
    return {
      tokenizer: element('train-tokenizer', HTMLSelectElement).value === 'bytes' ? 'bytes' : 'characters',
      layers: number('layers'),
      hiddenSize: number('width'),
      heads: number('heads'),
      context: number('context'),
      rows: number('rows'),
      learningRate: number('rate'),
      seed: number('seed'),
      prompt: element('train-prompt', HTMLInputElement).value,
      sampleEvery: number('sample-every'),
    };
  };

  const showSize = (): void => {
    size.textContent = `${text.value.length.toLocaleString('en')} characters`;
  };
  text.addEventListener('input', showSize);
  void fetch('text.txt')
    .then(async (response) => {
      if (!response.ok || text.value !== '') return;
      text.value = await response.text();
      showSize();
    })
    // Without the example somebody pastes a text of their own.
    .catch(() => {});

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask({ kind: 'train', text: text.value, settings: settings() });
  });
  stop.addEventListener('click', () => ask({ kind: 'stop' }));
  goOn.addEventListener('click', () => {
    stepSeconds = [];
    ask({ kind: 'continue' });
  });

  function clear(): void {
    hasModel = false;
    stepSeconds = [];
    chart.clear();
    figures.step.textContent = '0';
    for (const name of ['loss', 'evaluation', 'speed'] as const) figures[name].textContent = '–';
    model.textContent = 'No model yet.';
    samples.replaceChildren(quiet('Texts of the model appear here while it trains.'));
  }

  /** Before the first step, and before the first text. */
  function showCompiling(compiled: number, begun: number): void {
    const isDone = compiled >= begun;
    progress.hidden = isDone;
    state.textContent = isDone ? '' : `Compiling kernels for this adapter: ${compiled} of ${begun} …`;
    if (!isDone) progress.value = compiled / begun;
  }

  function showStep(step: number, loss: number | null, seconds: number): void {
    showCompiling(0, 0);
    figures.step.textContent = step.toLocaleString('en');
    figures.loss.textContent = loss?.toFixed(3) ?? 'not finite';
    stepSeconds.push(seconds);
    if (stepSeconds.length > 20) stepSeconds.shift();
    const mean = stepSeconds.reduce((sum, value) => sum + value, 0) / stepSeconds.length;
    figures.speed.textContent = (1 / mean).toFixed(1 / mean < 10 ? 1 : 0);
    if (loss !== null) chart.addStep(step, loss);
  }

  function showSample(step: number, prompt: string, written: string): void {
    const item = document.createElement('li');
    const head = document.createElement('small');
    head.textContent = `after ${step.toLocaleString('en')} steps`;
    const body = document.createElement('p');
    const given = document.createElement('span');
    given.className = 'prompt';
    given.textContent = prompt;
    body.append(given, written);
    item.append(head, body);
    if (samples.firstElementChild?.classList.contains('quiet')) samples.replaceChildren();
    samples.prepend(item);
    while (samples.children.length > MOST_SAMPLES) samples.lastElementChild?.remove();
  }

  return {
    take(answer) {
      if (answer.kind === 'model') {
        // What was there before is kept until there is something new.
        clear();
        hasModel = true;
        const { parameters, tokens, vocabSize } = answer;
        const [weights, ids, kinds] = [parameters, tokens, vocabSize].map((n) => n.toLocaleString('en'));
        model.textContent = `${weights} parameters, ${ids} tokens of ${kinds} kinds.`;
      }
      if (answer.kind === 'compiling' && document.body.dataset['activity'] === 'training')
        showCompiling(answer.compiled, answer.begun);
      if (answer.kind !== 'record') return;
      const { record } = answer;
      if (record.kind === 'step') showStep(record.step, record.loss, record.time.stepSeconds);
      if (record.kind === 'sample') showSample(record.step, record.prompt, record.text);
      if (record.kind === 'evaluation') {
        figures.evaluation.textContent = record.loss?.toFixed(3) ?? 'not finite';
        if (record.loss !== null) chart.addEvaluation(record.step, record.loss);
      }
    },
    showActivity(activity) {
      if (activity !== 'training') showCompiling(0, 0);
      start.disabled = activity !== 'idle';
      stop.disabled = activity !== 'training';
      goOn.disabled = activity !== 'idle' || !hasModel;
      start.textContent = hasModel ? 'Train anew' : 'Train';
    },
    forget: clear,
  };
}

function quiet(text: string): HTMLLIElement {
  const item = document.createElement('li');
  item.className = 'quiet';
  item.textContent = text;
  return item;
}
