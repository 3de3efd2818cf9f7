/** The tab that writes: a checkpoint from a folder or an address, or the model that was trained here, and its text token by token. */
import { type ChosenFiles, droppedFiles, pickedFiles } from './chosen-files.ts';
import { element, numberIn } from './elements.ts';
import type { Activity, Answer, Ask } from './messages.ts';

export interface WritePanel {
  take(answer: Answer): void;
  showActivity(activity: Activity): void;
  /** Another backend: the models are gone. */
  forget(): void;
}

/** How a text ended, in words. */
const FINISHES: Readonly<Record<string, string>> = {
  token: 'The model ended the text.',
  length: 'As many tokens as asked for, or as the model is made for.',
};

const WRITING = 'Writing …';

export function createWritePanel(ask: (ask: Ask) => void): WritePanel {
  const form = element('write-form', HTMLFormElement);
  const drop = element('write-drop', HTMLElement);
  const address = element('write-address', HTMLInputElement);
  const load = element('write-load', HTMLButtonElement);
  const pickers = ['write-folder', 'write-files'].map((id) => element(id, HTMLInputElement));
  const start = element('write-start', HTMLButtonElement);
  const stop = element('write-stop', HTMLButtonElement);
  const progress = element('write-progress', HTMLProgressElement);
  const prompt = element('write-prompt', HTMLTextAreaElement);
  const given = element('write-given', HTMLElement);
  const made = element('write-made', HTMLElement);
  const state = element('write-state', HTMLElement);
  const count = element('write-count', HTMLElement);
  const speed = element('write-speed', HTMLElement);
  const choices = {
    loaded: choice('loaded', 'no checkpoint is loaded'),
    trained: choice('trained', 'no model is trained on this page'),
  };
  let activity: Activity = 'opening';

  const showActivity = (now: Activity): void => {
    activity = now;
    const hasModel = choices.loaded.input.checked || choices.trained.input.checked;
    const isIdle = now === 'idle';
    start.disabled = !isIdle || !hasModel;
    load.disabled = !isIdle;
    for (const picker of pickers) picker.disabled = !isIdle;
    stop.disabled = now !== 'writing' && now !== 'loading';
    if (now !== 'loading') progress.hidden = true;
    if (isIdle && state.textContent === WRITING) state.textContent = 'Stopped.';
  };
  const loadFiles = ({ name, files }: ChosenFiles): void => {
    if (activity === 'idle' && files.length > 0) ask({ kind: 'load', place: { kind: 'files', name, files } });
  };

  drop.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then(loadFiles);
  });
  for (const picker of pickers) {
    picker.addEventListener('change', () => {
      if (picker.files !== null) loadFiles(pickedFiles(picker.files));
      // The same folder may be chosen again.
      picker.value = '';
    });
  }
  const loadAddress = (): void => {
    if (address.value.trim() === '' || activity !== 'idle') return;
    // An address without a beginning is one beside this page.
    ask({ kind: 'load', place: { kind: 'address', url: new URL(address.value.trim(), document.baseURI).href } });
  };
  load.addEventListener('click', loadAddress);
  address.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    loadAddress();
  });
  form.addEventListener('change', () => showActivity(activity));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    given.textContent = prompt.value;
    made.textContent = '';
    state.textContent = WRITING;
    count.textContent = '0';
    speed.textContent = '–';
    const number = (id: string): number => numberIn(element(`write-${id}`, HTMLInputElement));
    ask({
      kind: 'write',
      model: choices.loaded.input.checked ? 'loaded' : 'trained',
      prompt: prompt.value,
      sampling: { temperature: number('temperature'), topP: number('top-p') },
      maxNewTokens: number('tokens'),
      seed: number('seed'),
    });
  });
  stop.addEventListener('click', () => ask({ kind: 'stop' }));

  return {
    take(answer) {
      switch (answer.kind) {
        case 'model':
          choices.trained.have(`the model of this page, ${answer.parameters.toLocaleString('en')} parameters`);
          if (!choices.loaded.input.checked) choices.trained.input.checked = true;
          break;
        case 'progress':
          progress.hidden = false;
          choices.loaded.say(answer.text);
          if (answer.share === undefined) progress.removeAttribute('value');
          else progress.value = answer.share;
          break;
        case 'loaded':
          choices.loaded.have(`${answer.name}: ${answer.facts}`);
          choices.loaded.input.checked = true;
          if (answer.sampling !== undefined) {
            const { temperature, topP } = answer.sampling;
            if (temperature !== undefined) element('write-temperature', HTMLInputElement).valueAsNumber = temperature;
            if (topP !== undefined) element('write-top-p', HTMLInputElement).valueAsNumber = topP;
          }
          break;
        case 'piece':
          made.append(answer.text);
          count.textContent = answer.tokens.toLocaleString('en');
          if (answer.tokensPerSecond !== undefined) {
            speed.textContent = answer.tokensPerSecond.toFixed(answer.tokensPerSecond < 100 ? 1 : 0);
          }
          break;
        case 'written':
          state.textContent = FINISHES[answer.finish] ?? '';
          break;
        case 'failed':
          if (answer.during === 'loading') choices.loaded.forget();
          if (answer.during === 'writing') state.textContent = '';
          break;
      }
    },
    showActivity,
    forget() {
      choices.loaded.forget();
      choices.trained.forget();
    },
  };
}

/** One of the models that may write: its radio button and what is said of it. */
function choice(id: 'loaded' | 'trained', none: string) {
  const input = element(`write-${id}`, HTMLInputElement);
  const name = element(`write-${id}-name`, HTMLElement);
  const say = (text: string, isQuiet = true): void => {
    name.textContent = text;
    name.classList.toggle('quiet', isQuiet);
  };
  return {
    input,
    say,
    have(text: string): void {
      input.disabled = false;
      say(text, false);
    },
    forget(): void {
      input.disabled = true;
      input.checked = false;
      say(none);
    },
  };
}
