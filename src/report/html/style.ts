/**
 * The page's style sheet. System fonts only, colours from theme.ts, one column on a phone (nothing wider than 375 px),
 * a margin column with chapter titles on a desk. Bars are boxes with a width, so they need no script and print.
 */
import { DARK, LIGHT, themeCss } from './theme.ts';

export const PAGE_STYLE = `
:root{color-scheme:light;${themeCss(LIGHT)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${themeCss(DARK)}}}
:root[data-theme=dark]{color-scheme:dark;${themeCss(DARK)}}
${base()}${masthead()}${chapters()}${funnel()}${drops()}${lengths()}${tables()}${duplicates()}${outputs()}${media()}`;

function base(): string {
  return `
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:3.5rem}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
h1,h2,h3,h4,p,dl,dd,ol,ul,pre,figure{margin:0;padding:0}
ol,ul{list-style:none}
small{font-size:.8125rem;font-weight:400;color:var(--muted)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","Noto Sans Mono CJK SC",monospace;font-size:.8125rem}
s,u,i,b.n{text-decoration:none}
.page{max-width:76rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
.num{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
.quiet{color:var(--muted)}
.bad{color:var(--lost)}
.id{overflow-wrap:anywhere;unicode-bidi:isolate}
.chip{display:inline-block;max-width:100%;padding:0 .45em;border:1px solid var(--line);border-radius:3px;font-size:.8125rem;color:var(--muted);overflow-wrap:anywhere}
.chip b{color:var(--ink);font-weight:600}
a{color:var(--kept)}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-999px;top:0;padding:.5rem 1rem;background:var(--page);z-index:3}
.skip:focus{left:.5rem;top:.5rem}
.plain-button{font:inherit;font-size:.875rem;color:var(--ink);background:none;border:1px solid var(--line);border-radius:4px;padding:.25rem .7rem;min-height:2rem;cursor:pointer}
.plain-button:hover,.copy:hover{border-color:var(--muted)}
[hidden]{display:none!important}
`;
}

function masthead(): string {
  return `
.masthead{padding:1.25rem 0 2rem}
.masthead-bar{display:flex;justify-content:space-between;align-items:center;min-height:2rem;margin-bottom:clamp(1.5rem,5vw,3.5rem)}
.brand{font-weight:650;letter-spacing:-.01em;color:var(--kept)}
h1{font-size:1.0625rem;font-weight:500;line-height:1.4;color:var(--muted);overflow-wrap:anywhere}
.verdict{font-size:clamp(1.75rem,5.2vw,3.375rem);line-height:1.12;letter-spacing:-.028em;font-weight:400;max-width:24ch;text-wrap:balance;margin:.25rem 0 clamp(1.5rem,4vw,2.75rem)}
.verdict strong{font-weight:700;color:var(--kept)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1.25rem 2rem}
.figures>div{border-top:2px solid var(--ink);padding-top:.5rem}
.figures dt{font-size:.875rem;color:var(--muted)}
.figures dd{font-size:1.5rem;line-height:1.25;font-weight:600;letter-spacing:-.015em}
.figures small{display:block;letter-spacing:0;line-height:1.4}
nav{position:sticky;top:0;z-index:2;background:var(--page);border-bottom:1px solid var(--line);margin:0 calc(-1*clamp(1rem,4vw,2.5rem));padding:0 clamp(1rem,4vw,2.5rem)}
nav ul{display:flex;gap:.25rem 1.25rem;overflow-x:auto;scrollbar-width:none}
nav a{display:block;padding:.6rem 0;font-size:.875rem;color:var(--muted);text-decoration:none;white-space:nowrap}
nav a:hover{color:var(--ink)}
nav a:focus-visible{outline-offset:-3px}
`;
}

