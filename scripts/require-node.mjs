// npm scripts get Node 24 from the pinned `node` package. `npm ci --ignore-scripts` exits 0 and silently leaves the
// machine's own Node in place, so every script asks first.
const wanted = 24;
const found = Number(process.versions.node.split('.')[0]);
if (found !== wanted) {
  process.stderr.write(
    `tidemark needs Node ${wanted}, and this is ${process.version} (${process.execPath}).\n` +
      'Run it through npm (npm start, npm test, npm run tidemark -- …) after a plain `npm ci`;\n' +
      'with `npm ci --ignore-scripts` the pinned Node is not installed: run `npm rebuild node`.\n',
  );
  process.exit(2);
}
