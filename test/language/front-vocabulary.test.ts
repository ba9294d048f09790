// The tables of the vocabulary agree with each other and with the engine.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { FAMILIES as ADAPTER_FAMILIES } from '../../debug-adapter/breakpoints/families.ts';
import { DEFAULT_COSTS, TRACEPOINTS } from '../../engine/index.ts';
import { GFP as ENGINE_GFP } from '../../engine/include/gfp.ts';
import { ENGINE_FUNCTIONS, ENGINE_TRACEPOINTS } from '../../language/generated/engine-names.ts';
import { MACHINE_NAMES, NAMES_NOT_MODELLED } from '../../language/runtime/index.ts';
import { BOOT_CALLS, KERNEL_CALLS, PROCESS_CALLS, PURE_CALLS, TASK_CALLS, contextsOf, findCall } from '../../language/vocabulary/calls.ts';
import { GFP, constantValue } from '../../language/vocabulary/constants.ts';
import { COSTS } from '../../language/vocabulary/costs.ts';
import { FORM_DOCS, OPTION_DOCS, SETTING_DOCS, STATEMENT_DOCS } from '../../language/vocabulary/docs.ts';
import { GLOBALS, OBJECTS } from '../../language/vocabulary/members.ts';
import { FAMILIES } from '../../language/vocabulary/kernel-names.ts';
import { DISK_SETTINGS, FORMS, PROCESS_OPTIONS, SETTINGS, STATEMENTS } from '../../language/vocabulary/settings.ts';
import { parseNumber, showSize, showTime } from '../../language/vocabulary/units.ts';

/** As the tables of the instrumented build have them. */
interface EngineTables {
  functions: { name: string; params: string[]; tracepoint: boolean }[];
}

describe('vocabulary', () => {
  it('has the engine\'s allocation flags', () => assert.deepEqual(GFP, ENGINE_GFP));

  it('has the engine\'s costs', () => {
    const defaults = Object.fromEntries(Object.entries(COSTS).map(([name, cost]) => [name, cost.default]));
    assert.deepEqual(defaults, { ...DEFAULT_COSTS });
  });

  it('knows what differs on x86_64', () => {
    assert.deepEqual([constantValue('GFP_DMA32'), constantValue('GFP_DMA32', 'x86_64'), constantValue('ENOMEM', 'x86_64'), constantValue('toString')], [0, 4, 12, undefined]);
  });

  it('takes signatures apart', () => {
    assert.deepEqual(PROCESS_CALLS['mmap']?.parameters.map(({ name, optional, default: value }) => [name, optional, value]), [
      ['length', false, null], ['prot', true, 3], ['flags', true, 0x22], ['fd', true, -1], ['offset', true, 0], ['addr', true, 0],
    ]);
    assert.deepEqual(KERNEL_CALLS['kmalloc']?.parameters.at(1), { name: 'gfp', optional: true, default: 0xd0, defaultText: 'GFP_KERNEL' });
    assert.deepEqual(PROCESS_CALLS['sysctl']?.parameters.at(1), { name: 'value', optional: true, default: null, defaultText: null });
    assert.deepEqual([TASK_CALLS['print']?.variadic, TASK_CALLS['print']?.parameters, PURE_CALLS['min']?.parameters.length], [true, [], 1]);
    for (const call of [PROCESS_CALLS, KERNEL_CALLS, BOOT_CALLS, PURE_CALLS, TASK_CALLS].flatMap((table) => Object.values(table))) {
      for (const { default: value } of call.parameters) assert.ok(value === null || Number.isInteger(value), call.signature);
    }
  });

  it('knows who may call what', () => {
    assert.deepEqual([contextsOf('mmap'), contextsOf('load'), contextsOf('alloc_bootmem'), contextsOf('len'), contextsOf('constructor')], [
      ['process'], ['process', 'kernel'], ['boot'], ['process', 'kernel', 'boot'], [],
    ]);
    assert.equal(findCall('toString', 'process'), undefined);
  });

  it('has a sentence for every word', () => {
    for (const word of FORMS) assert.ok(FORM_DOCS[word]?.doc, word);
    for (const word of [...SETTINGS, ...DISK_SETTINGS]) assert.ok(SETTING_DOCS[word]?.doc, word);
    for (const word of PROCESS_OPTIONS) assert.ok(OPTION_DOCS[word]?.doc, word);
    for (const word of STATEMENTS) assert.ok(STATEMENT_DOCS[word]?.doc, word);
  });

  it('has a table for every type of member', () => {
    const members = [GLOBALS, ...Object.values(OBJECTS)].flatMap((table) => Object.entries(table));
    for (const [name, { type }] of members) {
      assert.ok(['number', 'string', 'boolean', 'any', 'function'].includes(type.replace(/\[\]$|\{\}$/, '')) || Object.hasOwn(OBJECTS, type.replace(/\[\]$|\{\}$/, '')), `${name}: ${type}`);
    }
  });

  it('has the machine\'s names, and those of later machines', () => {
    assert.deepEqual(Object.keys(GLOBALS).filter((name) => !NAMES_NOT_MODELLED.has(name)).sort(), [...MACHINE_NAMES.keys()].sort());
  });

  it('has the debugger\'s families, and functions behind them', () => {
    assert.deepEqual(FAMILIES, ADAPTER_FAMILIES);
    for (const name of Object.values(FAMILIES).flat()) assert.ok(Object.hasOwn(ENGINE_FUNCTIONS, name), name);
  });

  it('has the functions that the debugger watches, with their parameters', () => {
    const { functions } = JSON.parse(readFileSync(new URL('../../dist/engine-worker.debug.tables.json', import.meta.url), 'utf8')) as EngineTables;
    const named = functions.filter(({ name }) => /^\w+$/.test(name));
    assert.deepEqual(Object.keys(ENGINE_FUNCTIONS), [...new Set(named.map(({ name }) => name))].sort());
    for (const { name, params } of named) assert.deepEqual(params.filter((param) => !ENGINE_FUNCTIONS[name]!.includes(param)), [], name);
    assert.deepEqual(Object.keys(ENGINE_TRACEPOINTS).map((name) => `trace_${name}`), named.filter(({ tracepoint }) => tracepoint).map(({ name }) => name).sort());
    for (const { system, name, fields } of TRACEPOINTS) {
      const point = ENGINE_TRACEPOINTS[name];
      if (point !== undefined) assert.deepEqual([point.system, point.fields.slice(0, fields.length)], [system, fields.map(([field]) => field)], name);
    }
  });

  it('reads and shows numbers', () => {
    const value = (text: string): bigint | string => {
      const parsed = parseNumber(text);
      return typeof parsed === 'string' ? parsed : parsed.value;
    };
    assert.deepEqual(['010', '1_000', '0xFF_FF', '4KiB', '3pages', '1page', '2TiB', '1min', '18446744073709551615', '0x0'].map(value), [
      10n, 1000n, 65535n, 4096n, 12288n, 4096n, 2n ** 41n, 60_000_000_000n, 2n ** 64n - 1n, 0n,
    ]);
    assert.deepEqual([showSize(4096n), showSize(5000n), showSize(0n), showTime(8_000_000n), showTime(1n)], ['4KiB', '5000', '0', '8ms', '1ns']);
  });
});
