/**
 * Simplified or traditional Chinese, by counting characters that only one of the two uses: the two hundred or so pairs that
 * make up most of what differs in running text. Characters that both use (后, 里, 只, 台) say nothing.
 */
import { defineFeature } from './view.ts';

const SIMPLIFIED =
  '这来们国时说会为个学对发过进动现问开关经无机业样电话书车东长门见让认识难请谁谢还边远连运达选总应当实体点热爱万与专两严丧丰临举义乐习乡买乱' +
  '产亲亿仅从仓众优传伤伦价张强归录战历师带广庆库异报护担换据择损挥摄数断显权条极构标树检楼欢气汉汤决没沟济深测满灭灯灵炉环盘监盖码确种积称稳' +
  '穷笔类粮纪级纳纯纸线练组细织终结给络统续维绿网罗职联肃胜脑艺节药营虽补装规视览觉计订讨训议讯记讲许论设访证评译试诗诚详语误调谈谋谱贝负财责' +
  '贤败货质贩贫购贵费资赏赛赞赵转轮软轻载较辆辑输释钟钱铁银锁错镇闭间闻阳阴阶际陆陈险随隐韩页顶项顺须预领频题颜额风飞馆驱验鱼鲜鸟鸡麦黄齐龙';
const TRADITIONAL =
  '這來們國時說會為個學對發過進動現問開關經無機業樣電話書車東長門見讓認識難請誰謝還邊遠連運達選總應當實體點熱愛萬與專兩嚴喪豐臨舉義樂習鄉買亂' +
  '產親億僅從倉眾優傳傷倫價張強歸錄戰歷師帶廣慶庫異報護擔換據擇損揮攝數斷顯權條極構標樹檢樓歡氣漢湯決沒溝濟深測滿滅燈靈爐環盤監蓋碼確種積稱穩' +
  '窮筆類糧紀級納純紙線練組細織終結給絡統續維綠網羅職聯肅勝腦藝節藥營雖補裝規視覽覺計訂討訓議訊記講許論設訪證評譯試詩誠詳語誤調談謀譜貝負財責' +
  '賢敗貨質販貧購貴費資賞賽贊趙轉輪軟輕載較輛輯輸釋鐘錢鐵銀鎖錯鎮閉間聞陽陰階際陸陳險隨隱韓頁頂項順須預領頻題顏額風飛館驅驗魚鮮鳥雞麥黃齊龍';

const IS_SIMPLIFIED = 1;
const IS_TRADITIONAL = 2;

const table = new Uint8Array(0x10000);
for (const [character, flag] of [
  ...Array.from(SIMPLIFIED, (c) => [c, IS_SIMPLIFIED] as const),
  ...Array.from(TRADITIONAL, (c) => [c, IS_TRADITIONAL] as const),
]) {
  table[character.charCodeAt(0)] |= flag;
}

/** Hans or Hant, or undefined where the text has too little that tells. Mixed text is what most of its characters are. */
export type HanScript = 'Hans' | 'Hant' | undefined;

export const hanScript = defineFeature((view): HanScript => {
  const { units, text } = view;
  let simplified = 0;
  let traditional = 0;
  for (let i = 0; i < text.length; i++) {
    const flags = table[units[i]];
    if (flags === IS_SIMPLIFIED) simplified++;
    else if (flags === IS_TRADITIONAL) traditional++;
  }
  if (simplified === traditional) return undefined;
  return simplified > traditional ? 'Hans' : 'Hant';
});
