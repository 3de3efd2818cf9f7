/** What reports of training runs need besides the common style sheet: charts, and colours that tell six runs apart. */

/**
 * Of curves, in order: teal, rust, violet, ochre, blue, magenta, each dark enough for 4.5:1 on the page so that words in it can
 * be read.
 */
export const CURVES_LIGHT = ['#0a6a5f', '#b0410c', '#5b4fb3', '#7d5a00', '#0b57d0', '#a3195b'] as const;
export const CURVES_DARK = ['#55c7b4', '#f4975f', '#b3a8ff', '#e0b84c', '#8ab4f8', '#f28bb5'] as const;

export const CHART_STYLE = `
:root{${variables(CURVES_LIGHT)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${variables(CURVES_DARK)}}}
:root[data-theme=dark]{${variables(CURVES_DARK)}}
${CURVES_LIGHT.map((_, i) => `.color-${i}{--curve:var(--curve-${i})}`).join('')}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(21rem,100%),1fr));gap:1.75rem 2.25rem}
.chart{min-width:0}
.chart .legend{margin-bottom:.6rem}
.chart .legend b{color:var(--ink);font-weight:600;font-size:.9375rem}
.key-chart::before{content:"";display:inline-block;width:1.3em;margin-right:.45em;border-top:3px solid var(--curve);vertical-align:.25em}
.key-dashed::before{border-top-style:dashed}
.key-mark::before{content:"";display:inline-block;width:3px;height:.85em;margin-right:.45em;background:var(--lost);vertical-align:-.08em}
.chart-plot{display:grid;grid-template-columns:3.25rem minmax(0,1fr);column-gap:.5rem}
.chart-y{position:relative;font-size:.75rem;color:var(--muted);text-align:right}
.chart-y span{position:absolute;right:0;transform:translateY(-50%);line-height:1;white-space:nowrap}
.chart-area{position:relative;height:9.5rem;border-bottom:1px solid var(--ink);touch-action:pan-y}
.chart-tall .chart-area{height:clamp(14rem,36vw,22rem)}
.chart-area svg{position:absolute;inset:0;width:100%;height:100%}
.chart-area .grid{stroke:var(--line);stroke-width:1;fill:none}
.chart-area polyline{fill:none;stroke:var(--curve);stroke-width:2;stroke-linejoin:round}
.chart-area .curve-faint{stroke-width:1;opacity:.35}
.chart-area .curve-dashed,.chart-area .curve-dots{stroke-dasharray:5 3}
.dot{position:absolute;width:.55rem;height:.55rem;margin:-.275rem 0 0 -.275rem;border-radius:50%;background:var(--page);border:2px solid var(--curve)}
.mark{position:absolute;bottom:0;width:3px;height:1.1rem;margin-left:-1px;background:var(--lost)}
.cursor{position:absolute;top:0;bottom:0;width:1px;background:var(--ink);pointer-events:none}
.chart-x{grid-column:2;position:relative;height:1.5rem;font-size:.75rem;color:var(--muted)}
.chart-x span{position:absolute;transform:translateX(-50%);padding-top:.3rem;white-space:nowrap;line-height:1.2}
.chart-x span:first-child{transform:none}
.chart-x .chart-end{transform:translateX(-100%)}
.chart-values{min-height:1.4em;font-size:.8125rem;color:var(--muted);padding-left:3.75rem}
.unseen{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden;white-space:nowrap}
.text-samples>li+li{margin-top:1.25rem}
.text-samples h3 small,.run-name small{font-weight:400}
.text-samples .prompt{color:var(--kept);font-weight:600}
.run-swatch{display:inline-block;width:.8em;height:.8em;margin-right:.5em;border-radius:2px;background:var(--curve);vertical-align:-.06em}
.settings-text{max-height:24rem;overflow:auto;padding:.7rem .85rem;background:var(--panel);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.group>.facts{margin-top:.4rem}
`;

function variables(colors: readonly string[]): string {
  return colors.map((color, i) => `--curve-${i}:${color}`).join(';');
}