function chapters(): string {
  return `
.chapter{padding:2.5rem 0;border-bottom:1px solid var(--line)}
.chapter-head{margin-bottom:1.25rem}
.chapter-head p{font-size:.875rem;color:var(--muted);max-width:34rem}
.chapter-head .plain-button{margin-top:.6rem}
.chapter-body{min-width:0}
h2{font-size:1.375rem;line-height:1.25;letter-spacing:-.015em;font-weight:650}
h3{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .6rem;font-size:1.0625rem;font-weight:650;overflow-wrap:anywhere}
h4{font-size:.9375rem;font-weight:650;margin:1.5rem 0 .25rem}
.group{scroll-margin-top:3.5rem}
.chapter-body>p+.group,.chapter-body>p+h3{margin-top:1.75rem}
.group+.group{margin-top:2.25rem}
.group-sum{margin-left:auto;font-size:.875rem;font-weight:400;color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.8125rem;color:var(--muted);margin-bottom:1rem}
.key::before{content:"";display:inline-block;width:.8em;height:.8em;margin-right:.45em;border-radius:1px;vertical-align:-.06em}
.key-kept::before{background:var(--kept)}
.key-lost::before{background:var(--lost)}
.key-before::before{background:var(--before)}
.key-line::before{height:2px;width:1.2em;vertical-align:.25em;background:var(--ink)}
.key-thin::before{height:.25em;width:1.2em;vertical-align:.22em;background:var(--kept)}
footer{padding:2rem 0 4rem}
footer .quiet{font-size:.875rem;margin-top:1rem}
summary{cursor:pointer}
summary::-webkit-details-marker{display:none}
summary{list-style:none}
`;
}

function funnel(): string {
  return `
.flow-row{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 1rem;align-items:baseline}
.flow-name{font-weight:550;overflow-wrap:anywhere;line-height:1.35}
.flow-name a{color:inherit;text-decoration:underline;text-decoration-color:var(--line);text-underline-offset:.2em}
.flow-name a:hover{text-decoration-color:currentColor}
.flow-end .flow-name{font-weight:700}
.flow-figure{text-align:right;line-height:1.35}
.flow-figure strong{font-weight:650}
.flow-figure span{display:block;font-size:.8125rem;color:var(--muted)}
.flow-figure em{font-style:normal;color:var(--lost);font-weight:600}
.flow-bars{grid-column:1/-1;margin-top:.3rem}
.bar{display:flex;background:none}
.bar-documents{height:1.375rem}
.bar-bytes{height:.25rem;margin-top:2px}
.bar b,.bar s{display:block;flex:none;height:100%}
.bar b{background:var(--kept)}
.bar s{background:var(--lost);min-width:2px}
.bar-bytes b,.bar-bytes s{opacity:.75}
.taper{display:block;height:1.5rem;margin-top:2px;background:var(--kept-soft);clip-path:polygon(0 0,var(--in) 0,var(--out) 100%,0 100%)}
.flow-row:last-child .taper{display:none}
`;
}

