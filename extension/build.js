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

/** Packages that can make code from text, though not as we use them: these calls become one that refuses. */
const EVALUATION = /(?<![\w.$])(?:new\s+Function|Function|eval)\(/g;
const REFUSAL = "function refuseEvaluation() { throw new Error('this extension makes no code from text'); }\n";

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
  onLoad({ filter: /[/\\]node_modules[/\\].*\.js$/ }, ({ path }) => ({ contents: removeEvaluation(path), loader: "js" }));
}

/** InboxSDK's part that runs in Gmail's own page, which `chrome.scripting` puts there (see its background.js). */
function readPageWorld() {
  return `(() => {\n${removeEvaluation(join(modules, "@inboxsdk/core/pageWorld.js"))}})();`;
}

function removeEvaluation(path) {
  const text = readFileSync(path, "utf8");
  const changed = text.replace(EVALUATION, "refuseEvaluation(");
  return changed === text ? text : `${changed}\n${REFUSAL}`;
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
