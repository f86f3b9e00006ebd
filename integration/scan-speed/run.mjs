// How does the program run in V8? Under Node.js, which is V8 too, with its optimising compiler up front as in Envoy:
//
//   node --no-warnings --no-liftoff --no-wasm-lazy-compilation --no-wasm-dynamic-tiering run.mjs scan-speed.wasm
import { readFile } from 'node:fs/promises';
import { argv, exit } from 'node:process';
import { WASI } from 'node:wasi';

try {
  exit(await run(argv[2]));
} catch (error) {
  console.error(`run.mjs: ${error.message}`);
  exit(1);
}

async function run(path) {
  const module = await WebAssembly.compile(await readFile(path));
  const wasi = new WASI({ version: 'preview1', args: ['scan-speed'], returnOnExit: true });
  const imports = wasi.getImportObject();
  for (const { module: host, name } of WebAssembly.Module.imports(module)) {
    // What the filter asks of Envoy. Nobody does here.
    imports[host] ??= {};
    imports[host][name] ??= () => {
      throw new Error(`${host}.${name} was called, and there is no Envoy`);
    };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  // Without what the filter exports: an `_initialize` beside `_start` is refused.
  return wasi.start({ exports: { memory: exports.memory, _start: exports._start } });
}
