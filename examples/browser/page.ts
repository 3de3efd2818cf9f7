/** The page: two tabs and a worker that does what they ask. Everything that goes wrong is said in words above the tabs. */
import { element } from './elements.ts';
import type { Answer, Ask } from './messages.ts';
import { createTrainPanel } from './train-panel.ts';
import { createWritePanel } from './write-panel.ts';

const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
const ask = (what: Ask): void => {
  if (what.kind !== 'stop') failure.hidden = true;
  worker.postMessage(what);
};

const failure = element('failure', HTMLElement);
const failureMessage = element('failure-message', HTMLElement);
const failureHint = element('failure-hint', HTMLElement);
const backendChoice = element('backend-choice', HTMLSelectElement);
const backendState = element('backend-state', HTMLElement);
const panels = [createTrainPanel(ask), createWritePanel(ask)];

function fail(message: string, hint = ''): void {
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  failureMessage.textContent = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
  failureHint.textContent = hint;
  failure.hidden = false;
}
element('failure-close', HTMLButtonElement).addEventListener('click', () => {
  failure.hidden = true;
});

worker.addEventListener('message', ({ data: answer }: MessageEvent<Answer>) => {
  for (const panel of panels) panel.take(answer);
  if (answer.kind === 'activity') {
    document.body.dataset['activity'] = answer.activity;
    backendChoice.disabled = answer.activity !== 'idle';
    for (const panel of panels) panel.showActivity(answer.activity);
  }
  if (answer.kind === 'ready') open();
  if (answer.kind === 'backend') showBackend(answer);
  if (answer.kind === 'failed') {
    fail(answer.message, answer.hint);
    if (answer.during === 'opening') backendState.textContent = 'nothing, see above: choose another';
  }
});
worker.addEventListener('error', (event) => fail(`The worker of this page failed: ${event.message}`));

function showBackend(answer: Extract<Answer, { kind: 'backend' }>): void {
  for (const panel of panels) panel.forget();
  const name = document.createElement('strong');
  name.textContent = answer.name === 'webgpu' ? 'WebGPU' : 'TypeScript';
  const rest =
    answer.name === 'webgpu'
      ? ` on ${answer.adapter || 'this adapter'}${answer.isSoftware ? ': drawn by the processor, so it is slow' : ''}`
      : answer.reason === undefined
        ? ': plain loops, for tiny models'
        : `, because ${answer.reason}`;
  backendState.replaceChildren(name, rest);
  document.body.dataset['backend'] = answer.name;
}

const tabs = ['train', 'write'].map((id) => ({
  button: element(`tab-${id}`, HTMLButtonElement),
  panel: element(`panel-${id}`, HTMLElement),
}));
function show(index: number): void {
  for (const [i, { button, panel }] of tabs.entries()) {
    button.setAttribute('aria-selected', String(i === index));
    button.tabIndex = i === index ? 0 : -1;
    panel.hidden = i !== index;
  }
}
for (const [index, { button }] of tabs.entries()) {
  button.addEventListener('click', () => show(index));
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    show(1 - index);
    tabs[1 - index].button.focus();
  });
}
// A file that misses its place would be opened instead of the page.
for (const name of ['dragover', 'drop'] as const) window.addEventListener(name, (event) => event.preventDefault());

const given = new URLSearchParams(location.search).get('backend');
if ([...backendChoice.options].some(({ value }) => value === given)) backendChoice.value = given!;
backendChoice.addEventListener('change', () => open());
function open(): void {
  backendState.textContent = 'opening …';
  ask({ kind: 'backend', choice: backendChoice.value as Extract<Ask, { kind: 'backend' }>['choice'] });
}