function drops(): string {
  return `
.reasons{margin-top:.5rem;border-top:1px solid var(--line)}
.reasons>li{border-bottom:1px solid var(--line)}
.reason{display:grid;grid-template-columns:minmax(0,1fr) auto auto;gap:.1rem .9rem;align-items:baseline;padding:.55rem .25rem .55rem 1.35rem;position:relative}
summary.reason::before,.clusters summary::before,.data>summary::before{content:"";position:absolute;left:.2rem;top:1.02rem;border:.3rem solid transparent;border-left:.4rem solid var(--muted);border-right:0}
details[open]>summary.reason::before,.clusters details[open]>summary::before,.data[open]>summary::before{transform:rotate(90deg)}
summary.reason:hover,.clusters summary:hover{background:var(--panel)}
.reason-name{font-weight:550;overflow-wrap:anywhere}
.reason-name small{display:block}
.reason-bar{grid-row:2;grid-column:1/-1;height:.5rem;margin-top:.15rem}
.reason-bar s,.size-bar s{display:block;height:100%;min-width:2px;background:var(--lost)}
.reason-count{font-weight:600}
.reason-share{color:var(--muted);min-width:3.6em}
.reason-bytes{display:none;color:var(--muted)}
.samples{padding:.25rem 0 1.25rem 1.35rem;display:grid;gap:1rem}
.sample,.member{min-width:0}
.member{display:grid;grid-template-rows:subgrid;grid-row:span 2;align-content:start}
.sample header,.member header{display:flex;flex-wrap:wrap;gap:.15rem .6rem;align-items:baseline;font-size:.8125rem}
.sample header .id,.member header .id{font-weight:600}
.measure{display:flex;flex-wrap:wrap;align-items:center;gap:.1rem .5rem;font-size:.8125rem;color:var(--muted)}
.measure b{color:var(--lost);font-weight:650}
.measure .limit{color:var(--ink)}
.gauge{position:relative;display:inline-block;width:6rem;height:.5rem;background:var(--panel);box-shadow:inset 0 0 0 1px var(--line)}
.gauge s{display:block;height:100%;background:var(--lost)}
.gauge i{position:absolute;top:-.2rem;bottom:-.2rem;width:2px;margin-left:-1px;background:var(--ink)}
.excerpt{margin-top:.35rem;padding:.7rem .85rem;background:var(--panel);border-radius:4px;font-family:inherit;font-size:.875rem;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
.excerpt-none{font-size:.875rem;color:var(--muted);font-style:italic}
.cut{color:var(--muted);font-size:.8125rem;white-space:nowrap}
`;
}

function lengths(): string {
  return `
.plot{position:relative;display:grid;grid-template-columns:auto minmax(0,1fr);column-gap:.6rem}
.plot-y{display:flex;flex-direction:column;justify-content:space-between;text-align:right;font-size:.75rem;line-height:1;color:var(--muted);margin:-.375rem 0}
.plot-bars{display:flex;height:13rem;border-bottom:1px solid var(--ink);background:linear-gradient(var(--line),var(--line)) 0 0/100% 1px no-repeat,linear-gradient(var(--line),var(--line)) 0 50%/100% 1px no-repeat}
.plot-column{position:relative;flex:1;min-width:0}
.plot-column u,.plot-column b{position:absolute;bottom:0;display:block}
.plot-column u{left:6%;right:6%;background:var(--before);opacity:.55}
.plot-column b{left:22%;right:22%;background:var(--kept)}
.plot-x{grid-column:2;position:relative;height:1.75rem;font-size:.75rem;color:var(--muted)}
.plot-x span{position:absolute;top:0;padding:.3rem 0 0 .3rem;border-left:1px solid var(--muted);line-height:1.2;white-space:nowrap}
.lengths{margin-bottom:1rem}
`;
}

function tables(): string {
  return `
.table-frame{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
th,td{padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline;font-weight:400}
th:last-child,td:last-child{padding-right:.25rem}
th.num,td.num{text-align:right}
thead th,thead td{font-size:.8125rem;color:var(--muted);white-space:nowrap}
tbody th{font-weight:550;overflow-wrap:anywhere}
tbody th small{display:block}
.data{margin-top:.75rem;font-size:.9375rem}
.data>summary{position:relative;padding:.5rem 0 .5rem 1.35rem;color:var(--muted)}
.share-bar{display:inline-block;width:6rem;height:.5rem;background:var(--lost);vertical-align:.05em;margin-right:.4rem}
.share-bar b{display:block;height:100%;background:var(--kept)}
.share-cell{white-space:nowrap;padding-left:1.25rem}
thead th.share-cell{padding-left:1.25rem}
`;
}

