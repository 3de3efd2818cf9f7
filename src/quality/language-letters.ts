/**
 * What letters say about a language, for texts too short for statistics: the scripts a language is written in, and for
 * alphabets with marks of their own, the letters it uses. Codes are those of lid.176 (Wikipedia's).
 *
 * Sources: Unicode CLDR exemplar characters (main set, with the marks that dictionaries of the language use). A language that is
 * not listed under an alphabet is taken to use all of its letters.
 */
import type { Script } from '../text/scripts.ts';

/** Languages by script, for scripts that decide or nearly decide the language. */
export const LANGUAGES_OF_SCRIPT: Partial<Record<Script, string>> = {
  Greek: 'el',
  Hebrew: 'he yi',
  Arabic: 'ar arz fa ur ps sd ug ckb azb pnb ku mzn lrc ks kk uz az ky tt ms pa',
  Han: 'zh yue wuu ja',
  Hiragana: 'ja',
  Katakana: 'ja',
  Hangul: 'ko',
  Bopomofo: 'zh',
  Thai: 'th',
  Lao: 'lo',
  Khmer: 'km',
  Myanmar: 'my',
  Tibetan: 'bo dz',
  Devanagari: 'hi mr ne sa bh mai new gom dty kok',
  Bengali: 'bn as bpy',
  Gurmukhi: 'pa',
  Gujarati: 'gu',
  Oriya: 'or',
  Tamil: 'ta',
  Telugu: 'te',
  Kannada: 'kn',
  Malayalam: 'ml',
  Sinhala: 'si',
  Georgian: 'ka xmf',
  Armenian: 'hy',
  Ethiopic: 'am ti',
  Thaana: 'dv',
  Cyrillic:
    'ru uk be bg sr sh mk kk ky tg tt ba cv mn bxr xal uz az os ce av lez krc kv koi mhr mrj myv mdf udm sah tyv rue ab cu ' +
    'bs hr',
  Mongolian: 'mn',
};

/** Scripts whose languages are not written in any other: what is left for a text in Latin letters is everything else. */
export const NEVER_LATIN = new Set(
  (
    'el he yi ar arz fa ur ps sd ug ckb azb pnb mzn lrc zh yue wuu ja ko th lo km my bo dz hi mr ne sa bh mai new gom dty bn as bpy ' +
    'pa gu or ta te kn ml si ka xmf hy am ti dv ru uk be bg mk kk ky tg ba cv mn bxr xal os ce av lez krc kv koi mhr mrj myv mdf ' +
    'udm sah tyv rue ab cu'
  ).split(' '),
);

/** Latin letters beyond a–z of each language. */
export const LATIN_LETTERS: Record<string, string> = {
  af: 'áâèéêëîïôöúû',
  an: 'áéíóúñü',
  ast: 'áéíñóúüḥḷ',
  az: 'çəğıöşü',
  br: 'âêîôûùñéèü',
  bs: 'čćđšž',
  ca: 'àçèéíïòóúü·ŀ',
  ceb: 'áàéíóúñâê',
  co: 'àèìòùéï',
  cs: 'áčďéěíňóřšťúůýž',
  cy: 'âêîôûŵŷäëïöüẅÿàèìòùẁỳáéíóúẃý',
  da: 'æøåé',
  de: 'äöüß',
  en: '',
  eo: 'ĉĝĥĵŝŭ',
  es: 'áéíñóúü',
  et: 'äöõüšž',
  eu: 'ñüç',
  fi: 'äöåšž',
  fr: 'àâæçéèêëîïôœùûüÿ',
  fy: 'âêéôûúëïöüà',
  ga: 'áéíóú',
  gd: 'àèìòùáéó',
  gl: 'áéíñóúüï',
  hr: 'čćđšž',
  ht: 'àèéò',
  hu: 'áéíóöőúüű',
  ia: '',
  id: 'é',
  ie: '',
  io: '',
  is: 'áðéíóúýþæö',
  it: 'àèéìíîòóù',
  jbo: '',
  jv: 'éèêå',
  ku: 'çêîşû',
  la: 'āēīōūæœë',
  lb: 'äëéöüèâêîôû',
  lt: 'ąčęėįšųūž',
  lv: 'āčēģīķļņšūž',
  mg: 'àâéèêëìïîñôù',
  min: 'é',
  ms: 'é',
  mt: 'ċġħżàèìòù',
  nds: 'äöüß',
  nl: 'áäéëèêíïóöúü',
  nn: 'æøåéèêóòôà',
  no: 'æøåéèêóòôà',
  oc: 'àáçèéíïòóúü',
  pl: 'ąćęłńóśźż',
  pt: 'áâãàçéêíóôõúü',
  qu: 'ñ',
  ro: 'ăâîșțşţ',
  sco: '',
  sh: 'čćđšž',
  sk: 'áäčďéíĺľňóôŕšťúýž',
  sl: 'čšž',
  so: '',
  sq: 'çë',
  sr: 'čćđšž',
  su: 'éèêåö',
  sv: 'åäöéàü',
  sw: '',
  tk: 'äçňöşüýž',
  tl: 'áâàéèêíîìóôòúûùñ',
  tr: 'çğıöşüâîû',
  uz: 'ʻʼ',
  vi: 'àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ',
  vo: 'äöü',
  war: 'áàéíóúñ',
  yo: 'ẹọṣàáèéìíòóùúńǹḿ',
};

