// A table of days becomes a chart; the table stays beside it for whoever reads or hears it better.
const COLOURS = ["--link", "--success", "--warning", "--destructive"];
const drawn = [];

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function read(table) {
  const rows = [...table.querySelectorAll("tbody tr")];
  const days = rows.map((row) => Date.parse(`${row.querySelector("time").dateTime}T00:00:00Z`) / 1000);
  return [days, rows.map((row) => Number(row.querySelector("td").dataset.value))];
}

// The highest line is at or above the highest day, and there are two to five of them, at whole numbers.
function lines(most) {
  const rough = Math.max(most, 2) / 4;
  const ten = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((times) => times * ten).find((size) => size >= rough);
  return Array.from({ length: Math.max(2, Math.ceil(most / step)) + 1 }, (_none, number) => number * step);
}

function draw(figure) {
  const place = figure.querySelector("[data-chart-place]");
  const stroke = colour(COLOURS[Number(figure.dataset.chart) % COLOURS.length]);
  const axis = { stroke: colour("--muted-foreground"), grid: { stroke: colour("--border"), width: 1 }, ticks: { show: false } };
  const shortDay = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", timeZone: "UTC" });
  const write = (seconds) => shortDay.format(new Date(seconds * 1000));
  const number = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" });
  const whole = new Intl.NumberFormat(document.documentElement.lang);
  const said = figure.querySelector("[data-chart-said]");
  const counted = read(figure.querySelector("table"));
  const heights = lines(Math.max(...counted[1]));
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: 180,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: () => [0, heights.at(-1)] } },
      axes: [
        { ...axis, space: 72, grid: { show: false }, values: (_chart, days) => days.map(write) },
        { ...axis, size: 48, splits: () => heights, values: (_chart, counts) => counts.map((count) => number.format(count)) },
      ],
      series: [{}, { stroke, width: 2, fill: `color-mix(in srgb, ${stroke} 12%, transparent)`, points: { size: 5 } }],
      // Which day the pointer is at, and how many there were.
      hooks: {
        setCursor: [
          ({ cursor: { idx } }) => {
            said.textContent = idx == null ? "" : `${write(counted[0][idx])} · ${whole.format(counted[1][idx])}`;
          },
        ],
      },
    },
    counted,
    place,
  );
  drawn.push({ chart, figure, place });
}

function drawAll() {
  for (const { chart } of drawn.splice(0)) chart.destroy();
  for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
}

for (const table of document.querySelectorAll("[data-chart] details")) table.open = false;
drawAll();
new ResizeObserver(() => {
  for (const { chart, place } of drawn) chart.setSize({ width: place.clientWidth, height: 180 });
}).observe(document.getElementById("content"));
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
