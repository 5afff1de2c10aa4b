// Renders formulas: {tex, display} in JSON lines, {html} or {error} in JSON lines out,
// and last {css}, which all of them need.  Run in the folder that has node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.cwd() + "/");
const MathJax = await require("mathjax").init({
  loader: { load: ["input/tex-full", "output/chtml", "a11y/assistive-mml"] },
  tex: {
    tags: "none",
    packages: { "[-]": ["noundefined"] }, // which shows what it does not know in red
    formatError: (jax, error) => { throw error; },
  },
  chtml: { fontURL: process.argv[2] },
  startup: { typeset: false },
});
const { adaptor } = MathJax.startup;

const tell = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { tex, display } = JSON.parse(line);
  try {
    const formula = MathJax.tex2chtml(tex, { display });
    // Without a browser a numbered line's height is not known, nor is it needed.
    tell({ html: adaptor.outerHTML(formula).replaceAll(' style="height: NaNem;"', "") });
  } catch (error) {
    tell({ error: error.message });
  }
}
tell({ css: adaptor.textContent(MathJax.chtmlStylesheet()) });
