/** What the chapter Alignment needs besides the common style sheet and that of charts. */
export const ALIGNMENT_STYLE = `
.chains{list-style:none;margin:0 0 1.75rem;padding:0}
.chains li+li{margin-top:.3rem}
.chains a{font-weight:600}
.chains small{color:var(--muted)}
.arrow{color:var(--muted);padding:0 .2em}
.answers{border-collapse:collapse;width:100%;font-size:.875rem}
.answers th,.answers td{text-align:left;vertical-align:top;padding:.6rem .9rem .6rem 0;border-bottom:1px solid var(--line);min-width:9rem;overflow-wrap:anywhere}
.answers thead th{border-bottom-color:var(--ink);font-weight:600;white-space:nowrap}
.answers thead small{display:block;font-weight:400;color:var(--muted)}
.answers tbody th{font-weight:600;color:var(--kept);min-width:8rem;max-width:16rem}
.answers td{white-space:pre-wrap;max-width:22rem}
.answers .first-answer{color:var(--muted)}
.answers .empty{color:var(--muted);font-style:italic}
.aligned{margin-top:2.5rem;scroll-margin-top:4rem}
.aligned>h3 small{font-weight:400}
.changes{margin:.5rem 0 1.5rem}
.changes dd{font-variant-numeric:tabular-nums}
.aligned h4{margin-top:1.25rem}
.aligned .charts{margin-top:1.5rem}
.interval{display:block;position:relative;height:1.1rem;min-width:10rem;background:linear-gradient(var(--line),var(--line)) center/100% 1px no-repeat}
.interval b{position:absolute;top:.35rem;height:.4rem;background:var(--curve);opacity:.35;border-radius:2px}
.interval i{position:absolute;top:.2rem;width:.7rem;height:.7rem;margin-left:-.35rem;border-radius:50%;background:var(--curve)}
.interval u{position:absolute;top:0;bottom:0;left:50%;border-left:1px dashed var(--muted)}
`;
