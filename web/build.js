// Builds what browsers get: web/*.js and web/app.css into server/static/, with the icons and the font beside them.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const out = join(root, "server/static");
const ENTRIES = ["app.js", "compose.js", "documents.js", "library.js"];
const COMPRESSED = /\.(css|js|svg|webmanifest)$/;

async function buildScripts() {
  await build({
    entryPoints: ENTRIES.map((name) => join(root, "web", name)).filter((path) => existsSync(path)),
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

/** The documents' viewer has a bundle of its own: recipients load nothing of the app. */
async function buildViewer() {
  await build({
    entryPoints: ["viewer.js", "viewer.css"].map((name) => join(root, "web/viewer", name)),
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["*.woff2"],
    legalComments: "none",
    logLevel: "warning",
  });
}

/** The recipients' pages have a style sheet and nothing else. */
async function buildRecipientPages() {
  await build({
    entryPoints: [join(root, "web/recipient.css")],
    outdir: out,
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
}

function buildStyles() {
  const cli = join(root, "node_modules/@tailwindcss/cli/dist/index.mjs");
  const paths = ["--input", join(root, "web/app.css"), "--output", join(out, "app.css")];
  execFileSync(process.execPath, [cli, ...paths, "--minify"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}

function copyFont() {
  const font = join(root, "node_modules/@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2");
  cpSync(font, join(out, basename(font)));
}

/** Write all lucide icons as one file, name → the drawing inside `<svg>`; templates inline the few they name. */
function buildIcons() {
  const folder = join(root, "node_modules/lucide-static/icons");
  const icons = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".svg"))) {
    const drawing = readFileSync(join(folder, file), "utf8").match(/<svg[^>]*>(.*)<\/svg>/s)[1];
    icons[basename(file, ".svg")] = drawing.replace(/\s+/g, " ").trim();
  }
  writeFileSync(join(out, "icons.json"), JSON.stringify(icons));
}

function compress() {
  for (const name of readdirSync(out).filter((file) => COMPRESSED.test(file))) {
    const bytes = readFileSync(join(out, name));
    writeFileSync(join(out, `${name}.br`), brotliCompressSync(bytes));
    writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

mkdirSync(out, { recursive: true });
await buildScripts();
await buildViewer();
await buildRecipientPages();
buildStyles();
copyFont();
buildIcons();
cpSync(join(root, "web/favicon.svg"), join(out, "favicon.svg"));
compress();
