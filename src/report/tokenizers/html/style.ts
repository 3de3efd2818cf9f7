/** What the tokenizer page has besides the style sheet of every page and that of line plots. */
import { QUALITY_STYLE } from '../../quality/html/style.ts';

export const TOKENIZER_STYLE: string = `${QUALITY_STYLE}
.ratios{display:grid;gap:.85rem;margin:.75rem 0 1rem}
.ratio{display:grid;grid-template-columns:minmax(0,1fr);gap:.15rem 1rem}
.ratio-name{font-weight:550;overflow-wrap:anywhere;line-height:1.3}
.ratio-bars{position:relative;display:grid;gap:2px;padding-right:4rem}
.ratio-bar{position:relative;height:.8rem}
.ratio-bar b{display:block;height:100%;min-width:2px;background:var(--series)}
.ratio-bar i{position:absolute;top:50%;height:2px;margin-top:-1px;background:var(--ink)}
.ratio-bar span{position:absolute;top:-.3rem;margin-left:.45rem;font-size:.8125rem;line-height:1.4rem;white-space:nowrap}
.ratio-bars u{position:absolute;top:-.2rem;bottom:-.2rem;left:0;width:calc(100% - 4rem);pointer-events:none}
.ratio-bars u::after{content:"";position:absolute;left:var(--one);top:0;bottom:0;border-left:1px dashed var(--muted)}
@media (min-width:48rem){.ratio{grid-template-columns:11rem minmax(0,1fr);align-items:center}}
.shares{display:flex;height:1.1rem;margin:.2rem 0 .1rem;gap:1px}
.shares b{display:block;height:100%;min-width:0}
.shares b:nth-child(1){background:var(--kept)}
.shares b:nth-child(2){background:color-mix(in srgb,var(--kept) 45%,var(--page))}
.shares b:nth-child(3){background:color-mix(in srgb,var(--lost) 55%,var(--page))}
.shares b:nth-child(4){background:var(--lost)}
.key-share-1::before{background:var(--kept)}
.key-share-2::before{background:color-mix(in srgb,var(--kept) 45%,var(--page))}
.key-share-3::before{background:color-mix(in srgb,var(--lost) 55%,var(--page))}
.key-share-4::before{background:var(--lost)}
.pieces{display:flex;flex-wrap:wrap;gap:.15rem .2rem}
.pieces code{padding:0 .3em;border-radius:3px;background:var(--kept-soft);white-space:pre-wrap;overflow-wrap:anywhere}
.pieces code:nth-child(even){background:var(--panel);box-shadow:inset 0 0 0 1px var(--line)}
.pieces code.cut-piece{background:var(--lost-soft);color:var(--ink)}
.pieces code small{margin-left:.3em;color:var(--lost)}
.probe{border-top:1px solid var(--line);padding:.6rem 0}
.probe>code{font-weight:600;white-space:pre-wrap;overflow-wrap:anywhere}
.probe dl{display:grid;gap:.3rem;margin-top:.35rem}
.probe dl>div{display:grid;grid-template-columns:minmax(0,1fr);gap:.1rem .75rem}
.probe dt{font-size:.8125rem;color:var(--muted);overflow-wrap:anywhere}
@media (min-width:48rem){.probe dl>div{grid-template-columns:11rem minmax(0,1fr)}}
.table-frame tbody th{min-width:6.5rem}
.token-list{display:flex;flex-wrap:wrap;gap:.3rem .4rem;margin:.35rem 0 1rem}
.token-list code{padding:0 .35em;border-radius:3px;background:var(--panel);overflow-wrap:anywhere;white-space:pre-wrap}
.token-list small{margin-left:.25rem}
`;
