// Makes a PDF of one office file with LibreOffice in WebAssembly: node office.mjs <file> <ending> <pdf>.
//
// It has a file system in memory, and no way to the network. Two things keep it from standing still, as it did in two of
// five runs: its pool holds enough threads before it blocks the one that would make more, and its own main program, which
// would run beside us and take its locks, is not started.

import { readFile, writeFile } from "node:fs/promises";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createConverter } from "@matbee/libreoffice-converter/server";

const THREADS = 8;

const require = createRequire(import.meta.url);
const compile = Module.prototype._compile;
Module.prototype._compile = function (source, file, ...rest) {
  const isOurs = file.endsWith("soffice.cjs");
  const changed = isOurs ? source.replace("pthreadPoolSize=4", `pthreadPoolSize=${THREADS}`) : source;
  return compile.call(this, changed, file, ...rest);
};

const [source, inputFormat, target] = process.argv.slice(2);
const home = dirname(require.resolve("@matbee/libreoffice-converter/package.json"));
const loader = require("@matbee/libreoffice-converter/wasm/loader");
const wasmLoader = { ...loader, createModule: (c) => loader.createModule({ ...c, noInitialRun: true }) };
const converter = await createConverter({ wasmPath: join(home, "wasm"), wasmLoader });
const result = await converter.convert(await readFile(source), { inputFormat, outputFormat: "pdf" });
await writeFile(target, result.data);
process.exit(0);
