/**
 * The values of curves at a place: a pointer over a chart, or the arrow keys while it has the focus, move a line over it, and
 * the figures there stand below the chart, where screen readers find them too. Part of the page's one script.
 */
export const CHART_SCRIPT = `
  const showChart = (plot) => {
    const id = plot.dataset.chart;
    const data = JSON.parse(document.getElementById(id + '-data').textContent);
    const area = plot.querySelector('.chart-area');
    const cursor = plot.querySelector('.cursor');
    const words = document.getElementById(id + '-values');
    const places = [...new Set(data.lines.flatMap((line) => line[1].map((point) => point[0])))].sort((a, b) => a - b);
    const nearest = (list, at) => list.reduce((best, one) => Math.abs(one - at) < Math.abs(best - at) ? one : best, list[0]);
    let at;
    const show = (place) => {
      at = place;
      cursor.hidden = false;
      cursor.style.left = 100 * (at - data.low) / (data.high - data.low || 1) + '%';
      const values = data.lines.map(([name, points]) => {
        const near = nearest(points.map((point) => point[0]), at);
        return name + ' ' + points.find((point) => point[0] === near)[1];
      });
      const where = data.unit === 'steps' ? 'step ' + at.toLocaleString('en-US') : at.toLocaleString('en-US') + ' tokens';
      words.textContent = where + ': ' + values.join(', ');
    };
    const hide = () => { cursor.hidden = true; words.textContent = ''; };
    area.addEventListener('pointermove', (event) => {
      const box = area.getBoundingClientRect();
      show(nearest(places, data.low + (data.high - data.low) * (event.clientX - box.left) / box.width));
    });
    area.addEventListener('pointerleave', hide);
    plot.addEventListener('blur', hide);
    plot.addEventListener('keydown', (event) => {
      const now = at === undefined || cursor.hidden ? -1 : places.indexOf(at);
      const far = Math.max(1, Math.round(places.length / 20));
      const to = { ArrowRight: now + 1, ArrowLeft: now < 0 ? places.length - 1 : now - 1, PageDown: now + far, PageUp: now - far, Home: 0, End: places.length - 1 }[event.key];
      if (event.key === 'Escape') hide();
      if (to === undefined) return;
      event.preventDefault();
      show(places[Math.min(Math.max(to, 0), places.length - 1)]);
    });
  };
`;
