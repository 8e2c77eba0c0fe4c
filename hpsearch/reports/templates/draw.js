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
