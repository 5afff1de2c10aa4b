// The steps of recorded Coq proofs: a script for each file, which a page adds when a
// reader first opens one of the file's proofs. A script is allowed from a folder, too,
// where a page may not fetch.
const STEPS = new URL("steps/", document.currentScript.src);
const asked = new Map(); // file: what waits for its script
const arrived = new Map(); // file: what its script handed over
globalThis.marginflowSteps = (recorded) => arrived.set(recorded.file, recorded);

function ask(file) {
  if (!asked.has(file))
    asked.set(
      file,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`${file}.js`, STEPS);
        script.onload = () => resolve(arrived.get(file));
        script.onerror = () => {
          asked.delete(file); // so that opening the proof again asks again
          script.remove();
          reject();
        };
        document.head.append(script);
      }),
    );
  return asked.get(file);
}
function element(name, text, ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}
function block(text) {
  const made = element("pre", text);
  made.tabIndex = 0;
  return made;
}
// A statement, and each sentence of its proof with the goal that is left after it.
function written({ statement, steps }, lines) {
  const made = [block(statement)];
  let lead = "";
  for (const [tactic, ...goal] of steps) {
    lead += tactic;
    if (/^\s*([-+*]+|\d+: \{|[{}])$/.test(tactic)) continue; // a bullet: with the next
    const code = element("code", lead.replace(/^ {2}/gm, ""));
    lead = "";
    if (goal.length) {
      const left = block(goal.map((number) => lines[number]).join("\n"));
      made.push(element("details", "", element("summary", "", code), left));
    } else {
      made.push(element("p", "", code));
      made.at(-1).className = "coq-done";
    }
  }
  return made;
}
function watch(proof, file, number) {
  proof.ontoggle = async () => {
    if (!proof.open) return;
    proof.ontoggle = null;
    const note = element("p", "The steps are on their way.");
    note.role = "status";
    proof.append(note);
    try {
      const { proofs, lines } = await ask(file);
      note.replaceWith(...written(proofs[number], lines));
    } catch {
      note.textContent = "The steps did not come. Close and open this to try again.";
      proof.ontoggle = () => {
        note.remove();
        watch(proof, file, number);
      };
    }
  };
}
addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll(".coq[data-steps]"))
    box
      .querySelectorAll(".coq-proof")
      .forEach((proof, number) => watch(proof, box.dataset.steps, number));
});
