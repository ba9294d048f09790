// Names that package.json and the extension's code share.

/** The language's id, and the debug type: the same word, fixed for users' launch.json files. */
export const LANGUAGE_ID = 'pagewalk';
export const DEBUG_TYPE = 'pagewalk';

export const ZONES_VIEW = 'pagewalk.zones';
export const PROCESSES_VIEW = 'pagewalk.processes';
export const PAGE_CACHE_VIEW = 'pagewalk.pageCache';
export const LRU_VIEW = 'pagewalk.lru';

export const COMMANDS = {
  debugScenario: 'pagewalk.debugScenario',
  runScenario: 'pagewalk.runScenario',
} as const;
