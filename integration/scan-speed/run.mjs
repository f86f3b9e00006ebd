// Runs the program in V8 under Node.js, with ahead-of-time compilation by the optimizing compiler as in Envoy:
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
    // Host calls of the filter, which are not used here.
    imports[host] ??= {};
    imports[host][name] ??= () => {
      throw new Error(`${host}.${name} was called, and there is no Envoy`);
    };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  // Omits the exports of the filter: `_initialize` beside `_start` is an error.
  return wasi.start({ exports: { memory: exports.memory, _start: exports._start } });
}
