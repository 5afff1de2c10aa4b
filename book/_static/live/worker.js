// The live cells' Python: pyodide in a Web Worker, so that the page never freezes.
//
// In:  {kind: 'start', home, app, bytes, modules}: where pyodide and the book's modules
//        are, how many bytes will come, and how many modules are imported at the start
//      {kind: 'run', id, group, source}          {kind: 'reset', group}
//      {kind: 'settle', id, statement, step, mutation}: a step of a proof, or broken
// Out: {kind: 'progress', part, stage}           {kind: 'ready', seconds}
//      {kind: 'done', id, seconds, …}: what Session.run or Session.settle returned
//      {kind: 'failed', message}

// The bar's shares: fetching, then pyodide's own start, then importing others' modules,
// then the proofs, which are fewer and write themselves down as they come.
const FETCHED = 0.5;
const STARTED = 0.6;
const IMPORTED = 0.75;

let session = null;
let told = 0;

/** Tell how far the start is, but not for every byte. */
function progress(part, stage) {
  if (part < told + 0.005 && part !== FETCHED) return;
  told = part;
  self.postMessage({ kind: 'progress', part, stage });
}

/** Count the bytes of everything that is fetched from now on, of `all`. */
function countBytes(all) {
  const fetchPlainly = self.fetch.bind(self);
  let loaded = 0;
  self.fetch = async (...request) => {
    const response = await fetchPlainly(...request);
    if (!response.ok || !response.body) return response;
    const counter = new TransformStream({
      transform(chunk, controller) {
        loaded += chunk.byteLength;
        if (loaded >= all) progress(FETCHED, 'starting');
        else progress((FETCHED * loaded) / all, 'loading');
        controller.enqueue(chunk);
      },
    });
    const body = response.body.pipeThrough(counter);
    const { headers, status, statusText } = response;
    return new Response(body, { headers, status, statusText });
  };
}

/** Fetch an archive of Python modules. */
async function fetchArchive(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

// z3 is a library of machine code, which an archive cannot hold: it is unpacked. A
// finder that finds nothing sees every import go by.
const START = `
import sys
import zipfile

class Counter:
    def find_spec(self, name, path=None, target=None):
        imported(name.startswith("marginflow.proofs."))

with zipfile.ZipFile("/lib/app.zip") as archive:
    expected(sum(name.startswith("marginflow/proofs/") for name in archive.namelist()))
with zipfile.ZipFile("/lib/packages.zip") as archive:
    solver = [name for name in archive.namelist() if name.startswith("z3/")]
    archive.extractall("/lib/unpacked", solver)
sys.path[:0] = ["/lib/unpacked", "/lib/app.zip", "/lib/packages.zip"]
sys.meta_path.insert(0, Counter())
if solver:
    import z3
from marginflow import proofs
from session import Session
del sys.meta_path[0]
Session()
`;

async function start({ home, app, bytes, modules }) {
  const began = performance.now();
  countBytes(bytes);
  const { loadPyodide } = await import(`${home}pyodide.mjs`);
  const [pyodide, packages, own] = await Promise.all([
    loadPyodide({ indexURL: home }), fetchArchive(`${home}packages.zip`), fetchArchive(app),
  ]);
  progress(STARTED, 'importing');
  pyodide.FS.writeFile('/lib/packages.zip', packages);
  pyodide.FS.writeFile('/lib/app.zip', own);
  let [seen, proofs, allProofs] = [0, 0, 1];
  pyodide.globals.set('expected', (number) => { allProofs = number; });
  pyodide.globals.set('imported', (isProof) => {
    if (isProof) proofs += 1;
    else seen += 1;
    const others = (IMPORTED - STARTED) * Math.min(1, seen / modules);
    const ours = (1 - IMPORTED) * Math.min(1, proofs / allProofs);
    progress(STARTED + others + ours, 'importing');
  });
  session = pyodide.runPython(START);
  self.postMessage({ kind: 'ready', seconds: (performance.now() - began) / 1000 });
}

/** Ask Python for something and post what it returns, with the time that it took. */
function answer(id, ask) {
  const began = performance.now();
  const result = ask();
  const data = result.toJs({ dict_converter: Object.fromEntries });
  result.destroy();
  const seconds = (performance.now() - began) / 1000;
  self.postMessage({ ...data, kind: 'done', id, seconds });
}

self.onmessage = async ({ data }) => {
  const { kind, id, group, source, statement, step, mutation } = data;
  try {
    if (kind === 'start') await start(data);
    if (kind === 'run') answer(id, () => session.run(group, source));
    if (kind === 'settle') answer(id, () => session.settle(statement, step, mutation));
    if (kind === 'reset') session.reset(group);
  } catch (error) {
    self.postMessage({ kind: 'failed', message: String(error.message ?? error) });
  }
};
