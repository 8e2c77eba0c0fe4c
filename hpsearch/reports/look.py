"""How the page looks, and the few lines that draw its pictures."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2125; --faint: #66707a; --line: #d5dae0; --paper: #fff; --raised: #f5f7f9 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e2e6ea; --faint: #98a2ad; --line: #3a424b; --paper: #15181c; --raised: #1f242a }
}
@media print {
  :root { --ink: #000; --faint: #444; --line: #bbb; --paper: #fff; --raised: #fff }
  nav { display: none }
  figure, tr { break-inside: avoid }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
p, ul { max-width: 50rem }
.lead { font-size: 1.15rem }
nav { margin-top: 1.5rem }
nav a { margin-right: 1rem; color: inherit }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .2rem 1.5rem; margin: 1rem 0 }
dt, caption, figcaption, footer { color: var(--faint) }
dd { margin: 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal }
caption { text-align: left; padding-bottom: .3rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line) }
#best td:last-child, #decisions td:last-child { min-width: 16rem }
th { font-weight: 600 }
th, td { white-space: nowrap }
thead th, td:last-child { white-space: normal }
pre { background: var(--raised); padding: .75rem; overflow-x: auto; font-size: .85rem; overflow-wrap: normal;
  white-space: pre-wrap }
summary { cursor: pointer; padding: .25rem 0 }
figure { margin: 1rem 0 1.5rem; min-width: 0 }
.plot { min-height: 200px }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 0 1rem }
.small figure { margin: 0 }
@media (max-width: 34rem) { dl { display: block } dd { margin-bottom: .4rem } pre { white-space: pre } }
"""

DRAW = """
const dark = matchMedia("(prefers-color-scheme: dark)"), printed = matchMedia("print");
function dress(layout) {
  const own = layout.template.layout, night = dark.matches && !printed.matches;
  own.paper_bgcolor = own.plot_bgcolor = "rgba(0,0,0,0)";
  own.font = {...own.font, color: night ? "#c9d0d7" : "#2a3f5f"};
  for (const axis of [own.xaxis, own.yaxis])
    axis.gridcolor = axis.linecolor = axis.zerolinecolor = night ? "#333b44" : "#ebf0f8";
  return layout;
}
function draw() {
  for (const place of document.querySelectorAll(".plot")) {
    const figure = JSON.parse(place.nextElementSibling.textContent);
    const config = {responsive: true, displaylogo: false, displayModeBar: false};
    Plotly.react(place, figure.data, dress(figure.layout), config);
  }
}
draw();
for (const one of [dark, printed]) one.addEventListener("change", draw);
"""
