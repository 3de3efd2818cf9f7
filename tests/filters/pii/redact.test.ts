import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATATROVE_EMAILS } from '../../../src/filters/pii/datatrove.ts';
import { redact } from '../../../src/filters/pii/redact.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { stageOf } from '../process.ts';

const run = stageOf(redact);
const all = stageOf(redact, { qq: 'redact', wechat: 'redact' });

// Numbers are examples from the issuers' own documents (test cards, IBAN registry, GB 11643's annex) or reserved for fiction.
const FOUND: [string, string][] = [
  ['write to jane.doe+tag@mail.example.co.uk today', 'write to [EMAIL] today'],
  ['邮箱zhang.san@example.cn联系', '邮箱[EMAIL]联系'],
  ['jean@exämple.de', '[EMAIL]'],
  ['(mail: o.k@example.org.)', '(mail: [EMAIL].)'],
  ['see me@example.com.Then go', 'see [EMAIL].Then go'],
  ["'bob@example.com'", "'[EMAIL]'"],
  ['call +1 (202) 555-0143 now', 'call [PHONE] now'],
  ['202-555-0143', '[PHONE]'],
  ['(202)555-0143x12', '[PHONE]'],
  ['+44 20 7946 0958', '[PHONE]'],
  ['001-202-555-0143', '[PHONE]'],
  ['020 7946 0958', '[PHONE]'],
  ['020 7946 0958 020 7946 0959', '[PHONE] [PHONE]'],
  ['+44 20 7946 0958  202-555-0143', '[PHONE]  [PHONE]'],
  ['SSN: 460899847 020 7946 0958', 'SSN: [SSN] [PHONE]'],
  ['手机：13800138000。', '手机：[PHONE]。'],
  ['电话010-62345678转8', '电话[PHONE]转8'],
  ['Phone:\n467 3395\n', 'Phone:\n[PHONE]\n'],
  ['from 8.8.8.8:53', 'from [IP]:53'],
  ['2606:4700:4700::1111 answers', '[IP] answers'],
  ['IBAN DE89 3704 0044 0532 0130 00.', 'IBAN [IBAN].'],
  ['gb82west12345698765432', '[IBAN]'],
  ['pay with 4111 1111 1111 1111', 'pay with [CREDIT_CARD]'],
  ['378282246310005', '[CREDIT_CARD]'],
  ['身份证11010519491231002X', '身份证[ID_CARD]'],
  ['SSN 460-89-9847', 'SSN [SSN]'],
  ['SSN: 460899847', 'SSN: [SSN]'],
  ['AKIAIOSFODNN7EXAMPLE', '[SECRET]'],
  [`ghp_${'a1B2'.repeat(9)}`, '[SECRET]'],
  ['key = AIzaSyA1234567890abcdefghijklmnopqrstuv', 'key = [SECRET]'],
  ['sk-proj-Ab12Cd34Ef56Gh78Ij90', '[SECRET]'],
  ['Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def-ghi123', 'Authorization: Bearer [SECRET]'],
  ['"api_key": "9f8c7b6a5d4e3f2a1b0c"', '"api_key": "[SECRET]"'],
  ["db_password='Vj8cEeTX+qcvZ3bPaO4h0C80'", "db_password='[SECRET]'"],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE+/\n-----END RSA PRIVATE KEY-----\nend', '[SECRET]\nend'],
  ['postgres://admin:hunter22@db.example.com/x', 'postgres://[CREDENTIALS]@db.example.com/x'],
  ['加QQ群285033137', '加QQ群[QQ]'],
  ['微信号：zhang_san88，', '微信号：[WECHAT]，'],
];

const LEFT = [
  'a@b and user@host.local and icon@2x.png',
  'git clone git@github.com:org/repo.git',
  '@someone said',
  '2019-05-17 12:30:45 and 17.05.2019',
  '1234567890',
  'ISBN 978-3-16-148410-0',
  '3.14159265358979 and 1,234,567,890',
  'in 2004 2005 2006 2007',
  '192.168.1.1, 127.0.0.1, 10.0.0.1, 255.255.255.0, 203.0.113.9, 224.0.0.1',
  'version 1.2.3.4 and section 4.3.2.1 and 1.2.3.4.5',
  '256.1.1.1 and 01.2.3.4',
  'std::vector, a::b, Face::add, 12:30:45, fe80::1, ::1, 2001:db8::1',
  'DE89 3704 0044 0532 0130 01',
  '4111 1111 1111 1112',
  '110105194912310021',
  '11010519491331002X',
  '078-05-1120 and 666-12-1234 and 900-12-1234 and 460-00-9847',
  'sk-button-with-a-very-long-class-name',
  'password: yourpasswordgoeshere',
  'token = process.env.MY_TOKEN_1',
  'https://user:password@example/',
  'phone number of 2019-2020',
  '0000 0000 0000',
  'QQ音乐 2024',
  '01 02 03 04 05 06',
  '[PHONE] and 285033137',
  '[SSN] and 460899847',
  '123456789015 behind [CREDIT_CARD]',
  'fax [EMAIL] 467 3395',
  `SSN ${'- '.repeat(6)}[PHONE]${' -'.repeat(5)} 460899847`,
];

