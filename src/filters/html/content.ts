/**
 * Which runs of a page are its main content.
 *
 * 1. Blocks whose names say that they are something else (navigation, comments, sharing, related pages) are set aside,
 *    unless most of the page's prose is in them.
 * 2. Every run gets a score: prose its length, runs of links and crumbs of text a loss. The content is the element with
 *    the greatest sum (cf. maximum subsequence segmentation, Pasternack & Roth 2009; text and link density after
 *    Kohlschütter et al. 2010), which a name such as `article-body` raises.
 * 3. Inside it, subtrees that are mostly links go, and so do crumbs before the first and after the last prose.
 */
import { CELL, CODE, HEADING, ITEM, type Layout, type Run } from './runs.ts';

export interface Content {
  /** Kept runs, in order. */
  runs: Run[];
  /** Sum of the weight of their prose. */
  weight: number;
}

/**
 * Chosen on the 990 pages of trafilatura's evaluation: searched on every second page, and where two settings were close, the
 * plainer one was taken after a look at both halves. So no half is a clean test (bench/html.ts).
 */
/** Weight from which a run without a sentence's end is prose, and with one. */
const LONG_PROSE = 80;
const SHORT_PROSE = 25;
/** Loss for a run of links, by its weight; and for a crumb. */
const LINKS_LOSS = { least: 10, perWeight: 0.5, most: 60 };
const CRUMB_LOSS = 5;
/** What an element's name or tag adds to its sum. */
const NAMED_CONTENT = 1.2;
const TAGGED_CONTENT = 1.1;
/** A block with more than this share of the page's prose is not set aside, whatever it is called. */
const MAX_ASIDE_BLOCK = 0.6;
/** Where names would set aside more than this share altogether, they are not believed at all. */
const MAX_ASIDE = 0.9;
/** Share of links above which a block inside the content goes; the lower one if its prose does not outweigh its crumbs. */
const LINK_BLOCK = 0.8;
const LINK_BLOCK_WITHOUT_PROSE = 0.35;

const ASIDE_TAGS = new Set(['nav', 'aside', 'footer', 'menu', 'figcaption']);

/** Parts of a name, between spaces, hyphens and underscores, that say what a block is wherever they stand. */
const ASIDE_PARTS =
  /(?:^|[\s_-])(?:navi?|navbar|navigation|menu|menus|submenu|breadcrumbs?|sidebar|footer|comments?|commentlist|disqus|respond|reply|replies|share|sharing|sharebar|sharedaddy|shariff|socials?|sociable|related|recommend(?:ed|ations?)?|recirc|promo|promos|promoted|newsletter|subscribe|subscription|signup|cookies?|consent|gdpr|advert|advertisement|advertising|adsense|sponsor(?:ed)?|taboola|outbrain|popup|modal|overlay|pagination|pager|paginator|tagcloud|byline|widget|toolbar|copyright|popular|trending|dropdown|navbox|catlinks|editsection|printfooter|jp|yarpp|hatom|addtoany|addthis)(?=$|[\s_-])/;

/** Pieces that say it even inside a longer word. */
const ASIDE_PIECES =
  /comments-|-comments|commentlist|author-?(?:info|desc|bio|box|date|meta|about|card|profile)|post-?meta|entry-?(?:meta|author)|meta-?info|article-?meta|next-?(?:story|post|article)|image-?source|img-?caption|image-?caption|figure-?caption|__caption|caption-|photo-?credit|copyright|disclosure|it-ad|-ad-|ad-unit|adbox|ad-wrapper|advert|newsletter|cookie|content-blocker|modteaser|mod-teaser|teaser-list|related|recommend|social|share-|-share|affiliate|wishlist|appstore|asset-box|factbox|bookmark|download-app|paywall|subscrib|twitter-tweet|instagram-media|fb-post|donat/;

/** Names that say it only when they stand alone or as a whole. */
const ASIDE_TOKENS =
  /(?:^|\s)(?:nav|side-?bar|foot|ads?|ad-\S+|tags?|tag-?list|tag-?links|post-?tags|entry-?tags|meta|post-?meta|entry-?meta|article-?meta|entry-?utility|author-?(?:box|bio|info)|about-?author|author|authors|banner|tools|ratings?|login|search|search-?form|skip-?link|hidden|sr-only|screen-reader-text|visually-hidden|more-?(?:stories|articles|news)|read-?(?:more|next)|most-?read|next-?post|prev-?post|post-?navigation|legal|disclaimer|caption|wp-caption-text|credits?|attribution|article-?footer|article-?tools|post-?footer|entry-?footer|kommentare?|kommentieren|teilen|date|post-?date|entry-?date|published|timestamp|posted-?on|sub-?title-?date|similar|also|outro|series|references-?list)(?=$|\s)/;

/** WordPress writes an article's own tags and categories into its class. */
const TAXONOMY = /(?:^|\s)(?:tag|category|post_tag|cat|topic|author|format|status)-\S+/g;

