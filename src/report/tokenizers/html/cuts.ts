/** How numbers, indentation and fixed texts are cut. */
import type { TokenizerReport } from '../../../tokenizer/compare/tokenizer-report-schema.ts';
import { html, type Markup } from '../../html/markup.ts';
import { formatFigure, numberRule, shownText } from '../figure-text.ts';

export function renderNumbers({ tokenizers }: TokenizerReport): Markup {
  const [{ numbers, indentation }] = tokenizers;
  return html`<h4>Whole numbers</h4>
<p class="quiet note">Mean tokens of a number, by its digits.</p>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Tokenizer</th><th scope="col">Rule</th>${numbers.map(({ digits }) => html`<th scope="col" class="num">${digits}</th>`)}</tr></thead>
<tbody>${tokenizers.map((tokenizer) => html`<tr><th scope="row">${tokenizer.name}</th><td>${numberRule(tokenizer)}</td>${tokenizer.numbers.map(({ tokensEach }) => html`<td class="num">${formatFigure(tokensEach)}</td>`)}</tr>`)}</tbody></table></div>
<h4>Indentation</h4>
<p class="quiet note">Tokens that an indent adds to a line of code, by its spaces and tabs.</p>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Tokenizer</th>${indentation.spaces.map(({ depth }) => html`<th scope="col" class="num">${depth} ␣</th>`)}${indentation.tabs.map(({ depth }) => html`<th scope="col" class="num">${depth} ⇥</th>`)}</tr></thead>
<tbody>${tokenizers.map(({ name, indentation: { spaces, tabs } }) => html`<tr><th scope="row">${name}</th>${[...spaces, ...tabs].map(({ tokens }) => html`<td class="num">${String(tokens).replace('-', '−')}</td>`)}</tr>`)}</tbody></table></div>`;
}

export function renderProbes({ tokenizers, probes }: TokenizerReport): Markup {
  const topics = [...new Set(probes.map(({ topic }) => topic))];
  return html`<p class="quiet note">A piece in the colour of loss is a character cut into as many tokens as stand behind it.</p>
${topics.map(
  (topic, i) =>
    html`<details class="fold data"${i === 0 ? html` open` : ''}><summary>${topic}</summary>${probes
      .filter((probe) => probe.topic === topic)
      .map(
        ({ text, pieces }) =>
          html`<div class="probe"><code>${shownText(text, 0)}</code><dl>${pieces.map(
            (cut, t) =>
              html`<div><dt>${tokenizers[t].name}, ${cut.reduce((sum, { tokens }) => sum + tokens, 0)}</dt><dd class="pieces">${cut.map((piece) => pieceCode(piece))}</dd></div>`,
          )}</dl></div>`,
      )}</details>`,
)}`;
}

function pieceCode({ text, tokens }: { text: string; tokens: number }): Markup {
  if (tokens === 1) return html`<code>${shownText(text, 0)}</code>`;
  return html`<code class="cut-piece">${shownText(text, 0)}<small>${tokens}</small></code>`;
}
