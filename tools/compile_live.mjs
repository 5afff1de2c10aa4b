// Compile Python packages with the very Python that will run them in the browser.
//
//   node tools/compile_live.mjs PYODIDE_FOLDER OUTPUT.zip FOLDER/PACKAGE...
//
// A .pyc belongs to one version of Python, so pyodide itself, run by node, does this.
// `optimize=0` keeps `assert` alive. The archive is one that `import` can read, but for
// a package with a library (.so), which has to be unpacked first. Prints how many
// modules are loaded by importing all packages.
import { pathToFileURL } from 'node:url';
import { basename, dirname, resolve } from 'node:path';

const [home, output, ...packages] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(home, 'pyodide.mjs')));
const pyodide = await loadPyodide();
const mount = (folder, at) => {
  pyodide.FS.mkdirTree(at);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(folder) }, at);
};
for (const folder of packages) mount(folder, `/from/${basename(folder)}`);
mount(dirname(output), '/to');
pyodide.globals.set('output', `/to/${basename(output)}`);
console.log(pyodide.runPython(`
import importlib
import importlib._bootstrap_external as imports
import importlib.util
import pathlib
import sys
import warnings
import zipfile

warnings.simplefilter("ignore")  # what others' sources do is not ours to report
LEFT_OUT = {"tests", "benchmarks", "__pycache__"}
SOURCES = pathlib.Path("/from")


def content(path, inside):
    """A library as it is, a module compiled; with the name that it goes by."""
    data = path.read_bytes()
    if path.suffix == ".so":
        return str(inside), data
    code = compile(data, str(inside), "exec", dont_inherit=True, optimize=0)
    pyc = imports._code_to_hash_pyc(
        code, importlib.util.source_hash(data), checked=False
    )
    return str(inside.with_suffix(".pyc")), pyc


with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(SOURCES.rglob("*")):
        inside = path.relative_to(SOURCES)
        if path.suffix not in (".py", ".so") or LEFT_OUT.intersection(inside.parts):
            continue
        name, data = content(path, inside)
        # A fixed date: the same sources give the same archive.
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, data, compresslevel=9)

before = len(sys.modules)
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCES))
for package in sorted(SOURCES.iterdir()):
    importlib.import_module(package.name)
len(sys.modules) - before
`));
