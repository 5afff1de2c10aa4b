// The live cells' Python: pyodide in a Web Worker, so that the page never freezes.
//
// In:  {kind: 'start', home, app}: addresses of pyodide's folder and of the book's modules
//      {kind: 'run', id, group, source}    {kind: 'reset', group}
// Out: {kind: 'progress', loaded, stage}   {kind: 'ready', seconds}
//      {kind: 'done', id, verdict, text, line, seconds}    {kind: 'failed', message}
'use strict';

let session = null;

/** Count the bytes of everything that is fetched from now on. */
function countBytes() {
  const fetchPlainly = self.fetch.bind(self);
  let loaded = 0;
  self.fetch = async (...request) => {
    const response = await fetchPlainly(...request);
    if (!response.ok || !response.body) return response;
    const counter = new TransformStream({
      transform(chunk, controller) {
        loaded += chunk.byteLength;
        self.postMessage({ kind: 'progress', loaded, stage: 'loading' });
        controller.enqueue(chunk);
      },
    });
    const { headers, status, statusText } = response;
    return new Response(response.body.pipeThrough(counter), { headers, status, statusText });
  };
}

/** Fetch an archive of Python modules. */
async function fetchArchive(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function start({ home, app }) {
  const began = performance.now();
  countBytes();
  importScripts(`${home}pyodide.js`);
  const [pyodide, ...archives] = await Promise.all([
    loadPyodide({ indexURL: home }), fetchArchive(`${home}packages.zip`), fetchArchive(app),
  ]);
  self.postMessage({ kind: 'progress', stage: 'importing' });
  archives.forEach((bytes, i) => pyodide.FS.writeFile(`/lib/live${i}.zip`, bytes));
  session = pyodide.runPython(`
    import sys
    sys.path[:0] = ["/lib/live1.zip", "/lib/live0.zip"]
    import sympy
    from session import Session
    Session()
  `);
  self.postMessage({ kind: 'ready', seconds: (performance.now() - began) / 1000 });
}

function run({ id, group, source }) {
  const began = performance.now();
  const result = session.run(group, source);
  const { verdict, text, line } = result.toJs({ dict_converter: Object.fromEntries });
  result.destroy();
  self.postMessage({ kind: 'done', id, verdict, text, line: line ?? null,
    seconds: (performance.now() - began) / 1000 });
}

self.onmessage = async ({ data }) => {
  try {
    if (data.kind === 'start') await start(data);
    if (data.kind === 'run') run(data);
    if (data.kind === 'reset') session.reset(data.group);
  } catch (error) {
    self.postMessage({ kind: 'failed', message: String(error.message ?? error) });
  }
};
