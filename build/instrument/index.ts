// The door of the instrumenter: what build scripts and tests use.
export { instrument, type Instrumented, type InstrumentOptions } from './instrument.ts';
export { engineFiles, instrumentEngine, instrumentFiles, type InstrumentEngineOptions } from './plugin.ts';
export { emptyTables, type FrameKind, type FunctionInfo, type Place, type SourceFile, type Tables } from './tables.ts';