function duplicates(): string {
  return `
.settings{margin:.5rem 0 .75rem;display:flex;flex-wrap:wrap;gap:.3rem}
.sizes th:first-child{width:12rem}
.size-bar{width:45%}
.size-bar s{height:.5rem}
table+.quiet,.table-frame+.quiet,.group>.quiet{font-size:.875rem;margin-top:.5rem}
.group>h4+.quiet{margin:0 0 .5rem}
.rates td,.rates th{vertical-align:middle}
.rates .size-bar{width:30%}
.facts.savings{grid-template-columns:repeat(auto-fill,minmax(min(9rem,40%),1fr))}
.matrix{width:auto;margin-top:.5rem;border-collapse:separate;border-spacing:2px;font-size:.875rem}
.matrix th,.matrix td{padding:.4rem .6rem;border:0;text-align:right;white-space:nowrap}
.matrix th:last-child,.matrix td:last-child{padding-right:.6rem}
.matrix tbody th{position:sticky;left:0;background:var(--page);text-align:left;max-width:11rem;overflow:hidden;text-overflow:ellipsis}
.matrix thead th{max-width:8rem;overflow:hidden;text-overflow:ellipsis}
.matrix tbody td{min-width:3.5rem;background:color-mix(in srgb,var(--lost) var(--heat,0%),var(--panel))}
.matrix .none{color:var(--muted)}
.similarity{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem 2rem;margin-top:.5rem}
.similarity .legend{margin-bottom:.6rem}
.similarity .legend b{color:var(--ink);font-weight:600}
.plot-small .plot-bars{position:relative;height:9rem;background:none}
.plot-stack{flex:1;min-width:0;display:flex;flex-direction:column;justify-content:flex-end;padding:0 1px}
.plot-stack u{display:block;background:var(--before);opacity:.7}
.plot-stack s{display:block;background:var(--lost)}
.plot-stack b{display:block;background:var(--kept)}
.curve{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.curve polyline{fill:none;stroke:var(--ink);stroke-width:2}
.plot-ticks{grid-column:2;display:flex;justify-content:space-between;font-size:.75rem;color:var(--muted);padding-top:.2rem}
.plot-title{grid-column:2;font-size:.75rem;color:var(--muted);text-align:center}
.cluster-tools{display:flex;flex-wrap:wrap;gap:.4rem 1.1rem;align-items:center;margin:.4rem 0 .6rem;font-size:.875rem}
.cluster-tools input[type=search],.cluster-tools select,.compare select{font:inherit;color:var(--ink);background:var(--page);border:1px solid var(--line);border-radius:4px;padding:.2rem .45rem;min-height:2rem;max-width:100%}
.cluster-tools input[type=search]{width:13rem}
.cluster-tools select{max-width:12rem}
.cluster-tools [role=status]{margin-left:auto}
.clusters{border-top:1px solid var(--line)}
.clusters>li{border-bottom:1px solid var(--line)}
.clusters summary{position:relative;padding:.55rem .25rem .55rem 1.35rem;display:flex;gap:.75rem;align-items:baseline;min-width:0}
.clusters summary b{flex:none;font-weight:600}
.clusters summary .badge{flex:none}
.cluster-hint{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.875rem}
.cluster-body{padding:.25rem 0 1rem 1.35rem}
.cluster-body>.quiet{font-size:.875rem;margin-top:.5rem}
.compare{display:flex;flex-wrap:wrap;gap:.25rem .6rem;align-items:center;font-size:.875rem;color:var(--muted);margin-bottom:.5rem}
.compare select{flex:1 1 14rem;min-width:0}
.members{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:.35rem 1rem;max-height:34rem;overflow:auto;padding:2px}
.members>:only-child{max-width:42rem}
.same{margin-top:.35rem;font-size:.875rem;color:var(--muted)}
.more{margin-top:.75rem}
.badge{font-size:.8125rem;font-weight:600;padding:0 .45em;border-radius:3px;background:var(--lost-soft);color:var(--lost)}
.member-kept .badge,.badge-better{background:var(--kept);color:var(--page)}
.member-kept .excerpt{box-shadow:inset 0 0 0 2px var(--kept)}
del,ins{background:var(--mark);color:var(--ink);border-radius:2px;text-decoration:none}
del{text-decoration:line-through;text-decoration-color:var(--lost)}
.top-lines th[scope=row]{font-weight:400;font-size:.875rem}
.trend{font-size:1.125rem;margin-bottom:1.25rem}
.baseline{font-size:.875rem;margin-top:1.5rem}
.trend-better b{color:var(--kept)}
.trend-worse b{color:var(--lost)}
.limit-line{margin:-.5rem 0 1.75rem;font-size:1rem}
.limit-line b{display:inline-block;padding:0 .5em;margin-right:.35em;border-radius:3px}
.limit-over b{background:var(--lost);color:var(--page)}
.limit-kept b{background:var(--kept);color:var(--page)}
`;
}

