// A zip archive as bytes that depend on nothing but the files: sorted, without times, stored rather than compressed,
// because what a compressor makes differs from one zlib to the next. Format: PKWARE APPNOTE 6.3.10, §4.3.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const VERSION = 20;
const UTF8_NAMES = 0x0800;
const DOS_EPOCH = 0x0021; // 1 January 1980

/** Return `folder`, with all below it, as an archive. @param {string} folder @returns {Buffer} */
export function zipFolder(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const names = new Map(paths.map((path) => [relative(folder, path).split(sep).join("/"), path]));
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const name of [...names.keys()].sort()) {
    const bytes = readFileSync(/** @type {string} */ (names.get(name)));
    const about = describe(Buffer.from(name), bytes);
    const local = [integer(0x04034b50, 4), about, Buffer.from(name), bytes];
    directory.push(integer(0x02014b50, 4), integer(VERSION, 2), about, Buffer.alloc(10), integer(offset, 4), Buffer.from(name));
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  return Buffer.concat([...parts, ...directory, describeEnd(names.size, offset, directory)]);
}

/** What the entry and the directory both say of a file. @param {Buffer} name @param {Buffer} bytes */
function describe(name, bytes) {
  return Buffer.concat([
    integer(VERSION, 2),
    integer(UTF8_NAMES, 2),
    integer(0, 2), // stored
    integer(0, 2), // midnight
    integer(DOS_EPOCH, 2),
    integer(checksum(bytes), 4),
    integer(bytes.length, 4),
    integer(bytes.length, 4),
    integer(name.length, 2),
    integer(0, 2), // no extra field
  ]);
}

/** @param {number} count @param {number} offset @param {Buffer[]} directory */
function describeEnd(count, offset, directory) {
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const counts = [integer(count, 2), integer(count, 2), integer(size, 4), integer(offset, 4)];
  return Buffer.concat([integer(0x06054b50, 4), Buffer.alloc(4), ...counts, Buffer.alloc(2)]);
}

/** @param {number} value @param {number} size */
function integer(value, size) {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
}

const REMAINDERS = Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder >>> 0;
});

/** CRC-32 as zip wants it; node:zlib has it only since 20.15. @param {Buffer} bytes */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = REMAINDERS[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
