// Compile Python packages with the very Python that will run them in the browser.
//
//   node tools/compile_live.mjs PYODIDE_FOLDER SITE_PACKAGES OUTPUT.zip PACKAGE...
//
// A .pyc belongs to one version of Python, so pyodide itself, run by node, does this.
// `optimize=0` keeps `assert` alive. The archive is one that `import` can read.
import { pathToFileURL } from 'node:url';
import { dirname, join, resolve } from 'node:path';

const [home, sitePackages, output, ...packages] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(home, 'pyodide.mjs')));
const pyodide = await loadPyodide();
pyodide.FS.mkdirTree('/from');
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(sitePackages) }, '/from');
pyodide.FS.mkdirTree('/to');
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(dirname(output)) }, '/to');
pyodide.globals.set('packages', pyodide.toPy(packages));
pyodide.globals.set('output', join('/to', output.split('/').pop()));
pyodide.runPython(`
import importlib._bootstrap_external as imports
import importlib.util
import pathlib
import warnings
import zipfile

warnings.simplefilter("ignore")  # what others' sources do is not ours to report
LEFT_OUT = {"tests", "benchmarks", "__pycache__"}

with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for package in packages:
        for path in sorted(pathlib.Path("/from", package).rglob("*.py")):
            inside = path.relative_to("/from")
            if LEFT_OUT.intersection(inside.parts):
                continue
            source = path.read_bytes()
            code = compile(source, str(inside), "exec", dont_inherit=True, optimize=0)
            pyc = imports._code_to_hash_pyc(
                code, importlib.util.source_hash(source), checked=False
            )
            # A fixed date: the same sources give the same archive.
            entry = zipfile.ZipInfo(str(inside.with_suffix(".pyc")), (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, pyc, compresslevel=9)
`);
