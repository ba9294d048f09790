// Mocha's settings for every suite that runs in plain Node; sources are TypeScript and load through tsx.
'use strict';

module.exports = {
  extension: ['ts'],
  import: ['tsx'],
  ui: 'bdd',
  timeout: 20_000,
  slow: 1_000,
};
