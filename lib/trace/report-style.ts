/** Light and dark by what the reader prefers; no font, picture or script from anywhere. */
export const style = `
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5b6875;--paper:#f7f8fa;--card:#fff;--line:#dde2e8;--bar:#b9c6d4;--path:#1769c9;--bad:#c8372d;--slow:#c2601a;--good:#2a7d46}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b4;--paper:#12171d;--card:#1a2129;--line:#2c3640;--bar:#44525f;--path:#5aa7ff;--bad:#ff6b60;--slow:#f09a55;--good:#5cc07f}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:1120px;margin:0 auto;padding:0 24px}header{padding-top:32px}h1{font-size:26px;margin:0;overflow-wrap:anywhere}h2{font-size:18px;margin:0 0 4px}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px}a{color:var(--path)}
header p,.note,figcaption{color:var(--soft);margin:4px 0 12px}section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 24px;margin:20px 0}
svg{width:100%;height:auto;display:block}figure{margin:16px 0 0}figure:target figcaption{color:var(--ink);font-weight:600}.label{font-size:12px;fill:var(--ink)}.label.bad{fill:var(--bad)}.end{text-anchor:end}.time{font-size:11px;fill:var(--soft)}.start{text-anchor:start}
.row{fill:transparent}g:hover>.row{fill:var(--line);fill-opacity:.5}.grid{stroke:var(--line)}
.bar{fill:var(--bar)}.bar.error{fill:var(--bad);fill-opacity:.55}rect.path{fill:var(--path)}rect.path.queue{fill:var(--slow)}.key.queue{background:var(--slow)}.cell{fill:var(--path)}.cell.slow{fill:var(--slow)}.share{fill:var(--good)}a:hover .cell{stroke:var(--ink)}
.key{display:inline-block;width:18px;height:9px;border-radius:2px;background:var(--bar);margin:0 2px 0 8px}.key.path{background:var(--path)}.key.error{background:var(--bad)}
.edge{fill:none;stroke:var(--bar)}.edge.message{stroke-dasharray:6 4}.tip{fill:var(--soft)}.node{fill:var(--paper);stroke:var(--line)}.node.bad{stroke:var(--bad)}
.meter{display:inline-block;width:120px;height:8px;border-radius:4px;background:var(--line);overflow:hidden;vertical-align:middle}.meter span{display:block;height:100%;background:var(--path)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;margin:4px 0 12px}th{text-align:left;color:var(--soft);font-weight:600}th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
code{font-size:12px}.bad{color:var(--bad)}.tag{border:1px solid currentColor;border-radius:4px;padding:0 6px;font-size:12px;white-space:nowrap}.tag.error-burst,.tag.firing{color:var(--bad)}.tag.long-tail{color:var(--slow)}.tag.broken-chain,.tag.missing-call{color:var(--path)}.tag.resolved,.tag.new-call{color:var(--good)}
`.replaceAll('\n', '');
