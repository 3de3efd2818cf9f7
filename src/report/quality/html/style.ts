/** What the quality page has besides the style sheet of every page (html/style.ts): line plots, mirrored histograms, tables side by side. */
import { SERIES_STYLE } from './series.ts';

export const QUALITY_STYLE: string = `${SERIES_STYLE}
.chapter-body .data+.data{margin-top:0}
.note{font-size:.875rem;margin:.5rem 0;max-width:44rem}
.series-name{display:inline-flex;align-items:baseline;color:var(--ink)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:1.5rem 2.5rem;margin-bottom:.5rem}
.plots>*{min-width:0}
.line-plot{max-width:30rem}
.line-plot figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin-bottom:.7rem}
.line-plot figcaption span{font-size:.75rem;color:var(--muted);align-self:end}
.line-plot .plot-y{margin:-.375rem 0}
.plot-area{position:relative;aspect-ratio:1;border:solid var(--muted);border-width:0 0 1px 1px}
.lines{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.lines path,.lines polyline{fill:none;vector-effect:non-scaling-stroke}
.lines .grid{stroke:var(--line);stroke-width:1}
.lines .reference{stroke:var(--before);stroke-width:1}
.lines polyline{stroke:var(--series);stroke-width:2;stroke-dasharray:var(--dash);stroke-linejoin:round}
.lines circle{vector-effect:non-scaling-stroke}
.lines .hint{fill:transparent;pointer-events:all}
.lines .hint:hover,.lines .dot{fill:var(--series)}
.lines .mark{fill:var(--page);stroke:var(--series);stroke-width:2}
.ticks{grid-column:2;position:relative;height:1.3rem;font-size:.75rem;color:var(--muted)}
.ticks span{position:absolute;top:.25rem;transform:translateX(-50%)}
.key-line-upright::before{width:2px;background:var(--ink)}
.histograms{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr));gap:1.25rem 2rem}
.histogram figcaption{margin-bottom:.4rem;overflow-wrap:anywhere}
.mirror-bars{position:relative;display:flex;gap:1px;height:9rem;padding:0 1px}
.mirror-bars div{flex:1;min-width:0;display:grid;grid-template-rows:1fr 1fr}
.mirror-bars span{display:flex;align-items:flex-end;min-height:0}
.mirror-bars span+span{align-items:flex-start;border-top:1px solid var(--ink)}
.mirror-bars b,.mirror-bars s{display:block;width:100%;background:var(--kept)}
.mirror-bars s{background:var(--lost)}
.mirror-bars div:hover{background:var(--panel)}
.cut-line{position:absolute;top:0;bottom:0;width:2px;margin-left:-1px;background:var(--ink)}
.mirror-x{display:flex;justify-content:space-between;font-size:.75rem;color:var(--muted)}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:1rem 2.5rem;align-items:start}
caption{text-align:left;font-size:.875rem;color:var(--muted);padding-bottom:.4rem}
caption b{color:var(--ink);font-weight:650}
.models td small{display:block}
td.num small{white-space:nowrap}
.stacking td.num small{display:block}
.undefined{white-space:normal;color:var(--muted);font-size:.8125rem}
.matrix td small{margin-left:.3em;color:inherit}
.matrix tbody td.right{background:color-mix(in srgb,var(--kept) var(--heat,0%),var(--panel))}
.features th code{white-space:pre-wrap}
.features td.weight-bar{width:35%}
.weight-bar b{display:block;height:.5rem;min-width:2px;background:var(--kept)}
.folds th,.folds td{white-space:nowrap}
.narrow th{white-space:nowrap}
.facts.short{grid-template-columns:repeat(auto-fill,minmax(min(8rem,30%),1fr));gap:.6rem 1rem}
details.model{border-top:1px solid var(--line);margin-top:1rem}
details.model>summary{color:var(--ink);font-weight:550}
h3 .swatch{align-self:center;margin-right:0}
@media (max-width:40rem){.narrow{font-size:.875rem}.narrow th,.narrow td{padding-right:.35rem}.narrow thead th{font-size:.75rem}.stacking td.num small{display:inline;margin-left:.4em}}
`;