const RUSSIAN = 'абвгдежзийклмнопрстуфхцчшщъыьэюя';

/** Cyrillic letters of each language. */
export const CYRILLIC_LETTERS: Record<string, string> = {
  ru: `${RUSSIAN}ё`,
  uk: 'абвгґдеєжзиіїйклмнопрстуфхцчшщьюя',
  be: 'абвгдеёжзійклмнопрстуўфхцчшыьэюя',
  bg: 'абвгдежзийклмнопрстуфхцчшщъьюяѝ',
  sr: 'абвгдђежзијклљмнњопрстћуфхцчџш',
  sh: 'абвгдђежзијклљмнњопрстћуфхцчџш',
  bs: 'абвгдђежзијклљмнњопрстћуфхцчџш',
  mk: 'абвгдѓежзѕијклљмнњопрстќуфхцчџшѐѝ',
  kk: `${RUSSIAN}ёәғқңөұүһі`,
  ky: `${RUSSIAN}ёңөү`,
  tg: 'абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя',
  tt: `${RUSSIAN}ёәөүҗңһ`,
  ba: `${RUSSIAN}ёғҙҡңөҫүһә`,
  cv: `${RUSSIAN}ёӑӗҫӳ`,
  mn: `${RUSSIAN}ёөү`,
  bxr: `${RUSSIAN}ёөүһ`,
  sah: `${RUSSIAN}ёҕҥөһү`,
  os: `${RUSSIAN}ёӕ`,
  ce: `${RUSSIAN}ёӏ`,
  mhr: `${RUSSIAN}ёҥӧӱ`,
  kv: `${RUSSIAN}ёіӧ`,
  udm: `${RUSSIAN}ёӝӟӥӧӵ`,
  rue: 'абвгґдеєёжзиіїйклмнопрстуфхцчшщъыьюя',
  uz: `${RUSSIAN}ёўқғҳ`,
};

/** Arabic letters that tell languages apart: only these are tested. */
export const ARABIC_LETTERS: Record<string, string> = {
  ar: 'ةىيكأإؤئآ',
  arz: 'ةىيكأإؤئآ',
  fa: 'پچژگکیآأؤئ',
  ur: 'ٹپچڈڑژگںھہےکیۓآأؤئ',
  pnb: 'ٹپچڈڑژگںھہےکیآؤئ',
  azb: 'پچژگکیآؤئۆۇ',
  mzn: 'پچژگکیآؤئ',
  ps: 'ټپځچڅډړږژښګڼۍېیآئيك',
  ckb: 'پچڕژڤکگڵۆەھیێئ',
  ug: 'ئپچژگڭەوۇۆۈېىيھك',
  sd: 'ٻٺٽٿپڄڃچڇڏڌڊڍڙڦگڳڱکڻهيآئ',
};

export const ARABIC_DISTINCTIVE = 'ةىيكأإؤئآپچژگکیٹڈڑںھہےۓۆۇټځڅډړږښګڼۍېڕڤڵەێڭۈٻٺٽٿڄڃڇڏڌڊڍڙڦڳڱڻ';