describe('redact', () => {
  it.each(FOUND)('%j becomes %j', (text, expected) => {
    expect(all(text).text).toBe(expected);
  });

  it.each(LEFT)('leaves %j', (text) => {
    expect(all(text).text).toBe(text);
  });

  it('looks for QQ and WeChat only when asked', () => {
    expect(run('加QQ群285033137 微信号：zhang_san88').text).toBe('加QQ群285033137 微信号：zhang_san88');
  });

  it('takes the action of each kind', () => {
    const text = 'a@example.com 8.8.8.8 4111111111111111';
    expect(stageOf(redact, { email: 'off', ip: 'annotate' })(text)).toMatchObject({
      verdict: 'keep',
      text: 'a@example.com 8.8.8.8 [CREDIT_CARD]',
      document: { meta: { redact: { ip: 1, creditCard: 1 } } },
    });
    expect(stageOf(redact, { creditCard: 'drop' })(text)).toMatchObject({ verdict: 'has_creditCard', value: 1, text });
    expect(stageOf(redact, { placeholders: { email: '|||EMAIL_ADDRESS|||' } })(text).text).toMatch(/^\|\|\|EMAIL/);
    expect(stageOf(redact, { publicIpOnly: false })('10.0.0.1').text).toBe('[IP]');
  });

  it('takes no placeholder of its own for a word before a number', () => {
    const text = 'MY-SSN 460899847';
    expect(run(text).text).toBe('MY-SSN [SSN]');
    expect(stageOf(redact, { placeholders: { usSsn: 'MY-SSN' } })(text).text).toBe(text);
  });

  it('drops a document with more finds than maxCount', () => {
    const six = Array.from({ length: 6 }, (_, i) => `p${i}@example.com`).join(' ');
    const limited = stageOf(redact, { maxCount: 5 });
    expect(limited(six)).toMatchObject({ verdict: 'too_much_personal_data', value: 6, threshold: 5, text: six });
    expect(limited(six.slice(0, six.lastIndexOf(' '))).verdict).toBe('keep');
  });

  it('refuses an unknown region', () => {
    expect(() => stageOf(redact, { phoneRegions: ['XX'] })).toThrow('phoneRegions: found "XX"');
  });

  it('explains without changing anything', () => {
    const stage = redact.create(redact.options.parse({ maxCount: 0 }), { name: 'redact', seed: 0, baseDir: '' });
    const document = { id: 'one', text: 'a@example.com', meta: {} };
    expect(stage.explain?.(document).slice(0, 2)).toEqual([
      { rule: 'too_much_personal_data', value: 1, max: 0, broken: true },
      { rule: 'has_email', value: 1, broken: false },
    ]);
    expect(document).toEqual({ id: 'one', text: 'a@example.com', meta: {} });
  });

  it('finds nothing more in its own output, whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom(...FOUND.map(([text]) => text)),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.stringMatching(/^[0-9 .+()@:x-]{0,24}$/),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const once = run(pieces.join(' ')).text;
        // A number freed of its neighbour may now stand alone, so two rounds must do.
        const twice = run(once).text;
        expect(run(twice).text).toBe(twice);
      }),
    );
  });

  it.each([
    'a',
    '1',
    '@',
    ':',
    '-',
    '1 ',
    '1.',
    'a@',
    'eyJ',
    '+',
    '(1',
    'password=',
    '01 23 45 67 89\n',
    '::',
    '://a:',
  ])('reads 200,000 repetitions of %j in time that grows with their length', (piece) => {
    // A quadratic search would run for minutes here and hit the test's time limit.
    expect(all(piece.repeat(200_000)).verdict).toBe('keep');
  });
});

describeWithShared("redact, beside datatrove's PIIFormatter", () => {
  const cases = gunzipSync(readFileSync(shared('goldens/peers/datatrove_pii.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { in: string; pii: string });
  const datatrove = stageOf(redact, { convention: 'datatrove' });

  it('finds what its expression finds, whatever the text', () => {
    // datatrove's own expression, with Python's idea of a word border.
    const word = '[\\p{L}\\p{N}_]';
    const border = `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
    const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+";
    const label = '[A-Za-z0-9](?:[A-Za-z0-9\\-]*[A-Za-z0-9])?';
    const expression = new RegExp(`${border}${atom}(?:\\.${atom})*@(?:${label}\\.)+${label}`, 'gu');
    const emails = stageOf(redact, { convention: 'datatrove', ip: 'off' });
    const text = fc.string({ unit: fc.constantFrom(...'ab1._-+{@@. 中é𠀀'), maxLength: 24 });
    fc.assert(
      fc.property(text, (input) => {
        let ordinal = 0;
        const expected = input.replace(expression, () => DATATROVE_EMAILS[ordinal++ % 2]);
        expect(emails(input).text).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(cases)('gives $in as $pii', ({ in: text, pii }) => {
    expect(datatrove(text).text).toBe(pii);
  });
});
