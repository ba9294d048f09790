#!/usr/bin/env node
// The `pagewalk` command of a built checkout: the bundle that `npm run build` makes from cli/.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const bundle = path.join(__dirname, '..', 'dist', 'cli.cjs');
if (fs.existsSync(bundle)) {
  require(bundle);
} else {
  process.stderr.write(`pagewalk: ${bundle} is missing. Run \`npm run build\` in ${path.dirname(__dirname)} first.\n`);
  process.exitCode = 2;
}
