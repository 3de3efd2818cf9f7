/**
 * The page's only script: remembers a chosen theme, opens and closes all examples, copies commands, and lists the
 * clusters (cluster-script.ts), and reads values off charts (chart-script.ts). All else on the page is there without it; the controls it serves are hidden until it runs.
 * The page's content policy allows this text by its hash and no other.
 */
import { CHART_SCRIPT } from './chart-script.ts';
import { CLUSTER_SCRIPT } from './cluster-script.ts';

export const PAGE_SCRIPT = `(() => {
${CLUSTER_SCRIPT}${CHART_SCRIPT}
  const root = document.documentElement;
  const KEY = 'corpusmill-theme';
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const store = (value) => { try { localStorage.setItem(KEY, value); } catch {} };
  const asked = /[?#&]theme=(light|dark)/.exec(location.search + location.hash);
  const theme = asked ? asked[1] : stored();
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  document.addEventListener('DOMContentLoaded', () => {
    const isDark = () => root.dataset.theme
      ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    const toggle = document.getElementById('theme-toggle');
    const label = () => { toggle.textContent = isDark() ? 'Light theme' : 'Dark theme'; };
    toggle.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      store(root.dataset.theme);
      label();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', label);
    label();
    toggle.hidden = false;
    for (const view of document.querySelectorAll('[data-clusters]')) showClusters(view);
    for (const plot of document.querySelectorAll('[data-chart]')) showChart(plot);
    for (const button of document.querySelectorAll('[data-opens]')) {
      const all = () => [...document.querySelectorAll('#' + button.dataset.opens + ' details.fold')];
      button.hidden = false;
      button.addEventListener('click', () => {
        const open = all().some((one) => !one.open);
        for (const one of all()) one.open = open;
        button.textContent = open ? 'Close all' : 'Open all';
        button.setAttribute('aria-expanded', String(open));
      });
    }
    for (const button of document.querySelectorAll('.copy')) {
      if (!navigator.clipboard) break;
      button.hidden = false;
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(button.parentElement.querySelector('code').textContent);
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      });
    }
  });
})();`;