function outputs(): string {
  return `
.output+.output{margin-top:2.25rem}
.paths{margin-top:.15rem;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(11rem,100%),1fr));gap:.6rem 1.5rem;margin:.75rem 0;font-size:.9375rem}
.facts>div{min-width:0}
.facts dt{font-size:.8125rem;color:var(--muted)}
.facts dd{overflow-wrap:anywhere}
.recipe{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 .75rem;align-items:center;margin-top:.75rem}
.recipe-tool{font-size:.8125rem;color:var(--muted)}
.recipe pre{grid-column:1/-1;grid-row:2;margin-top:.2rem;padding:.6rem .85rem;background:var(--panel);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.copy{grid-row:1;grid-column:2;font:inherit;font-size:.8125rem;color:var(--muted);background:none;border:1px solid var(--line);border-radius:4px;padding:0 .55rem;min-height:1.5rem;cursor:pointer}
`;
}

function media(): string {
  return `
@media (min-width:48rem){
.flow-row{grid-template-columns:11rem minmax(0,1fr) 14.5rem;align-items:start}
.flow-name{grid-column:1;grid-row:1}
.flow-bars{grid-column:2;grid-row:1;margin-top:0}
.flow-figure{grid-column:3;text-align:left}
.reason{grid-template-columns:minmax(0,1fr) 9rem 4.5rem 4rem 5rem}
.reason-bar{grid-row:auto;grid-column:auto}
.reason-bytes{display:block}
}
@media (min-width:64rem){
.chapter{display:grid;grid-template-columns:10.5rem minmax(0,1fr);gap:2.5rem;padding:3rem 0}
.chapter-head{position:sticky;top:4rem;align-self:start;margin:0}
}
@media (max-width:40rem){
.figures{grid-template-columns:1fr 1fr;gap:1.1rem 1.25rem}
.sizes th:first-child{width:auto}
.size-bar{width:35%}
.stacking thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.stacking,.stacking tbody,.stacking tr,.stacking th,.stacking td{display:block}
.stacking tr{padding:.75rem 0;border-bottom:1px solid var(--line);display:grid;grid-template-columns:1fr 1fr;gap:.35rem 1.25rem}
.stacking tr>*,.stacking .share-cell{border:0;padding:0}
.stacking tbody th{grid-column:1/-1}
.stacking td.num{text-align:left}
.stacking td::before{content:attr(data-label);display:block;font-size:.8125rem;color:var(--muted)}
.stacking .share-cell{grid-column:1/-1;grid-row:4}
.group-sum{margin-left:0;flex-basis:100%}
.taper{height:.75rem;margin-bottom:.55rem}
.samples,.cluster-body{padding-left:0}
.members{max-height:none}
.members .excerpt{max-height:60vh;overflow:auto}
.members .member+.member{margin-top:.75rem}
.rates .size-bar{width:15%}
.cluster-tools label:first-child{flex:1 1 100%;display:flex;gap:.5rem;align-items:center}
.cluster-tools input[type=search]{flex:1;width:auto;min-width:0}
.cluster-tools [role=status]{margin-left:0}
}
@media print{nav,.plain-button,.copy{display:none!important}.chapter-head{position:static}body{font-size:11pt}.chapter{break-inside:auto}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
`;
}
