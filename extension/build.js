// Builds the extension: build/extension, to be loaded unpacked, and build/warmline-extension-<version>.zip, the same bytes
// on every machine: nothing in it depends on times, paths, the order of a folder or a compressor's version.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { zipFolder } from "./zip.js";

const root = join(import.meta.dirname, "..");
const from = import.meta.dirname;
const to = process.argv[2] ?? join(root, "build");
const out = join(to, "extension");
const { version } = JSON.parse(readFileSync(join(from, "manifest.json"), "utf8"));
const modules = join(root, "node_modules");

/** Where each script starts, by its place in the extension. */
const ENTRIES = {
  background: "background/main.ts",
  "options/options": "options/main.ts",
  "sidebar/sidebar": "sidebar/main.ts",
  gmail: "gmail/main.ts",
};
const COPIED = ["manifest.json", "_locales", "icons", "rules", "options/options.html", "sidebar/sidebar.html", "gmail/gmail.css"];

/**
 * What InboxSDK would evaluate from text, and what stands in its place: a hot-reload wrapper that only runs under
 * webpack's development server, and a search for the global object that every browser of today has by name.
 */
const EVALUATED = [
  [/shared\.wrapper = new Function\('shared', [^\n]*\)\(shared\);/g, "throw new Error('no hot reload here');"],
  [/return this \|\| new Function\('return this'\)\(\);/g, "return globalThis;"],
];

async function buildScripts() {
  const entries = Object.entries(ENTRIES).filter(([, path]) => existsSync(join(from, path)));
  await build({
    entryPoints: entries.map(([name, path]) => ({ in: join(from, path), out: name })),
    outdir: out,
    bundle: true,
    minify: true,
    format: "iife",
    target: "chrome120",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    define: { EXTENSION_VERSION: JSON.stringify(version) },
    plugins: [{ name: "no-eval", setup: withoutEval }],
  });
  await build({
    stdin: { contents: readPageWorld(), resolveDir: root, loader: "js" },
    outfile: join(out, "pageWorld.js"),
    minify: true,
    charset: "utf8",
    legalComments: "none",
  });
}

/** @param {import("esbuild").PluginBuild} build */
function withoutEval({ onLoad }) {
  onLoad({ filter: /@inboxsdk[/\\]core[/\\]inboxsdk\.js$/ }, ({ path }) => ({ contents: removeEval(path), loader: "js" }));
}

/** InboxSDK's part that runs in Gmail's own page, which `chrome.scripting` puts there (see its background.js). */
function readPageWorld() {
  return removeEval(join(modules, "@inboxsdk/core/pageWorld.js"));
}

function removeEval(path) {
  return EVALUATED.reduce((text, [pattern, replacement]) => {
    if (!pattern.test(text)) throw new Error(`${path} no longer holds ${pattern}: look at what it evaluates now`);
    return text.replace(pattern, replacement);
  }, readFileSync(path, "utf8"));
}

function buildStyles() {
  const cli = join(modules, "@tailwindcss/cli/dist/index.mjs");
  const paths = ["--input", join(from, "extension.css"), "--output", join(out, "extension.css")];
  execFileSync(process.execPath, [cli, ...paths, "--minify"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const font = "figtree-latin-wght-normal.woff2";
  cpSync(join(modules, "@fontsource-variable/figtree/files", font), join(out, font));
}

function copyFiles() {
  for (const path of COPIED.filter((name) => existsSync(join(from, name)))) {
    const place = join(out, path === "gmail/gmail.css" ? "gmail.css" : path);
    mkdirSync(dirname(place), { recursive: true });
    cpSync(join(from, path), place, { recursive: true });
  }
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await buildScripts();
buildStyles();
copyFiles();
writeFileSync(join(to, `warmline-extension-${version}.zip`), zipFolder(out));
