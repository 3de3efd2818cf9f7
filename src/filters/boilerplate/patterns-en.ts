/** Lines that pages in English carry around their text; each is tried on a whole trimmed line. */
import type { LinePattern } from './line-pattern.ts';

export const ENGLISH_LINES: readonly LinePattern[] = [
  {
    kind: 'menu',
    pattern:
      /^(?:[\s|/·•>»›:*-]*(?:home|about(?: us)?|contact(?: us)?|news|blog|faqs?|help|support|search|site ?map|shop|store|cart|my account|account|log ?in|log ?out|sign ?(?:in|up|out)|register|subscribe|rss|print|menu|skip to (?:main )?(?:content|navigation)|jump to navigation|back to top|top of page|privacy(?: policy)?|terms(?: of (?:use|service)| (?:and|&) conditions)?|careers|jobs|press|advertis(?:e|ing)(?: with us)?|feedback|accessibility|newsletters?|archives?|categories|tags?|photos?|videos?|sports?|business|entertainment|weather|classifieds|obituaries|opinion|lifestyle|travel|politics|world|local|health|science|tech(?:nology)?|education|downloads?|forums?|gallery|products?|services|close|more|view all|see all))+[\s|/·•>»›:*-]*$/i,
    maxChars: 200,
  },
  {
    kind: 'position',
    pattern: /^(?:you are here|location)\s*[:»>].{0,100}$|^[\w &'-]{2,24}(?:[>»›→]+ *[\w&'][\w &',-]{1,40}){2,}$/i,
    maxChars: 120,
  },
  {
    kind: 'neighbours',
    pattern:
      /^[«<←]?\s*(?:previous|next|older|newer|prev)(?: (?:post|article|page|story|entries|posts|chapter|topic))?\s*[»>→:]?(?:\s.{0,60})?$/i,
    maxChars: 80,
  },
  {
    kind: 'related',
    pattern:
      /^(?:related|recommended|popular|trending|most (?:read|popular|viewed|shared|commented)|more (?:from|on|in|stories)|you (?:may|might) also (?:like|enjoy|be interested)|also (?:on|in|see)|latest|recent|top|featured)(?:\s(?:articles?|posts?|stories|news|content|links?|topics?|reading|videos?|products?|searches|comments?|headlines))?(?: (?:this|the|our)? ?[\w ]{0,24})?\s*[:»>]?$/i,
    maxChars: 60,
  },
  {
    kind: 'related',
    pattern:
      /^(?:read|see|view|show|load|learn|find out|click here for|continue reading)\s(?:the )?(?:more|full (?:story|article)|all|comments)\b.{0,30}$/i,
    maxChars: 50,
  },
  {
    kind: 'credits',
    pattern:
      /^(?:posted|published|written|submitted|edited|filed|uploaded)\s(?:by|on|in|under|at)\b.{0,90}$|^by [A-Z][\w.'-]+(?: [A-Z][\w.'-]+){0,3}(?:\s*[|,].{0,40})?$|^(?:last )?(?:updated|modified|reviewed)\s*(?:on|:).{0,50}$/i,
    maxChars: 110,
  },
  {
    kind: 'date',
    pattern:
      /^(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s*)?(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?\s+(?:\d{1,2}(?:st|nd|rd|th)?,?\s+)?\d{4}(?:,?\s*(?:at\s*)?\d{1,2}:\d{2}.{0,16})?$/i,
    maxChars: 60,
  },
  {
    kind: 'copyright',
    pattern:
      /copyright|©|\(c\)\s*(?:19|20)\d{2}|all rights reserved|may not be (?:published|reproduced|republished)|powered by\s/i,
    maxChars: 160,
  },
  {
    kind: 'cookies',
    pattern:
      /(?:we|this (?:web)?site|our (?:web)?site|by (?:using|continuing))\b.{0,60}\bcookies?\b|cookies? (?:policy|settings|preferences|notice)|accept (?:all )?cookies/i,
    maxChars: 300,
  },
  {
    kind: 'share',
    pattern:
      /^(?:share|tweet|like|pin|email|e-mail|print|save|bookmark|follow|reply|report|flag)(?:\s(?:this|on|via|to|us|it|with|article|page|story|post|facebook|twitter|pinterest|linkedin|reddit|google\+?|by|a friend|your friends|abuse|for later|&|and|print)\b.{0,40})?\s*[:|]?$/i,
    maxChars: 70,
  },
  {
    kind: 'share',
    pattern:
      /^(?:(?:facebook|twitter|linkedin|google\+?|pinterest|reddit|whatsapp|instagram|youtube|tumblr|stumbleupon|digg|delicious|email|print|rss|telegram)[\s|,/·]*)+$/i,
    maxChars: 120,
  },
  {
    kind: 'login',
    pattern:
      /^(?:please |you must |you need to |already (?:a member|registered|have an account)|not a member|forgot|don't have an account|create (?:an |your )?account|remember me|sign (?:in|up) (?:to|with|for|now)|log ?in (?:to|with)|register (?:to|for|now)|enter your (?:e-?mail|password|username))\b.{0,80}$/i,
    maxChars: 110,
  },
  {
    kind: 'newsletter',
    pattern:
      /^(?:subscribe|sign up|join)\b.{0,60}\b(?:newsletter|mailing list|e-?mail|updates|alerts|rss|feed)\b.{0,40}$/i,
    maxChars: 120,
  },
  {
    kind: 'comments',
    pattern:
      /^(?:leave|post|add|write|view|show|hide|read)?\s*(?:a|your|all|the)?\s*\(?\d{0,6}\)?\s*(?:comments?|repl(?:y|ies)|responses?|views?|likes?|shares?|votes?)\s*(?:\(?\d*\)?|are closed\.?|off|below)?\s*[:»]?$/i,
    maxChars: 50,
  },
  {
    kind: 'adverts',
    pattern:
      /^[-[(\s]*(?:advertisements?|sponsored(?: (?:content|links?|by.{0,30}))?|ads? by.{0,24}|story continues below.{0,30}|article continues below.{0,30}|promoted)[-\])\s:]*$/i,
    maxChars: 60,
  },
];
