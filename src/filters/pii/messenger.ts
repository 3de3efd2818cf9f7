/**
 * QQ and WeChat accounts, which Chinese pages give in place of a telephone number. Only behind their names: the accounts
 * themselves are plain numbers and words. Off by default. After MNBVC, whose cleaning removes QQ numbers.
 */

const QQ_NAME = /(?:\bQ{1,2}|扣扣|企鹅)(?:群|号|号码|群号|联系|咨询|客服|交流群|邮箱)?[\s:：是为]{0,3}$/i;
const QQ = /[1-9]\d{4,10}(?![\w@-]|\.\d)/y;

/** End of the QQ number at `start`, or -1. */
export function findQq(text: string, start: number): number {
  QQ.lastIndex = start;
  if (!QQ.test(text)) return -1;
  return QQ_NAME.test(text.slice(Math.max(0, start - 10), start)) ? QQ.lastIndex : -1;
}

const WECHAT_NAME =
  /(?:(?:微信|威信|薇信)(?:公众号|号|号码|ID|帐号|账号|同号)?[\s:：是为]{1,3}|(?:\bwe ?chat|\bweixin|\bvx|\bV信)(?: ?id)? ?[:：] ?|加(?:我)?(?:微信|V)[\s:：]{0,2})$/i;
const WECHAT = /[A-Za-z][\w-]{5,19}(?![\w@.])/y;

/** End of the WeChat account at `start`, or -1. Accounts of the public (公众号) are not persons'. */
export function findWechat(text: string, start: number): number {
  WECHAT.lastIndex = start;
  if (!WECHAT.test(text)) return -1;
  const name = WECHAT_NAME.exec(text.slice(Math.max(0, start - 14), start))?.[0];
  return name === undefined || name.includes('公众') ? -1 : WECHAT.lastIndex;
}
