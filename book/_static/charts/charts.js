// Draws every chart of a page: <div class="vega-chart" data-spec="{…}"></div>.
//
// Vega usually compiles its expressions with `new Function`; the interpreter keeps the
// page free of that. Colours of axes and text follow the page's light or dark mode.
import { expressionInterpreter } from "../vega/vega-interpreter.js";

function ink() {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue("--pst-color-text-base").trim() || "#797979";
}

function config() {
  const color = ink();
  const axis = { labelColor: color, titleColor: color, tickColor: color, domainColor: color };
  return {
    background: "transparent",
    view: { stroke: null },
    axis: { ...axis, gridColor: color, gridOpacity: 0.15, labelFontSize: 12, titleFontSize: 13 },
    legend: { labelColor: color, titleColor: color, labelFontSize: 12 },
    header: { labelColor: color, titleColor: color },
    title: { color },
  };
}

const views = new WeakMap();
const STORE = "shown_store"; // what is clicked on in the legend, as Vega-Lite names it

// What the reader has chosen stays when the page turns dark or light.
function choices(view) {
  const { signals } = view.getState({ signals: (name) => name.startsWith("choose_") });
  return { chosen: Object.entries(signals ?? {}), stored: view.data(STORE) };
}

async function draw(box) {
  const spec = JSON.parse(box.dataset.spec);
  const before = views.get(box) && choices(views.get(box));
  const options = {
    actions: { export: true, source: false, compiled: false, editor: false },
    ast: true,
    expr: expressionInterpreter,
    config: config(),
    renderer: "svg",
  };
  const { view } = await window.vegaEmbed(box, spec, options);
  views.set(box, view);
  if (before) {
    for (const [name, value] of before.chosen) view.signal(name, value);
    await view.data(STORE, before.stored).runAsync();
  }
  box.querySelector("summary")?.setAttribute("aria-label", "Save the chart");
  box.dataset.drawn = "";
}

function drawAll() {
  for (const box of document.querySelectorAll(".vega-chart"))
    draw(box).catch((error) => {
      box.textContent = `The chart cannot be drawn here: ${error.message}`;
    });
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