const CONTENT_NAMES =
  /(?:^|[\s_-])(?:article-?body|articlebody|story-?body|post-?body|entry-?content|post-?content|article-?content|article-?text|story-?content|content-?body|body-?content|main-?content|page-?content|blog-?post|post-?text|entry|mw-parser-output|richtext|rich-text|prose|hentry|text-?content|content__body|article__body|post__content|article__content|single-?content|news-?content|detail-?content)(?=$|[\s_-])/;

/** Ends like a sentence, in any script. */
const SENTENCE_END = /[.!?…。!?؟।:;"”’»」』)]\s*$/;

export function findContent({ runs, blocks }: Layout): Content {
  const count = runs.length;
  const scores = new Float64Array(count);
  let prose = 0;
  for (let i = 0; i < count; i++) {
    scores[i] = scoreOf(runs[i]);
    if (scores[i] > 0) prose += scores[i];
  }
  // 1. set aside
  let aside = new Uint8Array(count);
  let lost = 0;
  for (let b = 1; b < blocks.length; b++) {
    const { element, from, to } = blocks[b];
    if (from === to || aside[from] === 1 || !isAside(element.tag, element.names)) continue;
    let inside = 0;
    for (let i = from; i < to; i++) inside += Math.max(0, scores[i]);
    if (inside > MAX_ASIDE_BLOCK * prose) continue;
    lost += inside;
    aside.fill(1, from, to);
  }
  // Names that claim nearly everything claim nothing: the page calls its own text so.
  if (lost > MAX_ASIDE * prose) aside = new Uint8Array(count);
  const sums = new Float64Array(count + 1);
  const weights = new Float64Array(count + 1);
  const links = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) {
    const out = aside[i] === 1;
    sums[i + 1] = sums[i] + (out ? 0 : scores[i]);
    weights[i + 1] = weights[i] + (out ? 0 : runs[i].weight);
    links[i + 1] = links[i] + (out ? 0 : runs[i].linkWeight);
  }
  // 2. the best element
  let best = 0;
  let bestSum = Number.NEGATIVE_INFINITY;
  for (let b = 0; b < blocks.length; b++) {
    const { element, from, to } = blocks[b];
    if (from === to || aside[from] === 1) continue;
    let sum = sums[to] - sums[from];
    if (sum > 0) {
      if (element.tag === 'article' || element.tag === 'main') sum *= TAGGED_CONTENT;
      if (CONTENT_NAMES.test(element.names)) sum *= NAMED_CONTENT;
    }
    if (sum > bestSum || (sum === bestSum && to - from <= blocks[best].to - blocks[best].from)) {
      best = b;
      bestSum = sum;
    }
  }
  const { from, to } = blocks[best];
  // 3. what is inside it
  const kept = new Uint8Array(count);
  for (let i = from; i < to; i++) kept[i] = aside[i] === 1 ? 0 : 1;
  for (let b = best + 1; b < blocks.length && blocks[b].from < to; b++) {
    const block = blocks[b];
    const weight = weights[block.to] - weights[block.from];
    const linked = links[block.to] - links[block.from];
    if (weight === 0) continue;
    const density = linked / weight;
    if (density > LINK_BLOCK || (density > LINK_BLOCK_WITHOUT_PROSE && sums[block.to] - sums[block.from] <= 0))
      kept.fill(0, block.from, block.to);
  }
  let first = from;
  let last = to - 1;
  while (first < to && !(kept[first] === 1 && (scores[first] > 0 || runs[first].kind === HEADING))) first++;
  while (
    last > first &&
    !(kept[last] === 1 && (scores[last] > 0 || runs[last].kind === CELL || runs[last].kind === ITEM))
  )
    last--;
  const out: Run[] = [];
  let total = 0;
  for (let i = first; i <= last && i < to; i++) {
    if (kept[i] === 0) continue;
    out.push(runs[i]);
    total += runs[i].weight;
  }
  return { runs: out, weight: total };
}

function isAside(tag: string, names: string): boolean {
  if (ASIDE_TAGS.has(tag)) return true;
  if (names === '' || tag === 'body' || tag === 'main' || tag === 'article') return false;
  const own = names.includes('-') ? names.replace(TAXONOMY, ' ') : names;
  return ASIDE_PARTS.test(own) || ASIDE_TOKENS.test(own) || ASIDE_PIECES.test(own);
}

/** Above zero: prose. Below: links and crumbs. */
function scoreOf(run: Run): number {
  const { weight, linkWeight, kind, text } = run;
  const density = linkWeight / weight;
  if (density > 0.5) return -Math.min(LINKS_LOSS.most, LINKS_LOSS.least + weight * LINKS_LOSS.perWeight);
  if (kind === CODE) return Math.min(weight, 400);
  if (kind === HEADING) return 0;
  const own = weight - linkWeight;
  if (own >= LONG_PROSE) return own;
  const ends = SENTENCE_END.test(text);
  if (own >= SHORT_PROSE && ends) return own;
  if (run.paragraph && own >= SHORT_PROSE) return own / 2;
  if (kind === ITEM || kind === CELL) return 0;
  return ends ? 0 : -CRUMB_LOSS;
}
